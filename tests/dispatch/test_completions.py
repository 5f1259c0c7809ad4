"""Every effect gets exactly one completion, whatever fails."""

import logging
import sys
import threading
from dataclasses import replace

import pytest

from aws_exec.clouds.cloud import Request
from aws_exec.clouds.errors import CloudError
from aws_exec.dispatch.completions import OpenRequests
from aws_exec.dispatch.database import DatabaseQueries
from aws_exec.dispatch.lane import Workers
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.effects import FindOwners
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import FleetMember
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job, Observation, Status
from tests.dispatch.harness import JWT, confirm, find, observe, rig, stop, submit, timeless, until
from tests.interruption import is_spared

LOST = CallFailure(FailureKind.NO_ANSWER, "RunTask", "ReadTimeoutError")


def raised_by_compose(error):
    def compose(*_):
        raise error

    return compose


def test_each_effect_is_answered_with_its_own_event():
    with rig() as it:
        it.dispatch(submit(1))
        accepted = it.one()
        [job] = it.cloud.containers("launch1-1")
        assert accepted == on.Accepted(
            request_id=1, launch_id="launch1", seen=Observation(job, Status.STARTING, token="launch1-1")
        )
        unknown = Job("arn:nobody")
        it.dispatch(observe(2, job, unknown), find(3, "launch1"), stop(4, unknown), confirm(5, "a", "b"))
        seen = accepted.seen
        assert [timeless(event) for event in it.take(4)] == [
            on.Described(request_id=2, seen=(seen,), missing=(unknown,)),
            on.FoundByLaunchId(request_id=3, launch_ids=("launch1",), seen=(seen,)),
            on.StopAnswered(request_id=4, launch_id="launch4", failure=None),
            on.OwnershipVerified(request_id=5, launch_ids=("a", "b"), ours=frozenset({"a", "b"})),
        ]
        assert it.dispatcher.idle()


def test_a_fault_of_the_cloud_is_the_event():
    with rig() as it:
        for verb in ("submit", "describe", "find", "stop"):
            it.cloud.fail(verb, LOST)
        it.dispatch(submit(1), observe(2, Job("a")), find(3, "f"), stop(4, Job("a")))
        request = Request("launch1-1", "", {"jwt": JWT})
        assert it.settle() == [
            on.Unaccepted(request_id=1, launch_id="launch1", failure=LOST, request=request, location=""),
            on.DescribeFailed(request_id=2, failure=LOST),
            on.FindByLaunchIdFailed(request_id=3, launch_ids=("f",), failure=LOST),
            on.StopAnswered(request_id=4, launch_id="launch4", failure=LOST),
        ]


@pytest.mark.parametrize("error", [ValueError(JWT), KeyboardInterrupt(), SystemExit(1), MemoryError(), GeneratorExit()])
def test_an_adapter_that_breaks_leaves_it_open_what_happened(error, caplog):
    with rig() as it:
        for verb in ("submit", "describe", "find", "stop"):
            it.cloud.fail(verb, error)
        it.dispatch(submit(1), observe(2, Job("a")), find(3, "f"), stop(4, Job("a")))
        events = it.settle()
        assert [event.request_id for event in events] == [1, 2, 3, 4]
        assert {(event.failure.kind, event.failure.code) for event in events} == {
            (FailureKind.NO_ANSWER, type(error).__name__),
        }
        assert events[0].request.token == "launch1-1"
        # The lanes live on.
        it.dispatch(submit(5), observe(6, Job("a")), stop(7, Job("a")))
        assert [type(event) for event in it.settle()] == [on.Accepted, on.Described, on.StopAnswered]
    assert JWT not in caplog.text


@pytest.mark.parametrize("error", [KeyError(JWT), SystemExit(1)])
def test_a_compose_that_breaks_refuses_its_launch_and_sends_nothing(error, caplog):
    with rig(compose=raised_by_compose(error)) as it:
        it.dispatch(submit(1))
        assert it.one() == on.Unaccepted(
            request_id=1, launch_id="launch1", failure=CallFailure(FailureKind.REFUSED, "compose", type(error).__name__)
        )
        assert not it.cloud.calls
    assert JWT not in caplog.text


