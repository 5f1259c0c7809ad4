"""The scheduler is killed while its tasks run: the next one continues."""

import pytest

pytestmark = pytest.mark.timeout(300)

BOTH = {"ecs", "batch"}


def test_a_killed_scheduler_burns_no_try_and_launches_nothing_twice(aws, airflow, trigger, tmp_path):
    """Of six containers three run and three wait for room, on both services; nobody lets them go before the next
    scheduler has them."""
    gate = tmp_path / "gate"
    first = trigger("gated", gate=str(gate))
    first.until(lambda: set(first.states.values()) == {"running"}, "a task runs on each service")
    runs = [first, trigger("gated", gate=str(gate)), trigger("gated", gate=str(gate))]

    def launches():
        return [launch for run in runs for launch in run.launches]

    def instances():
        return [instance for run in runs for instance in run.instances.values()]

    def waiting():
        return [launch for launch in launches() if not launch.started]

    first.until(lambda: len(launches()) == 6, "all six are launched")
    first.until(lambda: [i.state for i in instances()].count("running") == 3, "three tasks run")
    assert {launch.service for launch in waiting()} == BOTH
    (before,) = {instance.queued_by for instance in instances()}

    airflow.kill9("scheduler")
    airflow.restart("scheduler")
    first.until(lambda: before not in {i.queued_by for i in instances()}, "the new scheduler has adopted all tasks")
    gate.touch()

    assert [run.over() for run in runs] == ["success"] * 3
    assert {(i.state, i.try_number) for i in instances()} == {("success", 1)}
    assert len(launches()) == 6
    assert len({launch.token for launch in aws.ledger()}) == len(aws.ledger())
    assert {launch.exit_code for launch in launches()} == {0}
    for run in runs:
        arns = {launch.identity["AWSEXEC_TASK_ID"]: launch.arn for launch in run.launches}
        assert {name: i.external_executor_id for name, i in run.instances.items()} == arns
