"""A dead scheduler's launches become ours."""

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import FailureKind, Job
from tests.lifecycle.driver import EXITED_0, JOB, JOB2, NEVER_STARTED, Life, fault, over, running, starting, stopped


def test_a_running_task_with_a_known_job_is_watched_and_reported():
    life = Life()
    assert life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB)) == []
    assert life.tick() == [do.Describe(request_id=1, location="c1", jobs=(JOB,))]
    assert life.see(stopped(EXITED_0)) == [do.Report(key="K1", success=True, job=JOB, stop=EXITED_0)]


def test_a_queued_task_with_a_known_job_whose_container_never_started_gets_the_next_token_of_its_first_launch():
    life = Life()
    life.feed(on.Adopted(launch_id="L9", key="K1", job=JOB, workload="work"))
    text = "Its container never started; launching another (attempt 2 of 3)"
    assert life.see(stopped(NEVER_STARTED, token="L1-4")) == [do.Note(key="K1", text=text, stop=NEVER_STARTED)]
    assert life.tick(5) == [
        do.Submit(
            request_id=2, launch_id="L9", key="K1", token="L1-5", workload="row of L9", location="c1", read_at=5.0
        )
    ]
    assert (
        life.feed(
            on.Unaccepted(
                request_id=2, launch_id="L9", failure=fault(FailureKind.NO_ANSWER), request="request", location="c1"
            )
        )
        == []
    )
    life.feed(on.Revoked(key="K1"))
    assert life.tick() == [do.FindByLaunchId(request_id=3, launch_ids=("L9",), token_bases=("L1",), locations=("c1",))]


def test_a_queued_task_that_is_found_by_its_launch_id_is_followed():
    life = Life()
    life.feed(on.Adopted(launch_id="L1", key="K1", workload="work", location="c2"))
    assert life.tick() == [do.FindByLaunchId(request_id=1, launch_ids=("L1",), token_bases=("L1",), locations=("c2",))]
    assert life.feed(on.FoundByLaunchId(request_id=1, launch_ids=("L1",), seen=(starting(),))) == [
        do.Launched(key="K1", job=JOB)
    ]


def test_the_newest_container_of_a_launch_is_the_one_that_counts():
    life = Life()
    life.feed(on.Adopted(launch_id="L1", key="K1", workload="work"))
    life.tick()
    dead = stopped(NEVER_STARTED, token="L1-9")
    assert life.feed(on.FoundByLaunchId(request_id=1, launch_ids=("L1",), seen=(running(JOB2, "L1-10"), dead))) == [
        do.Launched(key="K1", job=JOB2)
    ]
    assert life.launch().token == "L1-10"


def test_a_queued_task_that_is_found_nowhere_is_launched_with_its_own_token():
    life = Life()
    life.feed(on.Adopted(launch_id="L1", key="K1", workload="work"))
    life.tick()
    assert life.feed(on.FoundByLaunchId(request_id=1, launch_ids=("L1",), seen=())) == []
    assert life.tick() == [
        do.Submit(request_id=3, launch_id="L1", key="K1", token="L1-1", workload="row of L1", read_at=0.0)
    ]


def test_where_requests_are_not_idempotent_it_is_looked_for_twice_before_it_is_launched():
    life = Life(idempotent_submit=False)
    life.feed(on.Adopted(launch_id="L1", key="K1", workload="work"))
    life.tick()
    assert life.feed(on.FoundByLaunchId(request_id=1, launch_ids=("L1",), seen=())) == []
    assert life.tick(19.9) == []
    assert life.tick(0.1) == [do.FindByLaunchId(request_id=2, launch_ids=("L1",), token_bases=("L1",), locations=("",))]
    assert life.feed(on.FoundByLaunchId(request_id=2, launch_ids=("L1",), seen=())) == []
    assert life.tick() == [
        do.Submit(request_id=4, launch_id="L1", key="K1", token="L1-1", workload="row of L1", read_at=20.0)
    ]


def test_a_running_task_that_is_found_nowhere_is_left_to_its_heartbeat_and_never_launched():
    """Its container may live where we may not list: to fail it would start another one beside it."""
    life = Life()
    life.feed(on.Adopted(launch_id="L1", key="K1"))
    life.tick()
    assert life.feed(on.FoundByLaunchId(request_id=1, launch_ids=("L1",), seen=())) == []
    life.tick(20)
    note = do.Note(key="K1", text="Adopted, but no container of it was found: its heartbeat decides")
    assert life.feed(on.FoundByLaunchId(request_id=2, launch_ids=("L1",), seen=())) == [note, do.Release(key="K1")]
    assert life.store.launches == {}


def test_a_running_task_whose_container_never_started_is_reported_and_never_launched():
    life = Life()
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB))
    assert life.see(stopped(NEVER_STARTED)) == [do.Report(key="K1", success=False, job=JOB, stop=NEVER_STARTED)]


def test_what_is_tracked_already_is_not_adopted_again():
    life = Life()
    life.active()
    before = life.launch()
    assert life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB2)) == []
    assert life.feed(on.Adopted(launch_id="L2", key="K1", job=JOB2)) == []
    assert dict(life.store.launches) == {"L1": before}


def test_a_stale_job_that_another_launch_of_ours_holds_is_looked_for_by_launch_id():
    """`external_executor_id` is not cleared for the next try: the ARN may be that of a container being stopped."""
    life = Life()
    life.started()
    life.feed(on.FailedByAirflow(key="K1"))
    life.feed(on.Adopted(launch_id="L2", key="K2", job=JOB, workload="work"))
    assert life.see(stopped(NEVER_STARTED)) == []
    assert set(life.store.launches) == {"L2"}
    assert [effect.launch_ids for effect in life.tick() if isinstance(effect, do.FindByLaunchId)] == [("L2",)]


