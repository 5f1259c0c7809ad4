"""From the intake to an accepted job."""

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import BACKOFF
from aws_exec.lifecycle.values import FailureKind, Job
from tests.lifecycle.driver import JOB, Life, fault, starting


def test_a_workload_taken_in_is_launched_by_the_next_heartbeat():
    life = Life()
    assert life.take() == []
    assert life.tick() == [do.Submit(request_id=1, launch_id="L1", key="K1", token="L1-1", workload="work of L1")]


def test_a_workload_handed_over_twice_is_taken_in_once():
    life = Life()
    life.take()
    assert life.take() == []
    assert life.tick() == [do.Submit(request_id=1, launch_id="L1", key="K1", token="L1-1", workload="work of L1")]
    before = life.launch()
    assert life.take() == []
    assert life.launch() is before
    assert life.tick() == []


def test_airflow_is_told_the_job_that_was_accepted():
    life = Life()
    request_id = life.launching()
    assert life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting())) == [
        do.Launched(key="K1", job=JOB)
    ]
    assert life.launch().phase is Phase.STARTING


def test_an_answer_that_comes_twice_changes_nothing():
    life = Life()
    request_id = life.launching()
    accepted = on.Accepted(request_id=request_id, launch_id="L1", seen=starting())
    life.feed(accepted)
    before = life.launch()
    assert life.feed(accepted) == []
    assert life.launch() is before


@pytest.mark.parametrize(
    "late",
    [
        on.Accepted(request_id=99, launch_id="L1", seen=starting()),
        on.Unaccepted(request_id=99, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)),
        on.FoundByLaunchId(request_id=99, launch_ids=("L1",), seen=(starting(),)),
        on.FindByLaunchIdFailed(request_id=99, launch_ids=("L1",), failure=fault(FailureKind.NO_ANSWER)),
        on.OwnershipVerified(request_id=99, launch_ids=("L1",), ours=frozenset()),
        on.VerifyOwnershipFailed(request_id=99, launch_ids=("L1",), failure=fault(FailureKind.NO_ANSWER)),
        on.StopAnswered(request_id=99, launch_id="L1"),
        on.DescribeFailed(request_id=99, failure=fault(FailureKind.NO_ANSWER)),
        on.Described(request_id=99, seen=(starting(Job("arn:unknown")),), missing=(Job("arn:unknown too"),)),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_answer_nobody_waits_for_changes_nothing(late):
    life = Life()
    life.launching()
    before = life.launch()
    assert life.feed(late) == []
    assert life.launch() is before


def test_a_thousand_workloads_are_launched_over_several_heartbeats_the_oldest_first():
    life = Life(launches_per_tick=3)
    for number in range(5):
        life.take(f"L{number}", f"K{number}")
        life.now += 0.1
    assert [effect.launch_id for effect in life.tick()] == ["L0", "L1", "L2"]
    assert life.machine.due(life.now)
    assert [effect.launch_id for effect in life.tick()] == ["L3", "L4"]
    assert not life.machine.due(life.now)


@pytest.mark.parametrize(
    ("kind", "first", "note"),
    [
        (FailureKind.THROTTLED, 1, False),
        (FailureKind.UNREACHED, 1, False),
        (FailureKind.CREDENTIALS, 5, False),
        (FailureKind.NO_CAPACITY, 5, True),
        (FailureKind.REFUSED, 5, True),
    ],
)
def test_a_trouble_that_may_pass_only_waits(kind, first, note):
    life = Life()
    request_id = life.launching()
    said = life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(kind)))
    assert said == ([do.Note(key="K1", text="Waiting to be launched", failure=fault(kind))] if note else [])
    assert life.launch().attempts.attempt == 1
    assert life.tick(first / 2 - 0.01) == []
    token = "L1-2" if kind is FailureKind.NO_CAPACITY else "L1-1"
    assert life.tick(first / 2 + 0.02) == [
        do.Submit(request_id=2, launch_id="L1", key="K1", token=token, workload="work of L1")
    ]


def test_the_same_reason_for_waiting_is_said_once_and_another_again():
    life = Life()
    request_id = life.launching()
    assert (
        life.feed(
            on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_CAPACITY, "RESOURCE:CPU"))
        )
        != []
    )
    request_id = life.submit_of(life.tick(120)).request_id
    assert (
        life.feed(
            on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_CAPACITY, "RESOURCE:CPU"))
        )
        == []
    )
    request_id = life.submit_of(life.tick(120)).request_id
    other = fault(FailureKind.REFUSED, "AccessDeniedException")
    assert life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=other)) == [
        do.Note(key="K1", text="Waiting to be launched", failure=other)
    ]


def test_an_answered_refusal_advances_the_token_and_spends_no_attempt():
    life = Life()
    request_id = life.launching()
    for number in range(2, 12):
        life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_CAPACITY)))
        submit = life.submit_of(life.tick(121))
        assert submit.token == f"L1-{number}"
        request_id = submit.request_id
    assert life.launch().attempts.attempt == 1


def test_a_request_that_is_wrong_fails_its_own_task_at_once():
    life = Life()
    life.active("L2", "K2")
    request_id = life.launching()
    wrong = fault(FailureKind.INVALID)
    assert life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=wrong)) == [
        do.Report(key="K1", success=False, failure=wrong, containers=0),
    ]
    assert set(life.store.launches) == {"L2"}


def test_a_request_that_was_not_sent_has_its_row_checked_before_it_is():
    life = Life()
    request_id = life.launching()
    assert life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.HELD))) == []
    assert life.tick() == [do.VerifyOwnership(request_id=2, launches=(("L1", "K1"),))]
    assert life.feed(on.OwnershipVerified(request_id=2, launch_ids=("L1",), ours=frozenset({"L1"}))) == []
    assert life.tick() == [do.Submit(request_id=3, launch_id="L1", key="K1", token="L1-1", workload="work of L1")]


def test_what_is_due_now_is_due():
    life = Life()
    assert not life.machine.due(life.now)
    life.take()
    assert life.machine.due(life.now)
    life.tick()
    assert not life.machine.due(life.now)


def test_a_launch_that_is_refused_again_waits_longer_each_time():
    life = Life()
    request_id = life.launching()
    for count in (1, 2, 3):
        life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.REFUSED)))
        wait = BACKOFF[FailureKind.REFUSED].after(count, "L1-1")
        assert life.tick(wait * 0.99) == []
        request_id = life.submit_of(life.tick(wait * 0.02)).request_id
