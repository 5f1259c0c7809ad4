"""Waiting stops with the same reason are one call."""

from dataclasses import replace

import pytest

from aws_exec.dispatch.lane import Workers
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.effects import StopJob
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job
from aws_exec.testing import FakeCloud
from tests.dispatch.harness import rig, stop, until


class BulkCloud(FakeCloud):
    """Stops three jobs in one call; keeps what each call was asked for."""

    def __init__(self, stop_batch: int = 3):
        super().__init__()
        self.capabilities = replace(self.capabilities, stop_batch=stop_batch)
        self.asked: list[list[str]] = []

    def stop(self, jobs, reason):
        self.asked.append([job.arn for job in jobs])
        return super().stop(jobs, reason)


def other(request_id: int) -> StopJob:
    return StopJob(
        request_id=request_id, launch_id=f"launch{request_id}", job=Job(str(request_id)), reason="another reason"
    )


def queued(cloud: BulkCloud, *effects, fail=None) -> list:
    """What comes of stops that wait behind one that hangs."""
    with rig(cloud, workers=Workers(stops=1)) as it:
        release = cloud.hold("stop")
        it.dispatch(stop(1, Job("1")))
        until(lambda: cloud.calls["stop"] == 1)
        it.dispatch(*effects)
        until(lambda: not it.dispatcher._intake)
        if fail is not None:
            cloud.fail("stop", fail)
        release.set()
        return it.take(1 + len(effects))


def test_stops_that_wait_with_the_same_reason_are_one_call_and_each_is_completed():
    cloud = BulkCloud()
    effects = [
        other(request_id) if request_id == 3 else stop(request_id, Job(str(request_id))) for request_id in range(2, 8)
    ]
    events = queued(cloud, *effects)
    assert cloud.asked == [["1"], ["2", "4", "5"], ["3"], ["6", "7"]]
    assert events == [
        on.StopAnswered(request_id=request_id, launch_id=f"launch{request_id}", failure=None)
        for request_id in range(1, 8)
    ]


def test_a_fault_of_one_is_not_the_others():
    denied = CallFailure(FailureKind.REFUSED, "TerminateJobs", "AccessDeniedException")
    events = queued(BulkCloud(), *(stop(request_id, Job(str(request_id))) for request_id in (2, 3)), fail=denied)
    assert [event.failure for event in events] == [None, denied, None]


@pytest.mark.parametrize("error", [RuntimeError("bug"), SystemExit(1)])
def test_a_call_that_breaks_fails_for_each(error):
    events = queued(BulkCloud(), *(stop(request_id, Job(str(request_id))) for request_id in (2, 3)), fail=error)
    faults = [event.failure and event.failure.kind for event in events]
    assert faults == [None, FailureKind.NO_ANSWER, FailureKind.NO_ANSWER]


def test_a_service_without_a_bulk_call_is_asked_one_by_one():
    cloud = BulkCloud(stop_batch=1)
    queued(cloud, *(stop(request_id, Job(str(request_id))) for request_id in (2, 3)))
    assert cloud.asked == [["1"], ["2"], ["3"]]
