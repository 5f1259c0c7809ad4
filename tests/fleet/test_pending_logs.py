"""`logs` of a job without a log yet: reported at once; with -f, awaited until the job has ended."""

import threading

import pytest

from aws_exec.fleet import FleetJob, LogLocation, State, logs
from aws_exec.fleet.errors import NoLogError
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import Job
from awsexec_cli.exit_codes import Exit
from tests.fleet.fleet import OURS, Fleet, identity
from tests.fleet.shell import running
from tests.fleet.test_waiting import AtOnce

NOT_YET, THERE = LogLocation("/group", "", "us-east-1"), LogLocation("/group", "stream", "us-east-1")
TELLS = "print('it begins', flush=True)"


def job(state):
    return FleetJob("batch", Job("arn:aws:batch:us-east-1:1:job/1", "queue"), Identity(OURS, "t-1"), state, "STATUS")


class Begins:
    """A service at which a job goes from state to state, and its log from place to place."""

    def __init__(self, states, locations):
        self._states = iter(states)
        self._locations = iter(locations)

    def describe(self, location, arns):
        return [job(next(self._states))]

    def log_location(self, job):
        return next(self._locations)


def begun(states, locations):
    return logs.location_once_begun(Begins(states, locations), job(State.WAITING), stop=AtOnce())


def test_the_beginning_of_a_log_is_waited_for():
    assert begun([State.WAITING, State.STARTING, State.RUNNING], [NOT_YET, NOT_YET, THERE]) == THERE


def test_a_job_that_ends_has_the_log_that_it_has_by_then():
    assert begun([State.STARTING, State.FAILED], [NOT_YET, THERE]) == THERE


def test_a_job_that_ends_without_a_log_is_waited_for_no_longer():
    with pytest.raises(NoLogError, match=r"^1 has no log: it is failed \(STATUS\)$"):
        begun([State.WAITING, State.FAILED], [NOT_YET, NOT_YET])


def test_whoever_waits_may_be_stopped():
    stop = threading.Event()
    stop.set()
    with pytest.raises(NoLogError, match="1 has no log yet: it is waiting"):
        logs.location_once_begun(Begins([State.WAITING], [NOT_YET]), job(State.WAITING), stop=stop)


class Log:
    """A client of a log of one line, that remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, service, region=""):
        return self

    def get_log_events(self, **arguments):
        assert arguments["limit"] >= 1, "as AWS has it"
        self.asked.append(arguments.get("startTime"))
        return {"events": [], "nextForwardToken": "end"}


def test_of_no_lines_nobody_is_asked():
    log = Log()

    assert (list(logs.read(log, THERE, tail=0)), log.asked) == ([], [])


def test_no_lines_and_on_from_there_begins_now():
    log = Log()
    over = iter([False, True])
    lines = logs.follow(log, THERE, is_over=lambda: next(over), tail=0, stop=AtOnce(), clock=lambda: 1000.0)

    assert list(lines) == []
    assert set(log.asked) == {1_000_000}


def test_a_job_that_waits_has_no_log_yet_and_is_followed_from_its_beginning(aws, shell):
    aws.faults.occupy()
    fleet = Fleet(aws)
    try:
        jobs = [fleet.job(identity("later"), TELLS), fleet.task(identity("later"), TELLS)]
        for arn in jobs:
            done = shell("logs", arn, **aws.environment())
            assert (done.code, done.out) == (Exit.FAILED, "")
            assert "no log" in done.err
        first, second = (running("logs", "-f", arn, **aws.environment()) for arn in jobs)
        with first as first, second as second:
            for process in (first, second):
                assert "its log is shown once it begins" in process.stderr.readline()
            aws.faults.vacate()
            told = [process.communicate(timeout=60) for process in (first, second)]
        assert [out for out, _ in told] == ["it begins\n"] * 2
        assert (first.returncode, second.returncode) == (Exit.OK, Exit.OK)
    finally:
        aws.faults.vacate()
