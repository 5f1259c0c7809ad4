"""A third cloud beside ECS and Batch in one Airflow: its tasks are processes (tests/third_cloud)."""

import pytest

from aws_exec.lifecycle.values import Job, Status, launch_of
from tests.third_cloud.process_cloud import SERVICE, ProcessCloud

pytestmark = pytest.mark.timeout(300)

DAG_ID = "on_processes"


@pytest.fixture(scope="module")
def run(trigger):
    run = trigger(DAG_ID)
    run.over()
    return run


@pytest.fixture(scope="module")
def jobs(run, airflow, processes):
    """What the cloud says of each task's job once nothing of it runs."""
    cloud = ProcessCloud(processes, "e2e", 0)

    def ended():
        named = {name: Job(instance.external_executor_id) for name, instance in run.instances.items()}
        seen = {one.job: one for one in cloud.describe("", list(named.values())).seen}
        over = all(job in seen and seen[job].status is Status.STOPPED for job in named.values())
        return over and {name: seen[job] for name, job in named.items()}

    return airflow.wait_until(ended, 60, "the processes have ended")


def test_every_task_succeeds_at_its_first_try_in_one_process_that_exits_zero(run, jobs, processes):
    assert run.states == dict.fromkeys(("square[0]", "square[1]", "total"), "success")
    assert {instance.try_number for instance in run.instances.values()} == {1}
    assert {name: (seen.stop.exit_code, seen.stop.reason) for name, seen in jobs.items()} == dict.fromkeys(
        jobs, (0, "")
    )
    assert len(list((processes / "e2e").iterdir())) == 3
    assert run.launches == []


def test_what_they_return_comes_from_processes_with_an_identity_and_an_environment(run, jobs):
    returned = run.airflow.records.returned(DAG_ID, run.run_id, "total")
    assert returned == {
        "sum": 25,
        "tokens": sorted(jobs[name].token for name in ("square[0]", "square[1]")),
        "colours": ["blue", "green", "green"],
    }


def test_airflow_knows_each_by_the_cloud_s_own_name_for_it(run, jobs):
    for name, instance in run.instances.items():
        assert instance.external_executor_id == f"{SERVICE}:e2e/{jobs[name].token}"
    assert len({launch_of(seen.token) for seen in jobs.values()}) == 3