def test_a_compose_that_finds_the_request_wrong_says_so():
    wrong = CallFailure(FailureKind.INVALID, "RunTask", "bad cpu", "cpu: 7 is no Fargate size")
    with rig(compose=raised_by_compose(CloudError(wrong))) as it:
        it.dispatch(submit(1))
        assert it.one() == on.Unaccepted(request_id=1, launch_id="launch1", failure=wrong)


def test_a_request_that_went_unanswered_is_sent_again_as_it_was():
    with rig(compose=raised_by_compose(AssertionError("composed anew"))) as it:
        kept = Request("launch1-1", "there", {"jwt": "an old one"})
        it.dispatch(submit(1, request=kept, location="there"))
        assert isinstance(it.one(), on.Accepted)
        assert it.cloud.requests == [kept]


@pytest.mark.parametrize("error", [RuntimeError("postgres://user:password@db"), SystemExit(1)])
def test_a_database_that_does_not_answer_fails_the_confirmation_only(error, caplog):
    with rig(queries=DatabaseQueries(verify_ownership=raised_by_compose(error))) as it:
        it.dispatch(confirm(1, "a"))
        assert it.one() == on.VerifyOwnershipFailed(
            request_id=1,
            launch_ids=("a",),
            failure=CallFailure(FailureKind.UNREACHED, "VerifyOwnership", type(error).__name__),
        )
    assert "password" not in caplog.text


def test_owners_that_are_not_one_for_each_container_are_no_answer():
    member = FleetMember(Observation(Job("a"), Status.RUNNING), Identity("us", "L1-1"))
    with rig(queries=DatabaseQueries(find_owners=lambda _: [])) as it:
        it.dispatch(FindOwners(request_id=1, members=(member,)))
        assert it.one() == on.ListFleetFailed(
            request_id=1, failure=CallFailure(FailureKind.UNREACHED, "FindOwners", "ValueError")
        )


def test_an_effect_that_is_dispatched_twice_is_carried_out_once():
    with rig() as it:
        for number in (7, 7, 3, 7):
            it.dispatcher.dispatch(number, submit(1))
        assert [type(event) for event in it.settle()] == [on.Accepted]
        assert it.cloud.calls["submit"] == 1


def test_what_is_dispatched_before_the_start_waits_for_it():
    with rig(start=False) as it:
        before = threading.active_count()
        it.dispatch(submit(1))
        assert (it.dispatcher.outstanding, it.cloud.calls["submit"]) == (1, 0)
        assert threading.active_count() == before
        it.dispatcher.start()
        assert isinstance(it.one(), on.Accepted)


def test_a_completion_stays_until_it_is_popped():
    with rig() as it:
        it.dispatch(submit(1))
        it.one()
        it.dispatch(submit(2))
        until(lambda: it.dispatcher.outstanding == 0)
        assert it.dispatcher.peek() is it.dispatcher.peek()
        assert not it.dispatcher.idle()
        it.dispatcher.pop()
        assert it.dispatcher.peek() is None


def test_a_thousand_launches_are_each_completed_once(caplog):
    caplog.set_level(logging.WARNING)
    with rig() as it:
        it.cloud.fail("submit", RuntimeError("bug"), times=100)
        it.cloud.fail("submit", FailureKind.NO_ANSWER, times=100, acted=True)
        it.dispatch(*(submit(request_id) for request_id in range(1, 1001)))
        events = it.settle()
        assert [event.request_id for event in events] == list(range(1, 1001))
        assert sum(isinstance(event, on.Accepted) for event in events) == 800


