"""A job that AWS does not know: ignored while that may pass, believed when it does not."""

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import Termination
from tests.lifecycle.driver import JOB, JOB2, Life, running, starting

LOST = "MISSING: AWS no longer knows the job"


def test_a_job_that_is_missing_once_goes_on():
    life = Life()
    life.started()
    assert life.sweep(missing=[JOB]) == []
    assert life.sweep(100, seen=[running()]) == []
    assert life.sweep(100, missing=[JOB]) == []
    assert life.launch().container.absence.count == 1


def test_a_job_that_stays_missing_after_its_user_code_started_is_reported_lost():
    life = Life()
    life.started()
    for _ in range(12):
        assert life.sweep(5, missing=[JOB]) == []
    stop = Termination("ecs", started=True, reason=LOST)
    assert life.sweep(5, missing=[JOB]) == [do.Report(key="K1", success=False, job=JOB, stop=stop)]
    assert life.store.launches == {}


def test_few_sightings_are_not_believed_however_far_apart():
    life = Life()
    life.started()
    assert life.sweep(100, missing=[JOB]) == []
    assert life.sweep(100, missing=[JOB]) == []
    assert len(life.sweep(100, missing=[JOB])) == 1


def test_a_job_that_stays_missing_and_never_started_is_replaced_under_the_next_token():
    life = Life(missing_answers=1, missing_grace=0.0)
    life.active()
    stop = Termination("ecs", reason=LOST)
    text = "Its container never started; launching another (attempt 2 of 3)"
    assert life.sweep(missing=[JOB]) == [do.Note(key="K1", text=text, stop=stop)]
    assert life.tick(5) == [
        do.Submit(request_id=3, launch_id="L1", key="K1", token="L1-2", workload="work of L1", location="c1")
    ]


def test_a_job_that_is_to_be_stopped_and_stays_missing_is_over():
    life = Life(missing_answers=1, missing_grace=0.0)
    life.started()
    life.feed(on.Revoked(key="K1"))
    assert life.sweep(missing=[JOB]) == []
    assert life.store.launches == {}


def test_an_answer_that_comes_twice_is_one_sighting():
    life = Life(missing_answers=2, missing_grace=0.0)
    life.started()
    observe = life.tick(5)[0]
    answer = on.Described(request_id=observe.request_id, seen=(), missing=(JOB,))
    assert life.feed(answer) == []
    before = life.launch()
    assert life.feed(answer) == []
    assert life.launch() is before


def test_a_seen_job_in_an_answer_that_comes_twice_does_not_undo_what_came_between():
    life = Life()
    life.started()
    observe = life.tick(5)[0]
    answer = on.Described(request_id=observe.request_id, seen=(running(),))
    life.feed(answer)
    life.sweep(5, missing=[JOB])
    assert life.feed(answer) == []
    assert life.launch().container.absence.count == 1


def test_answers_that_were_waiting_while_the_scheduler_stalled_are_as_old_as_their_questions():
    """Three sightings within ten seconds, the last one handled two minutes later: nothing was missing for a minute."""
    life = Life()
    life.active()
    life.sweep(5, missing=[JOB])
    life.sweep(5, missing=[JOB])
    observe = life.tick(5)[0]
    life.now += 120
    assert life.feed(on.Described(request_id=observe.request_id, seen=(), missing=(JOB,))) == []
    assert life.sweep(5, seen=[starting()]) == []
    assert life.launch().container.absence is None


def test_one_missing_job_says_nothing_about_another():
    life = Life(missing_answers=1, missing_grace=0.0)
    life.take()
    life.take("L2", "K2")
    first, second = life.tick()
    life.feed(on.Accepted(request_id=first.request_id, launch_id="L1", seen=running()))
    life.feed(on.Accepted(request_id=second.request_id, launch_id="L2", seen=running(JOB2, "L2-1")))
    assert [effect.key for effect in life.sweep(missing=[JOB], seen=[running(JOB2, "L2-1")])] == ["K1"]
    assert set(life.store.launches) == {"L2"}


def test_a_missing_job_that_is_nobodys_any_more_changes_nothing():
    """It ended while its answer was under way."""
    life = Life()
    life.started()
    before = life.launch()
    assert life.sweep(missing=[JOB2]) == []
    assert life.launch() == before
