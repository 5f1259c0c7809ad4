"""A probe whose launch is not answered: the container is found, followed and stopped, or the failure is reported."""

import pytest

from aws_exec.fleet import FleetOptions, open_fleet
from aws_exec.fleet.health import Branch
from aws_exec.fleet.probe import Probing, planned_probes
from tests.fleet.scripts import given
from tests.scripted.life import FOR_EVER
from tests.scripted.services import ScriptedBatch, ScriptedEcs
from tests.scripted.tricks import reset

pytestmark = pytest.mark.containers

BRANCHES = [Branch("AwsEcsExecutor", []), Branch("AwsBatchExecutor", [])]


@pytest.fixture
def probed(tmp_path, monkeypatch):
    """Probe one executor for two seconds at a scripted service; returns the outcomes and what was reported."""

    def probed(service, executor):
        environment = given(service, tmp_path) | {
            "AIRFLOW__AWS_ECS_EXECUTOR__TASK_DEFINITION": "airflow",
            "AIRFLOW__AWS_ECS_EXECUTOR__CONTAINER_NAME": "airflow",
            "AIRFLOW__AWS_BATCH_EXECUTOR__JOB_QUEUE": "fleet",
            "AIRFLOW__AWS_BATCH_EXECUTOR__JOB_DEFINITION": "airflow",
            service.VARIABLE: service.get_url(),
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        reports = []
        with open_fleet(FleetOptions(executor=executor), environment) as fleet:
            found = Probing(fleet, 2.0, reports.append).run(planned_probes(fleet, BRANCHES))
        (outcomes,) = found.values()
        return outcomes, reports

    return probed


@pytest.mark.parametrize(
    ("kind", "executor", "operation"), [(ScriptedEcs, "ecs", "RunTask"), (ScriptedBatch, "batch", "SubmitJob")]
)
def test_a_container_whose_launch_was_not_answered_is_found_and_stopped(probed, kind, executor, operation):
    with kind(FOR_EVER) as service:
        service.goes_wrong(reset(acts=True), operation, times=1)
        outcomes, reports = probed(service, executor)
        (launch,) = service.launches()
        (stopped, _reason), *_ = service.stops()

    assert stopped == launch.arn
    assert [each.subject for each in outcomes] == ["container"]
    assert any(": launched " in each for each in reports)
    assert any(": requested the stop of " in each for each in reports)


def test_a_launch_that_never_arrived_is_a_failure(probed):
    with ScriptedEcs() as service:
        service.goes_wrong(reset(), "RunTask")
        (outcome,), reports = probed(service, "ecs")

        assert (service.launches(), service.stops(), reports) == ([], [], [])
    assert (outcome.status, outcome.subject) == ("FAIL", "launch")
