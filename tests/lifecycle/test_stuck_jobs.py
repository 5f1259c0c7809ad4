"""A job that waits says why, once; and one that waits too long is failed with that reason."""

from dataclasses import replace

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import Termination
from tests.lifecycle.driver import JOB, NEVER_STARTED, Life, running, starting, stopped

NO_ROOM = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - no instances"
WAITING = replace(starting(), waiting=NO_ROOM)
WHY = Termination("ecs", reason=NO_ROOM)


def test_why_a_job_waits_is_told_once_for_each_reason():
    life = Life()
    life.active()
    told = do.Note(key="K1", text="Its job does not start", job=JOB, stop=WHY)
    assert life.see(WAITING) == [told]
    assert life.see(WAITING) == []
    assert life.see(starting()) == []
    other = replace(starting(), waiting="MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - too large")
    assert life.see(other) == [replace(told, stop=Termination("ecs", reason=other.waiting))]


def test_a_job_that_waits_longer_than_allowed_fails_with_the_reason_and_is_stopped():
    life = Life(start_timeout=100)
    life.active()
    life.see(WAITING)
    assert [e for e in life.tick(99) if not isinstance(e, do.Describe)] == []
    text = "Its job had not started 100 s after it was accepted"
    report, stop = (e for e in life.tick(2) if not isinstance(e, do.Describe))
    assert report == do.Report(key="K1", success=False, job=JOB, stop=WHY, text=text, containers=1)
    assert (stop.job, stop.reason) == (JOB, text)


def test_a_job_that_starts_in_time_is_left_alone():
    life = Life(start_timeout=100)
    life.active()
    life.see(running())
    assert [e for e in life.tick(1000) if not isinstance(e, do.Describe)] == []


def test_each_replacement_has_its_own_time_to_start():
    life = Life(start_timeout=100)
    life.active()
    life.tick(90)
    life.see(stopped(NEVER_STARTED))
    request_id = life.submit_of(life.tick(60)).request_id
    life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting(token="L1-2")))
    assert life.launch().start_by == life.now + 100


def test_what_a_job_waited_for_is_part_of_why_it_failed():
    life = Life(max_attempts=1)
    life.active()
    life.see(WAITING)
    (report,) = life.see(stopped(NEVER_STARTED))
    assert report.text == f"1 containers died before they started; It had been waiting: {NO_ROOM}"


def test_what_a_job_waited_for_is_not_said_twice():
    life = Life(max_attempts=1)
    life.active()
    life.see(WAITING)
    (report,) = life.see(stopped(Termination("ecs", reason=f"Cancelled: {NO_ROOM}")))
    assert report.text == "1 containers died before they started"


def test_one_answer_that_shows_a_dead_container_twice_is_one_death():
    life = Life()
    life.active()
    dead = stopped(NEVER_STARTED)
    assert [type(effect) for effect in life.see(dead, dead)] == [do.Note]
    assert life.launch().attempts.attempt == 2
