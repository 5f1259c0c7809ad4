"""DAGs on a real Airflow with both executors: every task in a container, on either service."""

import re

import pytest

from aws_exec.container.outcome import Outcome
from aws_exec.local.demo import plan, summary
from aws_exec.local.demo.plan import Expected
from tests.e2e import logs

ARNS = {
    "ecs": re.compile(r"arn:aws:ecs:[a-z0-9-]+:\d{12}:task/\S+/[0-9a-f]{32}"),
    "batch": re.compile(r"arn:aws:batch:[a-z0-9-]+:\d{12}:job/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}

#: What comes back in the demo's DAG does so here on the other service.
OTHER_WAY_ROUND = {
    "retried": Expected(launches=2, tries=2, because="failed on its first try, on purpose", service="batch"),
    "deferred": Expected(launches=2, because="was deferred", service="batch"),
    "rescheduled": Expected(launches=2, because="was rescheduled"),
}

EXPECTED = {plan.DAG_ID: plan.EXPECTED, "comes_back": OTHER_WAY_ROUND}

pytestmark = pytest.mark.timeout(420)


@pytest.fixture(scope="module")
def sizes():
    """How long each log was before the runs."""
    return {}


@pytest.fixture(scope="module")
def runs(airflow, trigger, sizes):
    """Both at once: one heartbeat has tasks of both."""
    sizes.update(logs.sizes(airflow.home.logs))
    runs = {dag_id: trigger(dag_id) for dag_id in EXPECTED}
    airflow.wait_until(lambda: None not in {run.ended() for run in runs.values()}, 300, "both runs are over")
    return runs


@pytest.fixture(params=EXPECTED)
def run(request, runs):
    return runs[request.param]


@pytest.fixture
def expected(run):
    return EXPECTED[run.dag_id]


def test_every_task_succeeds(run, expected):
    assert run.states == dict.fromkeys(expected, "success")


def test_nothing_happens_that_was_not_planned(run, expected):
    """States, tries, services, containers of each task, exit codes, tokens: what `awsexec demo` exits 0 for."""
    assert summary.problems(run.rows(), expected) == []


def test_the_tasks_of_one_run_are_on_both_services(run):
    assert {launch.service for launch in run.launches} == {"ecs", "batch"}


def test_no_log_has_a_complaint_of_ours_before_the_first_task(complaints_at_start):
    """Airflow's example DAGs are loaded, as by default."""
    assert complaints_at_start == []


def test_no_log_of_a_task_or_a_component_has_a_complaint_of_ours(airflow, runs, sizes):
    assert logs.complaints(airflow.home.logs, sizes) == []


def test_the_logs_of_each_task_and_of_the_scheduler_were_looked_at(airflow, run, expected, sizes):
    grown = {path for path, size in logs.sizes(airflow.home.logs).items() if size > sizes.get(path, 0)}

    assert airflow.log_of("scheduler") in grown
    assert len([path for path in grown if f"run_id={run.run_id}" in path.parts]) >= len(expected)


def test_airflow_has_its_example_dags(airflow, runs):
    assert "tutorial" in airflow.records.known_dags()


def test_the_result_is_made_of_the_data(runs):
    demo = runs[plan.DAG_ID]
    report = demo.airflow.records.returned(plan.DAG_ID, demo.run_id, plan.RESULT)

    assert (report["readings"], report["missing"]) == (360, 15)
    assert [line["station"] for line in report["ranking"]][:2] == ["ringroad", "market"]


def test_only_the_task_that_fails_on_purpose_has_a_second_try(run, expected):
    tries = {name: instance.try_number for name, instance in run.instances.items()}

    assert tries == {name: want.tries for name, want in expected.items()}


def test_each_container_has_a_token_of_its_own_and_exits_as_its_task_ended(run, expected):
    tokens = [launch.token for launch in run.launches]

    assert len(tokens) == len(set(tokens)) == sum(want.launches for want in expected.values())
    failed = sum(want.tries - 1 for want in expected.values())
    assert (
        sorted(launch.exit_code for launch in run.launches) == [0] * (len(tokens) - failed) + [Outcome.FAILED] * failed
    )
    assert {launch.identity["AWSEXEC_TOKEN"] for launch in run.launches} == set(tokens)


def test_a_batch_job_carries_its_token_in_its_name(run):
    jobs = [launch for launch in run.launches if launch.service == "batch"]

    assert [launch.name.startswith(f"awsexec-{launch.token}-{run.dag_id}-") for launch in jobs] == [True] * len(jobs)


def test_tasks_come_back_while_their_old_container_is_not_over(run, expected):
    assert summary.overlapped(run.rows()) == {name for name, want in expected.items() if want.launches > 1}


def test_what_came_back_is_credited_to_the_newest_container(run):
    newest = {row.task: row.launch.arn for row in run.rows()}

    assert {name: instance.external_executor_id for name, instance in run.instances.items()} == newest


def test_the_external_executor_id_is_an_arn_of_the_tasks_service(run, expected):
    ids = {name: instance.external_executor_id for name, instance in run.instances.items()}

    assert [name for name, want in expected.items() if not ARNS[want.service].fullmatch(ids[name])] == []


def test_a_run_without_trouble_leaves_no_word_in_the_event_log(run, expected):
    untroubled = [name.partition("[")[0] for name, want in expected.items() if want.tries == 1]

    assert [name for name in untroubled if run.said(name)] == []
