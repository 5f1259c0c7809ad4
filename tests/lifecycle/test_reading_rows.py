"""What an adopted launch runs is read right before it is launched, by the question that verifies its ownership."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.values import FailureKind
from tests.lifecycle.driver import EXITED_0, JOB, NEVER_STARTED, Life, fault, running, starting, stopped


def found_nowhere(count: int = 1, **policy) -> Life:
    """So many launches are adopted, and have no container yet; their rows are to be asked."""
    life = Life(poll_interval=1e9, **policy)
    life.reads = False
    ids = tuple(f"L{number}" for number in range(1, count + 1))
    for number, launch_id in enumerate(ids, 1):
        life.feed(on.Adopted(launch_id=launch_id, key=f"K{number}", workload="the row"))
    (find,) = life.tick()
    assert life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=ids, seen=())) == []
    if not life.machine.policy.idempotent_submit:
        (find,) = life.tick(20)
        assert life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=ids, seen=())) == []
    return life


def held(submit: do.Submit, *, outdated: bool) -> on.Unaccepted:
    return on.Unaccepted(
        request_id=submit.request_id, launch_id=submit.launch_id, failure=fault(FailureKind.HELD), outdated=outdated
    )


def test_rows_are_asked_a_hundred_at_a_time_and_each_launch_goes_out_with_the_answer():
    life = found_nowhere(150, launches_per_tick=200)
    confirms = life.tick(1)
    assert [type(effect) for effect in confirms] == [do.VerifyOwnership] * 2
    assert [len(confirm.launches) for confirm in confirms] == [99, 51]
    assert all(confirm.read == {launch_id for launch_id, _ in confirm.launches} for confirm in confirms)
    submits = life.feed(replace(life.read(confirms[1]), read_at=0.5))
    assert [submit.launch_id for submit in submits] == [launch_id for launch_id, _ in confirms[1].launches]
    assert {(submit.workload, submit.read_at) for submit in submits} == {
        (f"row of {launch_id}", 0.5) for launch_id, _ in confirms[1].launches
    }


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_row_that_is_another_schedulers_by_now_is_not_launched(idempotent):
    life = found_nowhere(idempotent_submit=idempotent)
    (confirm,) = life.tick()
    told = life.feed(on.OwnershipVerified(request_id=confirm.request_id, launch_ids=("L1",), ours=frozenset()))
    assert told == [do.Release(key="K1")]


def test_a_database_that_does_not_answer_is_asked_again():
    life = found_nowhere()
    (confirm,) = life.tick()
    assert (
        life.feed(
            on.VerifyOwnershipFailed(
                request_id=confirm.request_id, launch_ids=("L1",), failure=fault(FailureKind.UNREACHED)
            )
        )
        == []
    )
    (again,) = life.tick(1)
    assert again == replace(confirm, request_id=again.request_id)


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_row_that_was_read_too_long_ago_is_read_again_and_nothing_is_doubted(idempotent):
    """It waited for the rate: no other scheduler can have had it, so that Batch is not searched for it."""
    life = found_nowhere(idempotent_submit=idempotent)
    (confirm,) = life.tick()
    (submit,) = life.feed(life.read(confirm))
    assert life.feed(held(submit, outdated=True), after=11) == []
    (again,) = life.tick()
    assert again == replace(confirm, request_id=again.request_id)
    (submit,) = life.feed(life.read(again))
    assert submit.read_at == life.now


def test_what_was_held_for_another_reason_is_doubted_as_ever():
    life = found_nowhere(idempotent_submit=False)
    (confirm,) = life.tick()
    (submit,) = life.feed(life.read(confirm))
    life.feed(held(submit, outdated=False))
    (again,) = life.tick()
    assert life.feed(life.read(again)) == []
    assert [type(effect) for effect in life.tick()] == [do.FindByLaunchId]


@pytest.mark.parametrize("kind", [FailureKind.THROTTLED, FailureKind.NO_CAPACITY, FailureKind.REFUSED])
def test_each_launch_reads_anew(kind):
    """The backoff is as long as the lease, and Airflow may have queued it with another executor_config since."""
    life = found_nowhere()
    (confirm,) = life.tick()
    (submit,) = life.feed(life.read(confirm))
    life.feed(on.Unaccepted(request_id=submit.request_id, launch_id="L1", failure=fault(kind)))
    assert life.launch().reading is None
    (again,) = life.tick(120)
    assert again.read == {"L1"}


def test_an_unanswered_request_is_repeated_as_it_was_and_reads_nothing():
    life = found_nowhere()
    (confirm,) = life.tick()
    (submit,) = life.feed(life.read(confirm))
    life.feed(
        on.Unaccepted(
            request_id=submit.request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER), request="request"
        )
    )
    again = life.submit_of(life.tick(60))
    assert (again.request, again.read_at) == ("request", None)


def test_what_was_read_is_kept_until_it_is_launched_and_no_longer():
    life = found_nowhere()
    (confirm,) = life.tick()
    (submit,) = life.feed(life.read(confirm))
    assert life.launch().reading is not None
    life.feed(on.Accepted(request_id=submit.request_id, launch_id="L1", seen=starting()))
    assert (life.launch().reading, life.launch().workload) == (None, "the row")
    life.see(stopped(NEVER_STARTED))
    (confirm,) = life.tick(60)
    (submit,) = life.feed(life.read(confirm))
    assert submit.token == "L1-2"
    life.feed(on.Accepted(request_id=submit.request_id, launch_id="L1", seen=starting(JOB, "L1-2")))
    life.see(running(JOB, "L1-2"))
    assert life.launch().workload is None
    assert life.see(stopped(EXITED_0, JOB, "L1-2")) == [
        do.Report(key="K1", success=True, job=JOB, stop=EXITED_0, containers=2)
    ]


def test_what_waits_for_another_container_has_its_row_read_when_that_has_ended():
    life = Life(poll_interval=1e9)
    life.reads = False
    life.active("L0")
    life.feed(on.Revoked(key="K1"))
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB, workload="the row"))
    life.see(stopped(NEVER_STARTED, JOB, "L0-1"))
    (find,) = life.tick()
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=()))
    assert [type(effect) for effect in life.tick()] == [do.VerifyOwnership]


def test_a_late_answer_launches_nothing():
    life = found_nowhere()
    (confirm,) = life.tick()
    answer = life.read(confirm)
    assert [type(effect) for effect in life.feed(answer)] == [do.Submit]
    assert life.feed(answer) == []
    life.feed(on.Revoked(key="K1"))
    assert life.feed(answer) == []


def test_an_executor_that_ends_launches_nothing_that_was_read():
    life = found_nowhere()
    (confirm,) = life.tick()
    life.feed(on.Draining())
    assert life.feed(life.read(confirm)) == []
    assert life.launch().phase is Phase.UNCERTAIN


def test_what_airflow_itself_handed_over_needs_no_row():
    life = Life()
    life.take()
    (submit,) = life.tick()
    assert (submit.workload, submit.read_at) == ("work of L1", None)
