"""An answer that never came: look, or ask again, before anything else."""

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.values import INCONCLUSIVE, FailureKind
from tests.lifecycle.driver import JOB, JOB2, NEVER_STARTED, Life, fault, running, starting, stopped


def unanswered(life: Life, request: object = "request") -> None:
    """A launch whose first Submit got no answer."""
    request_id = life.launching()
    assert (
        life.feed(
            on.Unaccepted(
                request_id=request_id,
                launch_id="L1",
                failure=fault(FailureKind.NO_ANSWER),
                request=request,
                location="c1",
            )
        )
        == []
    )
    assert life.launch().phase is Phase.UNCERTAIN


def test_an_idempotent_cloud_is_asked_again_with_the_same_token_and_the_same_request():
    life = Life()
    unanswered(life)
    assert life.tick(0.49) == []
    assert life.tick(0.6) == [
        do.Submit(
            request_id=2,
            launch_id="L1",
            key="K1",
            token="L1-1",
            workload="work of L1",
            request="request",
            location="c1",
        )
    ]


@pytest.mark.parametrize("kind", sorted(INCONCLUSIVE, key=lambda kind: kind.value))
def test_a_trouble_that_says_nothing_about_the_first_request_leaves_it_open(kind):
    life = Life()
    unanswered(life)
    request_id = life.submit_of(life.tick(2)).request_id
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(kind)))
    assert life.launch().submit_in_doubt
    assert (life.launch().submission.request, life.launch().location) == ("request", "c1")
    assert life.launch().phase is Phase.UNCERTAIN


def test_a_refusal_says_that_the_first_request_did_not_arrive():
    life = Life()
    unanswered(life)
    request_id = life.submit_of(life.tick(2)).request_id
    life.feed(
        on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_CAPACITY), request="request")
    )
    submit = life.submit_of(life.tick(200))
    assert (submit.token, submit.request) == ("L1-2", None)


def test_a_trouble_of_a_request_that_was_never_unanswered_keeps_no_request():
    """The next one is composed anew: a token in it may be too old by then."""
    life = Life()
    request_id = life.launching()
    life.feed(
        on.Unaccepted(
            request_id=request_id,
            launch_id="L1",
            failure=fault(FailureKind.THROTTLED),
            request="request",
            location="c1",
        )
    )
    assert life.tick(2) == [do.Submit(request_id=2, launch_id="L1", key="K1", token="L1-1", workload="work of L1")]


def test_elsewhere_it_is_looked_for_and_found():
    life = Life(idempotent_submit=False)
    unanswered(life)
    assert life.tick(2) == [do.FindByLaunchId(request_id=2, launch_ids=("L1",), token_bases=("L1",), locations=("c1",))]
    assert life.feed(on.FoundByLaunchId(request_id=2, launch_ids=("L1",), seen=(starting(),))) == [
        do.Launched(key="K1", job=JOB)
    ]
    assert life.launch().attempts.containers == 1


def test_elsewhere_it_is_launched_again_only_after_two_looks_a_grace_period_apart():
    life = Life(idempotent_submit=False)
    unanswered(life)
    life.tick(2)
    assert life.feed(on.FoundByLaunchId(request_id=2, launch_ids=("L1",), seen=())) == []
    assert life.tick(19) == []
    assert life.tick(1) == [do.FindByLaunchId(request_id=3, launch_ids=("L1",), token_bases=("L1",), locations=("c1",))]
    assert life.feed(on.FoundByLaunchId(request_id=3, launch_ids=("L1",), seen=())) == []
    submit = life.submit_of(life.tick())
    assert (submit.token, submit.request_id) == ("L1-1", 4)


def test_a_look_that_failed_is_repeated_and_counts_for_nothing():
    life = Life(idempotent_submit=False)
    unanswered(life)
    life.tick(2)
    assert (
        life.feed(on.FindByLaunchIdFailed(request_id=2, launch_ids=("L1",), failure=fault(FailureKind.UNREACHED))) == []
    )
    assert life.launch().submission.empty_searches == 0
    assert life.tick(2) == [do.FindByLaunchId(request_id=3, launch_ids=("L1",), token_bases=("L1",), locations=("c1",))]


def test_launches_that_are_looked_for_in_one_heartbeat_are_looked_for_together():
    life = Life(idempotent_submit=False, observe_batch=2)
    for name in "ABC":
        life.take(name, f"K{name}")
    for submit in life.tick():
        life.feed(
            on.Unaccepted(
                request_id=submit.request_id, launch_id=submit.launch_id, failure=fault(FailureKind.NO_ANSWER)
            )
        )
    finds = life.tick(1)
    assert [len(find.launch_ids) for find in finds] == [3]
    assert sorted(i for find in finds for i in find.launch_ids) == ["A", "B", "C"]


