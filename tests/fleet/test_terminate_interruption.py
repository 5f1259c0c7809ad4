"""Ctrl-C during many stops: no more are started, and each started one is reported."""

import os
import signal
import threading

from aws_exec.fleet import FleetJob, State, Stopping
from aws_exec.fleet.retries import Retries
from aws_exec.fleet.stopping import STOPPERS
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job
from awsexec_cli.termination import _interrupts


def jobs(count):
    who = Identity("ours", "t-1", "etl", "load")
    return [FleetJob("ecs", Job(f"arn/{number}", "fleet"), who, State.RUNNING, "RUNNING") for number in range(count)]


class Slow:
    """A service whose stops take until they are let go."""

    stop_batch = 1

    def __init__(self):
        self.asked = []
        self.full = threading.Semaphore(0)
        self.go = threading.Event()

    def stop(self, jobs, reason):
        self.asked += [job.job.arn for job in jobs]
        self.full.release()
        assert self.go.wait(60), "nobody let the stops go"
        return [None]


def test_what_was_begun_is_told_and_nothing_more_is_begun():
    service = Slow()
    stopping = Stopping({"ecs": service}, {"ecs": Retries()}, jobs(50), "why")
    stopping.start()
    for _ in range(STOPPERS):
        assert service.full.acquire(timeout=10)

    stopping.halt()
    service.go.set()
    told = list(stopping.outcomes())

    assert len(service.asked) == STOPPERS
    assert sorted(job.job.arn for job, _ in told) == sorted(service.asked)
    assert {fault for _, fault in told} == {None}


def test_an_interrupt_before_the_first_is_one_before_all():
    service = Slow()
    service.go.set()
    stopping = Stopping({"ecs": service}, {"ecs": Retries()}, jobs(50), "why")

    stopping.halt()
    stopping.start()

    assert (list(stopping.outcomes()), service.asked) == ([], [])


class Refusing:
    """A service that refuses one job for good, and throttles another once."""

    stop_batch = 50

    def __init__(self):
        self.throttled = False

    def stop(self, jobs, reason):
        return [self._answer(job.job.arn) for job in jobs]

    def _answer(self, arn):
        if arn == "arn/1":
            return CallFailure(FailureKind.REFUSED, "StopTask", "AccessDeniedException")
        if arn == "arn/2" and not self.throttled:
            self.throttled = True
            return CallFailure(FailureKind.THROTTLED, "StopTask", "ThrottlingException")
        return None


def test_each_job_has_its_outcome_and_a_throttle_is_no_end():
    stopping = Stopping({"ecs": Refusing()}, {"ecs": Retries()}, jobs(4), "why")
    stopping.start()

    told = {job.job.arn: fault for job, fault in stopping.outcomes()}

    assert {arn: fault and fault.code for arn, fault in told.items()} == {
        "arn/0": None,
        "arn/1": "AccessDeniedException",
        "arn/2": None,
        "arn/3": None,
    }


def test_a_ctrl_c_that_nobody_can_be_told_of_stops_as_any_other():
    """Whoever read standard error has gone."""
    halted = threading.Event()
    kept = os.dup(2)
    read, write = os.pipe()
    os.close(read)
    os.dup2(write, 2)
    try:
        with _interrupts(halted.set) as came:
            signal.raise_signal(signal.SIGINT)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(write)

    assert (halted.is_set(), came) == (True, [signal.SIGINT])