def interrupted_at(line: int, function, *arguments) -> bool:
    """Call it with a SystemExit before its n-th line, as a signal handler raises it; whether there is such a line."""
    seen = 0

    def trace(frame, event, _):
        nonlocal seen
        if frame.f_code is not function.__func__.__code__:
            return None
        seen += event == "line" and not is_spared(frame)
        if event == "line" and seen == line and not is_spared(frame):
            raise SystemExit
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*arguments)
    except SystemExit:
        return True
    finally:
        sys.settrace(before)
    return False


def test_a_signal_at_any_line_of_dispatch_loses_and_doubles_nothing():
    line, interrupted = 0, True
    with rig() as it:
        it.cloud.capabilities = replace(it.cloud.capabilities, idempotent_submit=False)
        while interrupted:
            line += 1
            interrupted = interrupted_at(line, it.dispatcher.dispatch, line, submit(line))
            it.dispatcher.dispatch(line, submit(line))
        assert [event.request_id for event in it.settle()] == list(range(1, line + 1))
        assert line > 2
        assert len(it.cloud.requests) == line


def test_the_first_completion_counts_wherever_it_was_interrupted():
    """A thread that dies is replaced, and what it had in its hand is completed again, otherwise."""
    first, second = (on.StopAnswered(request_id=1, launch_id="launch1", failure=fault) for fault in (None, LOST))
    line, interrupted, seen = 0, True, []
    while interrupted:
        line += 1
        requests = OpenRequests()
        requests.open(stop(1, Job("a")), 0.0)
        interrupted = interrupted_at(line, requests.complete, 1, first)
        seen.append(requests.peek())
        requests.complete(1, second)
        came = []
        while (event := requests.peek()) is not None:
            came.append(event)
            requests.pop()
        assert came in ([first], [second])
        assert seen[-1] in (None, came[0])
        assert (requests.outstanding, requests.oldest, requests.wait_until_completed(0)) == (0, None, True)
    assert (seen[0], seen[-1], came) == (None, first, [first])
    assert seen.count(first) > 1


def test_looks_that_wait_are_asked_as_one_and_each_is_completed():
    with rig(workers=Workers(reads=1)) as it:
        release = it.cloud.hold("find")
        it.dispatch(find(1, "a"))
        until(lambda: it.cloud.calls["find"] == 1)
        it.dispatch(find(2, "b"), find(3, "c", "d"), find(4, "b"))
        until(lambda: not it.dispatcher._intake)  # all of them are queued
        release.set()
        assert [(event.request_id, event.launch_ids) for event in it.take(4)] == [
            (1, ("a",)),
            (2, ("b",)),
            (3, ("c", "d")),
            (4, ("b",)),
        ]
        assert it.cloud.calls["find"] == 2


def test_of_looks_that_were_asked_as_one_each_is_told_of_its_own_containers():
    with rig(workers=Workers(reads=1)) as it:
        it.dispatch(submit(1), submit(2))
        it.take(2)
        release = it.cloud.hold("find")
        it.dispatch(find(3, "a"))
        until(lambda: it.cloud.calls["find"] == 1)
        it.dispatch(find(4, "launch1"), find(5, "launch2", "launch1"), find(6, "b"))
        until(lambda: not it.dispatcher._intake)  # all of them are queued
        release.set()
        found = [[seen.token for seen in event.seen] for event in it.take(4)]
        assert found == [[], ["launch1-1"], ["launch2-1", "launch1-1"], []]
        assert it.cloud.calls["find"] == 2


def test_looks_that_were_asked_as_one_fail_as_one():
    with rig(workers=Workers(reads=1)) as it:
        release = it.cloud.hold("find")
        it.dispatch(find(1, "a"))
        until(lambda: it.cloud.calls["find"] == 1)
        it.dispatch(find(2, "b"), find(3, "c"))
        until(lambda: not it.dispatcher._intake)  # all of them are queued
        it.cloud.fail("find", FailureKind.UNREACHED)
        release.set()
        assert [type(event) for event in it.take(3)] == [
            on.FoundByLaunchId,
            on.FindByLaunchIdFailed,
            on.FindByLaunchIdFailed,
        ]
