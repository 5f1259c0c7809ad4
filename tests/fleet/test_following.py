"""Followed logs: every line once, new jobs too, until the jobs have ended; within the rate of GetLogEvents."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from aws_exec.fleet import CloudError, FleetJob, LogLocation, RetryUntilDeadline, State
from aws_exec.fleet.following import CALLS_PER_SECOND, PAGES, UNSEEN_ROUNDS, LogEnd, LogFollower
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import Job
from tests.fleet.test_waiting import AtOnce

GONE = EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, "GetLogEvents")
MISSING = ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no stream"}}, "GetLogEvents")


def job(name, state=State.RUNNING):
    return FleetJob("ecs", Job(f"arn:aws:ecs:x:1:task/c/{name}", "c"), Identity("ours", "t-1"), state, "STATUS")


class Aws(threading.Event):
    """A service, a client of its logs and a clock: in each round jobs have a state, and logs get lines.

    Args:
        page: lines of a page, before which there is an empty one; None: as many as are asked for.
        rounds: of each job: its state, and what its log answers: lines, or an exception. The last round stays.
    """

    def __init__(self, page=None, **rounds):
        super().__init__()
        self.page = page
        self._rounds = rounds
        self._logs = defaultdict(list)
        self.round = 0
        self.waits = []
        self.calls = [0]
        self.starts = []

    def wait(self, timeout=None):
        self.waits.append(timeout)
        self.calls.append(0)
        self.round += 1
        return self.is_set()

    def now(self, name):
        rounds = self._rounds[name]
        return rounds[min(self.round, len(rounds) - 1)]

    def describe(self, location, arns):
        names = [arn.rpartition("/")[2] for arn in arns]
        return [job(name, self.now(name)[0]) for name in names if self.now(name)[0] is not None]

    def log_location(self, job):
        stream = "" if self.now(job.id)[1] is None else job.id
        return LogLocation("/group", stream, "x")

    def __call__(self, service, region=""):
        return self

    def get_log_events(self, *, limit, **names):
        self.calls[-1] += 1
        self.starts.append(names.get("startTime"))
        stream = names["logStreamName"]
        lines = self._logs[stream]
        for number, (_, answer) in enumerate(self._rounds[stream][: self.round + 1]):
            if isinstance(answer, Exception) and number == self.round:
                self._rounds[stream][number] = (_, [])
                raise answer
            lines += answer or []
            if isinstance(answer, list):
                self._rounds[stream][number] = (_, [])
        token = names.get("nextToken", "0")
        begin = int(token.rstrip("+"))
        if self.page and begin < len(lines) and not token.endswith("+"):  # AWS may answer without lines before the end
            return {"events": [], "nextForwardToken": f"{token}+"}
        end = min(len(lines), begin + (self.page or limit))
        events = [
            {"timestamp": 1000, "message": text} for text in lines[begin:end] if names.get("startTime", 0) <= 1000
        ]
        return {"events": events, "nextForwardToken": str(end), "nextBackwardToken": "0"}


def followed(aws, *names, **options):
    follower = LogFollower({"ecs": aws}, aws, stop=aws, **options)
    entries = follower.follow([job(name, aws.now(name)[0] or State.RUNNING) for name in names])
    return [
        (each.job.id, each.job.state, each.problem) if isinstance(each, LogEnd) else (each[0].id, each[1].text)
        for each in entries
    ]


def test_lines_are_shown_as_they_come_until_the_job_has_ended():
    aws = Aws(a=[(State.RUNNING, ["1", "2"]), (State.RUNNING, ["3"]), (State.SUCCEEDED, ["4"])])

    assert followed(aws, "a") == [("a", "1"), ("a", "2"), ("a", "3"), ("a", "4"), ("a", State.SUCCEEDED, "")]


def test_a_line_that_comes_after_the_end_was_seen_is_shown():
    aws = Aws(a=[(State.RUNNING, []), (State.FAILED, ["last words"])])

    assert followed(aws, "a") == [("a", "last words"), ("a", State.FAILED, "")]


def test_a_log_that_is_longer_than_a_round_is_read_to_its_end():
    lines = [str(number) for number in range(25)]
    aws = Aws(page=2, a=[(State.SUCCEEDED, lines)])

    assert followed(aws, "a") == [*(("a", line) for line in lines), ("a", State.SUCCEEDED, "")]
    assert max(aws.calls) == PAGES


def test_the_beginning_of_a_log_is_waited_for_and_waiting_jobs_are_not_asked():
    rounds = [(State.WAITING, None), (State.STARTING, None), (State.RUNNING, None), (State.RUNNING, MISSING)]
    aws = Aws(a=[*rounds, (State.SUCCEEDED, ["begun"])])

    assert followed(aws, "a") == [("a", "begun"), ("a", State.SUCCEEDED, "")]
    assert aws.calls[:3] == [0, 0, 0]


def test_a_job_that_ends_without_a_log_does_not_keep_the_others_from_being_followed():
    aws = Aws(a=[(State.FAILED, None)], b=[(State.RUNNING, ["1"]), (State.SUCCEEDED, ["2"])])

    assert followed(aws, "a", "b") == [
        ("a", State.FAILED, "a has no log: it is failed (STATUS)"),
        ("b", "1"),
        ("b", "2"),
        ("b", State.SUCCEEDED, ""),
    ]


def test_a_log_that_must_not_be_read_does_not_keep_the_others_from_being_followed():
    denied = [(State.RUNNING, ["1"]), (State.RUNNING, DENIED), (State.SUCCEEDED, [])]
    aws = Aws(a=list(denied), b=[(State.RUNNING, []), (State.RUNNING, ["2"]), (State.SUCCEEDED, ["3"])])
    follower = LogFollower({"ecs": aws}, aws, stop=aws)
    ends = {each.job.id: each for each in follower.follow([job("a"), job("b")]) if isinstance(each, LogEnd)}

    assert (ends["a"].denied.code, ends["b"].denied) == ("AccessDeniedException", None)
    with pytest.raises(CloudError, match="AccessDenied"):
        followed(Aws(a=list(denied)), "a")


def test_jobs_that_start_later_are_followed_each_once():
    aws = Aws(
        a=[(State.RUNNING, ["a1"]), *[(State.RUNNING, [])] * 8, (State.SUCCEEDED, [])], b=[(State.SUCCEEDED, ["b1"])]
    )
    listings = itertools.count()

    def more():
        if next(listings) == 3:
            aws.set()
        return [job("a"), job("b")]

    shown = followed(aws, "a", more=more)

    assert shown == [("a", "a1"), ("b", "b1"), ("b", State.SUCCEEDED, ""), ("a", State.SUCCEEDED, "")]


def test_a_log_is_followed_on_from_where_it_was_cut_off():
    aws = Aws(a=[(State.RUNNING, ["1"]), (State.RUNNING, GONE), (State.SUCCEEDED, ["2"])])
    told = []

    shown = followed(aws, "a", retries=RetryUntilDeadline(told.append, AtOnce()))

    assert shown == [("a", "1"), ("a", "2"), ("a", State.SUCCEEDED, "")]
    assert len(told) == 1


def test_a_job_that_aws_no_longer_knows_ends_as_it_was_last_seen():
    aws = Aws(a=[(State.RUNNING, ["1"]), (None, [])])

    assert followed(aws, "a") == [("a", "1"), ("a", State.RUNNING, "")]
    assert aws.round == UNSEEN_ROUNDS


def test_the_last_lines_come_first_and_then_what_is_new():
    aws = Aws(a=[(State.RUNNING, ["1", "2"]), (State.RUNNING, []), (State.SUCCEEDED, ["of the same millisecond"])])

    shown = followed(aws, "a", tail=2, since=0.5)

    assert shown == [("a", "1"), ("a", "2"), ("a", "of the same millisecond"), ("a", State.SUCCEEDED, "")]
    assert set(aws.starts) == {500}


def test_no_lines_and_on_from_there_begins_now():
    aws = Aws(a=[(State.SUCCEEDED, [])])

    assert followed(aws, "a", tail=0, clock=lambda: 1000.0) == [("a", State.SUCCEEDED, "")]
    assert set(aws.starts) == {1_000_000}


@pytest.mark.parametrize("logs", [1, 15, 40])
def test_a_log_is_read_once_a_second_and_all_logs_ten_times(logs):
    names = [f"j{number}" for number in range(logs)]
    quiet = [(State.RUNNING, ["x"]), *[(State.RUNNING, [])] * 4, (State.SUCCEEDED, [])]
    aws = Aws(**{name: list(quiet) for name in names})

    assert len(followed(aws, *names)) == 2 * logs
    assert min(aws.waits) >= 1.0
    assert all(calls / wait <= CALLS_PER_SECOND for calls, wait in zip(aws.calls, aws.waits, strict=False))
    assert aws.calls[1:-1] == [logs] * 4
