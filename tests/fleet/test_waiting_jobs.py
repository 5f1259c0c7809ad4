"""What waits for room on the local AWS emulator: `explain` and JSON give its reason, whichever service has it."""

import json

import pytest

from awsexec_cli.exit_codes import Exit
from tests.fleet.fleet import Fleet, identity

BUSY = "12 of 12 container slots are busy"


@pytest.fixture
def waiting(aws):
    """A task and a job that wait."""
    aws.faults.occupy()
    fleet = Fleet(aws)
    arns = [fleet.task(identity("waits")), fleet.job(identity("waits"))]
    aws.wait_until(lambda: aws.history(arns[1])[-1] == "RUNNABLE")
    yield arns
    for arn in arns:
        aws.faults.lose(arn)
    aws.faults.vacate()


def test_explain_gives_the_reason_and_what_to_do(aws, shell, waiting):
    for arn in waiting:
        done = shell("explain", arn, **aws.environment())

        assert done.code == Exit.FAILED
        assert "It has not started: " in done.out
        assert BUSY in done.out
        assert "start the emulator with a larger --max-containers" in done.out


def test_a_list_has_the_reason(aws, shell, waiting):
    found = json.loads(shell("list", "--state", "waiting", "-o", "json", **aws.environment()).out)

    assert {job["arn"]: job["reason"] for job in found} == dict.fromkeys(waiting, BUSY)
