"""The checker of the crash matrix on made-up ledgers: it accepts a correct run and finds each kind of harm."""

from dataclasses import replace

import pytest

from aws_exec.local import Launch
from aws_exec.local.airflow.records import TaskInstance
from tests.crash.checker import Evidence, Expected, Ran, problems

LAUNCH_ID = "11111111-1111-4111-8111-111111111111"
OTHER_ID = "22222222-2222-4222-8222-222222222222"
ARN = "arn:aws:ecs:us-east-1:123456789012:task/awsexec/1"
OTHER_ARN = "arn:aws:ecs:us-east-1:123456789012:task/awsexec/2"

INSTANCE = TaskInstance("load", -1, 1, "success", ARN, 1)
LAUNCH = Launch(
    service="ecs",
    arn=ARN,
    token=f"{LAUNCH_ID}-1",
    started_by="awsexec/crash",
    container="airflow",
    identity={"AWSEXEC_TASK_ID": "load", "AWSEXEC_MAP_INDEX": "-1"},
    status="STOPPED",
    created_at=1.0,
    started=True,
    ended_at=2.0,
    exit_code=0,
    stop_code="EssentialContainerExited",
    stopped_reason="",
)
RAN = Ran("load", 1, LAUNCH.token)
IN_ORDER = Evidence([INSTANCE], [LAUNCH], [RAN])

OTHER = replace(LAUNCH, arn=OTHER_ARN, token=f"{OTHER_ID}-1", created_at=3.0)
ALIVE = replace(OTHER, status="RUNNING", ended_at=None, exit_code=None)
AT_WORK = replace(INSTANCE, state="running", external_executor_id=OTHER_ARN)


def found(expected=Expected(), **changes):  # noqa: B008 - frozen
    return problems(replace(IN_ORDER, **changes), {"load": expected})


def test_a_run_in_order_has_no_problem():
    assert found() == []


def test_a_row_may_name_the_launch_where_airflow_has_not_read_the_arn():
    assert found(instances=[replace(INSTANCE, external_executor_id=LAUNCH_ID)]) == []


def test_a_second_try_that_was_to_be_has_a_container_and_a_run_of_its_own():
    evidence = {
        "instances": [replace(INSTANCE, try_number=2, external_executor_id=OTHER_ARN)],
        "launches": [LAUNCH, OTHER],
        "ran": [RAN, Ran("load", 2, OTHER.token)],
    }

    assert found(Expected(tries=2), **evidence) == []


HARM = {
    "a task that failed": (
        {"instances": [replace(INSTANCE, state="failed")]},
        ["load: failed on try 1, not success on try 1"],
    ),
    "a task that is not over": (
        {"instances": [replace(INSTANCE, state="queued")]},
        ["load: queued on try 1, not success on try 1"],
    ),
    "a burnt try": (
        {"instances": [replace(INSTANCE, try_number=2)], "ran": [replace(RAN, try_number=2)]},
        [
            "load: success on try 2, not success on try 1",
            "load: user code of try 1 ran 0 times, not 1",
            "load: user code of try 2 ran 1 times, not 0",
        ],
    ),
    "a task that is gone": ({"instances": []}, ["load: is not in the database"]),
    "a task that nobody expected": (
        {"instances": [INSTANCE, replace(INSTANCE, task_id="other")]},
        ["other: was not expected"],
    ),
    "user code that ran in two containers": (
        {
            "instances": [replace(INSTANCE, external_executor_id=OTHER_ARN)],
            "launches": [LAUNCH, OTHER],
            "ran": [RAN, replace(RAN, token=OTHER.token)],
        },
        ["load: user code of try 1 ran 2 times, not 1"],
    ),
    "user code that ran twice in one container": (
        {"ran": [RAN, RAN]},
        ["load: user code of try 1 ran 2 times, not 1", f"user code ran 2 times with the token {LAUNCH_ID}-1"],
    ),
    "user code that never ran": (
        {"ran": []},
        ["load: user code of try 1 ran 0 times, not 1", "load: 1 containers were launched in vain, not 0"],
    ),
    "a container in vain": (
        {"launches": [OTHER, LAUNCH]},
        ["load: 1 containers were launched in vain, not 0"],
    ),
    "user code in a container that is in no ledger": (
        {"ran": [replace(RAN, token=OTHER.token)]},
        [
            "load: 1 containers were launched in vain, not 0",
            f"user code ran in a container that nobody launched: {OTHER_ID}-1",
        ],
    ),
    "two containers with one token": (
        {"launches": [replace(LAUNCH, arn=OTHER_ARN), LAUNCH]},
        [f"2 containers have the token {LAUNCH_ID}-1"],
    ),
    "a container that nobody owns": (
        {"launches": [ALIVE, LAUNCH], "ran": [RAN]},
        [
            "load: 1 containers were launched in vain, not 0",
            f"load: {OTHER_ARN} is RUNNING and nobody owns it",
        ],
    ),
    "a row that names another container": (
        {"instances": [replace(INSTANCE, external_executor_id=OTHER_ARN)]},
        [f"load: its row names {OTHER_ARN}, its last container is {ARN}"],
    ),
}


@pytest.mark.parametrize("harm", HARM)
def test_each_harm_is_found(harm):
    changes, lines = HARM[harm]

    assert found(**changes) == lines


def test_what_lives_and_is_owned_by_a_task_at_work_is_in_order():
    evidence = {"instances": [AT_WORK], "launches": [ALIVE], "ran": [Ran("load", 1, ALIVE.token)]}

    assert found(Expected(state="running"), **evidence) == []


def test_so_many_containers_may_come_to_nothing_as_are_expected_to():
    evidence = {"launches": [OTHER, LAUNCH]}

    assert found(Expected(vain=1), **evidence) == []
    assert found(Expected(vain=0), **evidence) != []