def test_a_job_that_only_lingers_is_taken_over_by_who_is_adopted_with_it():
    """Its report was lost with a stall: whoever asks again is told again."""
    life = Life()
    life.started()
    life.feed(on.WorkloadQueued(launch_id="L2", key="K1", workload="work"))
    life.feed(on.Revoked(key="K1"))
    life.feed(on.Adopted(launch_id="L3", key="K1", job=JOB))
    assert set(life.store.launches) == {"L3"}
    assert life.see(stopped(EXITED_0)) == [do.Report(key="K1", success=True, job=JOB, stop=EXITED_0)]
    assert life.store.launches == {}


def test_a_state_change_that_names_the_place_otherwise_is_still_about_the_same_job():
    """EventBridge names the cluster by its ARN, the options name it by its name."""
    life = Life()
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB))
    elsewhere = Job(JOB.arn, "arn:cluster/c1")
    assert len(life.see(stopped(EXITED_0, job=elsewhere))) == 1
    assert life.store.launches == {}


def followed_silently(life: Life) -> int:
    """A launch that was answered by nobody, and is another scheduler's by now; the ask of the look for it."""
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    (confirm,) = life.tick(30)
    assert life.feed(on.OwnershipVerified(request_id=confirm.request_id, launch_ids=("L1",), ours=frozenset())) == [
        do.Release(key="K1")
    ]
    (find,) = life.tick()
    return find.request_id


def test_a_launch_that_comes_back_from_another_scheduler_reports_again():
    life = Life(stall_after=10.0)
    find = followed_silently(life)
    assert life.feed(on.Adopted(launch_id="L1", key="K1")) == []
    assert life.machine.owns("K1")
    assert life.feed(on.FoundByLaunchId(request_id=find, launch_ids=("L1",), seen=(running(),))) == [
        do.Launched(key="K1", job=JOB)
    ]
    assert life.see(stopped(EXITED_0)) == [do.Report(key="K1", success=True, job=JOB, stop=EXITED_0)]


def test_a_job_that_is_found_by_two_launches_is_reported_by_the_one_that_speaks_for_its_key():
    life = Life(stall_after=10.0)
    find = followed_silently(life)
    life.feed(on.Adopted(launch_id="by-arn", key="K1", job=JOB))
    assert life.feed(on.FoundByLaunchId(request_id=find, launch_ids=("L1",), seen=(running(),))) == []
    assert set(life.store.launches) == {"by-arn"}
    assert life.see(running(), stopped(EXITED_0)) == [do.Report(key="K1", success=True, job=JOB, stop=EXITED_0)]
    assert life.store.launches == {}


def test_a_silent_follower_leaves_its_job_to_the_launch_that_gets_it_too():
    """The same token, asked again under the launch id of the row, is answered with the job that it made before."""
    life = Life(stall_after=10.0, poll_interval=1e9)
    find = followed_silently(life)
    assert life.feed(on.FoundByLaunchId(request_id=find, launch_ids=("L1",), seen=(starting(),))) == []
    request_id = life.launching("L2", "K2")
    assert life.feed(on.Accepted(request_id=request_id, launch_id="L2", seen=starting())) == [
        do.Launched(key="K2", job=JOB)
    ]
    assert set(life.store.launches) == {"L2"}


def test_a_launch_that_is_being_stopped_is_not_adopted_again():
    life = Life()
    life.active()
    life.feed(on.Revoked(key="K1"))
    before = life.launch()
    assert life.feed(on.Adopted(launch_id="L1", key="K1", workload="work")) == []
    assert life.launch() == before
    assert not life.machine.owns("K1")


def test_the_rest_of_a_followed_job_is_still_stopped_in_time_when_its_launch_comes_back():
    life = Life(stall_after=10.0, poll_interval=1e9)
    find = followed_silently(life)
    life.feed(on.FoundByLaunchId(request_id=find, launch_ids=("L1",), seen=(running(),)))
    life.see(over(EXITED_0))
    due = life.launch().due
    life.awaited = None
    life.feed(on.Adopted(launch_id="L1", key="K1"), after=5)
    assert due == life.launch().due == life.now - 5 + life.machine.policy.stop_grace


def test_an_adopted_job_that_has_not_started_has_its_time_to_start_from_the_adoption():
    life = Life(start_timeout=300, poll_interval=1e9, orphan_interval=1e9)
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB, workload="work"))
    assert life.launch().unlisted_since is None
    life.tick()
    assert life.tick(299) == []
    text = "Its job had not started 300 s after it was accepted"
    assert life.tick(1) == [
        do.Report(key="K1", success=False, job=JOB, text=text),
        do.StopJob(request_id=life.launch().request_id, launch_id="L1", job=JOB, reason=text),
    ]


def test_an_adopted_launch_without_a_job_has_no_time_to_start():
    life = Life(start_timeout=300, poll_interval=1e9)
    life.feed(on.Adopted(launch_id="L1", key="K1"))
    assert (life.launch().start_by, life.launch().due) == (None, life.now)


def test_a_replacement_bears_a_token_that_its_launch_has_not_used():
    """A listing lags: it shows the container before the newest one."""
    life = Life()
    request_id = life.launching()
    for _ in range(3):
        life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_CAPACITY)))
        request_id = life.submit_of(life.tick(200)).request_id
    life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting(token="L1-2")))
    life.see(stopped(NEVER_STARTED, token="L1-2"))
    assert life.submit_of(life.tick(60)).token == "L1-5"
