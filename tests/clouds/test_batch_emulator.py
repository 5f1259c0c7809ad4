"""The Batch adapter over jobs that run in the emulator: they wait, retry, and appear late in listings."""

import pytest

from aws_exec.lifecycle.values import Observation, Status, launch_of, token_of

LAUNCH = "0b9a6c1e-4c1b-4d5e-9d53-1f2e3d4c5b6a"
TOKEN = token_of(LAUNCH, 1)
CAPACITY = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - no instances"


@pytest.fixture
def launch(batch_world):
    """Submit a job, with more arguments than the suite's."""

    def launch(token=TOKEN, **more):
        request = batch_world.request(token)
        [answer] = batch_world.cloud.submit([type(request)(token, request.location, {**request.arguments, **more})])
        assert isinstance(answer, Observation), answer
        return answer.job

    return launch


@pytest.fixture
def look(batch_world):
    def look(job):
        [seen] = batch_world.cloud.describe(batch_world.location, [job]).seen
        return seen

    return look


@pytest.fixture
def faults(batch_world):
    yield batch_world.aws.faults
    batch_world.aws.faults.release()
    batch_world.aws.faults.catch_up()


def test_a_job_that_is_stuck_in_runnable_says_why(faults, batch_world, launch, look):
    faults.hold_next(CAPACITY)
    job = launch()
    batch_world.aws.wait_for_status(job.arn, "RUNNABLE")
    seen = look(job)
    assert (seen.status, seen.waiting) == (Status.STARTING, CAPACITY)


def test_a_stuck_job_that_is_stopped_never_started_and_was_stopped_on_purpose(faults, batch_world, launch, look):
    faults.hold_next(CAPACITY)
    job = launch()
    assert batch_world.cloud.stop([job], "waited too long") == [None]
    batch_world.wait_until_stopped(job)
    seen = look(job)
    assert (seen.started, seen.stop.user_initiated, seen.stop.exit_code) == (False, True, None)
    assert "waited too long" in seen.stop.reason


def test_a_container_that_cannot_be_pulled_never_started(faults, batch_world, launch, look):
    faults.fail_next_start("CannotPullContainerError: no such image")
    job = launch()
    batch_world.wait_until_stopped(job)
    stop = look(job).stop
    assert (stop.started, stop.exit_code, stop.user_initiated) == (False, None, False)
    assert "CannotPullContainerError" in stop.reason + stop.container_reason


def test_a_lost_host_leaves_a_started_job_without_an_exit_code(faults, batch_world, launch, look):
    job = launch()
    batch_world.start(job)
    faults.lose(job.arn, reason="Host EC2 (instance i-1) terminated.")
    batch_world.wait_until_stopped(job)
    stop = look(job).stop
    assert (stop.started, stop.exit_code) == (True, None)
    assert "Host EC2" in stop.reason


def test_the_first_attempt_that_started_is_the_one_that_is_told(faults, batch_world, launch, look):
    script = "test $AWS_BATCH_JOB_ATTEMPT = 1 && exit 3; exit 1"
    container = batch_world.processes.container(TOKEN) | {"command": ["sh", "-c", script]}
    job = launch(containerOverrides=container, retryStrategy={"attempts": 2})
    batch_world.wait_until_stopped(job)
    assert look(job).stop.exit_code == 3


def test_an_attempt_that_never_started_is_passed_over(faults, batch_world, launch, look):
    faults.fail_next_start("CannotPullContainerError: try again")
    container = batch_world.processes.container(TOKEN) | {"command": ["sh", "-c", "exit 0"]}
    job = launch(containerOverrides=container, retryStrategy={"attempts": 2})
    batch_world.wait_until_stopped(job)
    assert (look(job).stop.exit_code, look(job).stop.started) == (0, True)


def test_a_job_that_was_just_submitted_may_be_found_nowhere_yet(faults, batch_world, launch):
    """That is why a launch whose answer was lost is looked for twice."""
    faults.lag()
    job = launch()
    assert batch_world.cloud.find([LAUNCH], [batch_world.location]) == []
    assert batch_world.cloud.describe(batch_world.location, [job]).missing == (job,)
    faults.catch_up()
    assert [seen.job for seen in batch_world.cloud.find([LAUNCH], [batch_world.location])] == [job]


def test_two_jobs_of_one_token_are_two_and_the_one_that_lives_counts(batch_world, launch):
    """Nothing makes SubmitJob idempotent."""
    first, second = launch(), launch()
    assert first != second
    batch_world.cloud.stop([second], "once too often")
    batch_world.wait_until_stopped(second)
    found = batch_world.cloud.find([LAUNCH], [batch_world.location])
    assert [seen.job for seen in found] == [second, first]


def test_a_job_of_the_amazon_provider_is_found_by_the_bare_id_that_it_saved(batch_world):
    theirs = batch_world.launch_foreign(None)
    job_id = theirs.arn.rpartition("/")[2]
    [seen] = batch_world.cloud.find([job_id], [batch_world.location])
    assert (seen.job, launch_of(seen.token)) == (theirs, job_id)


def test_one_job_that_cannot_be_stopped_spares_no_other(faults, batch_world, launch):
    jobs = [launch(token_of(LAUNCH, number)) for number in (1, 2, 3)]
    faults.raise_next("TerminateJob", "AccessDeniedException", "not authorized", status=403)
    refused, *others = batch_world.cloud.stop(jobs, "enough")
    assert refused.code == "AccessDeniedException"
    assert others == [None, None]
    assert batch_world.aws.calls().get("TerminateJobs")