def test_one_answer_to_a_look_for_several_serves_each():
    life = Life(idempotent_submit=False)
    life.take()
    life.take("L2", "K2")
    for submit in life.tick():
        life.feed(
            on.Unaccepted(
                request_id=submit.request_id, launch_id=submit.launch_id, failure=fault(FailureKind.NO_ANSWER)
            )
        )
    (find,) = life.tick(1)
    assert life.feed(
        on.FoundByLaunchId(request_id=find.request_id, launch_ids=find.launch_ids, seen=(running(token="L2-1"),))
    ) == [do.Launched(key="K2", job=JOB)]
    assert (life.launch("L1").submission.empty_searches, life.launch("L2").phase) == (1, Phase.RUNNING)


def test_a_found_container_that_has_died_before_it_started_is_replaced():
    life = Life(idempotent_submit=False)
    unanswered(life)
    life.tick(2)
    assert life.feed(on.FoundByLaunchId(request_id=2, launch_ids=("L1",), seen=(stopped(NEVER_STARTED),))) == [
        do.Launched(key="K1", job=JOB),
        do.Note(key="K1", text="Its container never started; launching another (attempt 2 of 3)", stop=NEVER_STARTED),
    ]
    assert life.submit_of(life.tick(5)).token == "L1-2"


def test_a_launch_revoked_while_uncertain_is_looked_for_and_stopped():
    life = Life()
    unanswered(life)
    note = do.Note(key="K1", text="Revoked by Airflow while uncertain", failure=fault(FailureKind.NO_ANSWER))
    assert life.feed(on.Revoked(key="K1")) == [note, do.Release(key="K1")]
    assert life.tick() == [do.FindByLaunchId(request_id=2, launch_ids=("L1",), token_bases=("L1",), locations=("c1",))]
    assert life.feed(on.FoundByLaunchId(request_id=2, launch_ids=("L1",), seen=(running(),))) == [
        do.StopJob(request_id=3, launch_id="L1", job=JOB, reason="Airflow revoked the task")
    ]


def test_a_launch_revoked_while_uncertain_and_found_nowhere_twice_is_over():
    life = Life()
    unanswered(life)
    life.feed(on.Revoked(key="K1"))
    life.tick()
    assert life.feed(on.FoundByLaunchId(request_id=2, launch_ids=("L1",), seen=())) == []
    assert life.tick(20) == [
        do.FindByLaunchId(request_id=3, launch_ids=("L1",), token_bases=("L1",), locations=("c1",))
    ]
    assert life.feed(on.FoundByLaunchId(request_id=3, launch_ids=("L1",), seen=())) == []
    assert life.store.launches == {}


def test_a_launch_that_is_doomed_between_two_looks_is_not_looked_for_sooner():
    life = Life(idempotent_submit=False)
    unanswered(life)
    (find,) = life.tick(2)
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=()))
    life.feed(on.Revoked(key="K1"))
    assert life.tick(19) == []
    assert [type(effect) for effect in life.tick(1)] == [do.FindByLaunchId]


def test_each_doubt_is_looked_into_twice():
    """A second answer that is lost is no smaller a reason to look than the first."""
    life = Life(idempotent_submit=False)
    unanswered(life)
    for pause in (2, 20):
        (find,) = life.tick(pause)
        life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=()))
    life.feed(
        on.Unaccepted(
            request_id=life.submit_of(life.tick()).request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)
        )
    )
    (find,) = life.tick(5)
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=()))
    assert life.tick(19) == []
    assert [type(effect) for effect in life.tick(1)] == [do.FindByLaunchId]


def test_a_look_for_several_goes_on_after_one_that_nobody_waits_for_any_more():
    life = Life(idempotent_submit=False, launch_timeout=60)
    for name in ("L1", "L2"):
        life.feed(on.WorkloadQueued(launch_id=name, key=f"K{name}", workload="work"), after=30)
    for submit in life.tick():
        life.feed(
            on.Unaccepted(
                request_id=submit.request_id, launch_id=submit.launch_id, failure=fault(FailureKind.NO_ANSWER)
            )
        )
    (find,) = life.tick(1)
    answer = on.FoundByLaunchId(
        request_id=find.request_id,
        launch_ids=("gone", *sorted(find.launch_ids)),
        seen=(starting(), starting(JOB2, "L2-1")),
    )
    assert life.feed(answer) == [do.Launched(key="KL1", job=JOB), do.Launched(key="KL2", job=JOB2)]


def test_a_replacement_in_doubt_is_looked_into_twice_too():
    life = Life(idempotent_submit=False, missing_answers=1, missing_grace=0.0)
    life.active()
    life.sweep(missing=[JOB])
    request_id = life.submit_of(life.tick(60)).request_id
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    (find,) = life.tick(60)
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=()))
    assert life.tick(19) == []
    assert [type(effect) for effect in life.tick(1)] == [do.FindByLaunchId]


def test_a_request_is_repeated_for_its_own_token_only():
    life = Life()
    unanswered(life)
    life.feed(on.Accepted(request_id=life.submit_of(life.tick(2)).request_id, launch_id="L1", seen=starting()))
    life.see(stopped(NEVER_STARTED))
    submit = next(effect for effect in life.tick(60) if isinstance(effect, do.Submit))
    assert (submit.token, submit.request) == ("L1-2", None)
