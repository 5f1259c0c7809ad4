"""The scheduler dies by kill -9 while its tasks run: the next one carries on as if nothing had been."""

import pytest

pytestmark = pytest.mark.timeout(300)


def test_a_killed_scheduler_burns_no_try_and_launches_nothing_twice(airflow, trigger, tmp_path):
    """Of four containers three run and one waits for room; nobody lets them go before the next scheduler has them."""
    gate = tmp_path / "gate"
    run = trigger("gated", gate=str(gate))
    run.until(lambda: list(run.states.values()).count("running") == 3, "three tasks run")
    run.until(lambda: len(run.launches) == 4, "all four are launched")
    (before,) = {instance.queued_by for instance in run.instances.values()}

    airflow.kill9("scheduler")
    airflow.restart("scheduler")
    run.until(
        lambda: before not in {instance.queued_by for instance in run.instances.values()},
        "the new scheduler has adopted all tasks",
        timeout=90,
    )
    gate.touch()

    assert run.over() == "success"
    assert {name: (i.state, i.try_number) for name, i in run.instances.items()} == {
        f"waits[{index}]": ("success", 1) for index in range(4)
    }
    assert len(run.launches) == 4
    assert {launch.exit_code for launch in run.launches} == {0}
    newest = {launch.identity["AWSEXEC_MAP_INDEX"]: launch.arn for launch in run.launches}
    assert {str(i.map_index): i.external_executor_id for i in run.instances.values()} == newest
