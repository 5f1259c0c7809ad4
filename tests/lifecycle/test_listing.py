"""Where many jobs run they are listed, and described only where something may have happened."""

from __future__ import annotations

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import FailureKind, Job
from tests.lifecycle.driver import EXITED_0, Life, fault, over, running, stopped


def jobs(count, location="c1"):
    return [Job(f"arn:{location}:{number}", location) for number in range(count)]


def life_with(running_jobs, *, starting=(), rounds=3, single_container=()):
    """A life with jobs of which these were seen running, some alone; at the beginning of its second sweep."""
    life = Life(observe_batch=2, poll_interval=5.0, describe_interval=5.0 * rounds)
    for number, job in enumerate([*running_jobs, *starting]):
        life.feed(on.Adopted(launch_id=f"L{number}", key=f"K{number}", job=job))
    for observe in life.tick():
        seen = tuple(
            running(job, token=None, single_container=job in single_container)
            for job in observe.jobs
            if job in running_jobs
        )
        life.feed(on.Described(request_id=observe.request_id, seen=seen))
    return life


def asked(effects):
    """What is watched, what is observed."""
    watched = [job for effect in effects if isinstance(effect, do.ListRunning) for job in effect.jobs]
    observed = [job for effect in effects if isinstance(effect, do.Describe) for job in effect.jobs]
    return watched, observed


def answer(life, effects, *, unlisted=(), starting=()):
    """Everything asked runs, but what is unlisted or starting; the effects of the answers."""
    told = []
    for effect in effects:
        if isinstance(effect, do.ListRunning):
            told += life.feed(
                on.RunningListed(request_id=effect.request_id, location=effect.location, unlisted=tuple(unlisted))
            )
        else:
            seen = tuple(running(job, token=None) for job in effect.jobs if job not in starting)
            told += life.feed(on.Described(request_id=effect.request_id, seen=seen))
    return told


def test_as_many_as_one_call_describes_are_described():
    two = jobs(2)
    assert asked(life_with(two).tick(5)) == ([], two)


def test_more_are_listed_in_one_question_for_each_place_and_described_in_turn():
    here, there = jobs(6), jobs(3, "c2")
    life = life_with(here + there)
    effects = life.tick(5)
    assert [(each.location, len(each.jobs), each.at_once) for each in effects if isinstance(each, do.ListRunning)] == [
        ("c1", 4, 2),
        ("c2", 2, 2),
    ]
    watched, observed = asked(effects)
    assert len(watched + observed) == len(here + there)
    assert {*watched, *observed} == {*here, *there}


def test_each_job_that_runs_is_described_once_within_the_rounds():
    six = jobs(6)
    life = life_with(six, rounds=3)
    looked_at = []
    for _ in range(3):
        effects = life.tick(5)
        looked_at += asked(effects)[1]
        assert answer(life, effects) == []
    assert len(looked_at) == len(six)
    assert set(looked_at) == set(six)


def test_one_whose_airflow_container_is_alone_is_listed_only():
    six = jobs(6)
    life = life_with(six, rounds=3, single_container=six[:4])
    looked_at = []
    for _ in range(3):
        effects = life.tick(5)
        watched, observed = asked(effects)
        assert {*watched, *observed} == {*six}
        looked_at += observed
        assert answer(life, effects) == []
    assert len(looked_at) == 2
    assert set(looked_at) == set(six[4:])


def test_a_job_that_has_not_started_is_always_described():
    young = jobs(1, "c1")[0]
    life = life_with([Job(f"arn:old:{number}", "c1") for number in range(6)], starting=[young], rounds=1000)
    for _ in range(3):
        effects = life.tick(5)
        assert young in asked(effects)[1]
        answer(life, effects, starting=[young])


def test_what_is_no_longer_listed_is_described_in_the_same_sweep_in_calls_of_bounded_size():
    six = jobs(6)
    life = life_with(six, rounds=1000)
    effects = life.tick(5)
    watch = next(effect for effect in effects if isinstance(effect, do.ListRunning))
    gone = watch.jobs[:3]
    observes = answer(life, effects, unlisted=gone)
    assert [(effect.location, effect.jobs) for effect in observes] == [("c1", gone[:2]), ("c1", gone[2:])]
    assert life.tick(5) == []  # the sweep goes on
    reports = life.feed(
        on.Described(
            request_id=observes[0].request_id, seen=tuple(stopped(EXITED_0, job, token=None) for job in gone[:2])
        )
    )
    assert [type(effect) for effect in reports] == [do.Report, do.Report]
    life.feed(on.Described(request_id=observes[1].request_id, seen=(running(gone[2], token=None),)))
    assert asked(life.tick())[0]


def test_what_ended_before_the_listing_was_read_is_not_asked_for():
    six = jobs(6)
    life = life_with(six, rounds=1000)
    effects = life.tick(5)
    watch = next(effect for effect in effects if isinstance(effect, do.ListRunning))
    life.see(stopped(EXITED_0, watch.jobs[0], token=None))
    assert (
        life.feed(
            on.RunningListed(
                request_id=watch.request_id, location=watch.location, unlisted=(watch.jobs[0], Job("arn:nobody"))
            )
        )
        == []
    )


def test_a_job_whose_airflow_container_has_ended_or_that_is_missed_is_described():
    six = jobs(6)
    life = life_with(six, rounds=1000)
    life.see(over(EXITED_0, six[0], token=None))
    effects = life.tick(5)
    assert six[0] in asked(effects)[1]
    lost = next(effect for effect in effects if isinstance(effect, do.ListRunning)).jobs[-1]
    (observe,) = answer(life, effects, unlisted=[lost])
    life.feed(on.Described(request_id=observe.request_id, seen=(), missing=(lost,)))
    assert lost in asked(life.tick(5))[1]


def test_a_listing_that_failed_is_made_again_after_the_interval_and_an_old_answer_says_nothing():
    six = jobs(6)
    life = life_with(six, rounds=1000)
    effects = life.tick(5)
    watch = next(effect for effect in effects if isinstance(effect, do.ListRunning))
    for effect in effects:
        life.feed(on.DescribeFailed(request_id=effect.request_id, failure=fault(FailureKind.THROTTLED)))
    assert life.feed(on.RunningListed(request_id=watch.request_id, location=watch.location, unlisted=watch.jobs)) == []
    assert life.tick(4.9) == []
    assert asked(life.tick(0.1))[0]


def test_where_every_sweep_has_to_describe_every_job_none_is_listed():
    life = life_with(jobs(5), rounds=1)
    assert asked(life.tick(5)) == ([], jobs(5))


def test_a_sweep_is_over_when_the_listing_is_what_answers_last():
    life = life_with(jobs(5))
    effects = life.tick(5)
    for observe in effects:
        if isinstance(observe, do.Describe):
            life.feed(
                on.Described(
                    request_id=observe.request_id, seen=tuple(running(job, token=None) for job in observe.jobs)
                )
            )
    assert life.tick(5) == []
    for watch in effects:
        if isinstance(watch, do.ListRunning):
            life.feed(on.RunningListed(request_id=watch.request_id, location=watch.location))
    assert asked(life.tick(5)) != ([], [])
