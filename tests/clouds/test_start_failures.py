"""An Airflow container that could not be started has not, though others of its task or job run on beside it.

It is not essential, then, and what says that its task has started is said of the others: user code never ran, so the
timeouts of what has not started must go on.
"""

from __future__ import annotations

import pytest

from aws_exec.clouds.batch import job as batch_job
from aws_exec.clouds.ecs import task as ecs_task
from aws_exec.lifecycle.values import Observation, Status, Termination
from tests.clouds import batch_answers
from tests.clouds.batch_answers import EXITED, PULL, environment, several
from tests.clouds.test_ecs_adapter import JOB, TOKEN, container, task

#: Reasons of containers that never ran.
NEVER_RAN = [
    "CannotStartContainerError: Error response from daemon: failed to create task for container",
    "CannotPullContainerError: pull image manifest has been retried 1 time(s)",
    "CannotPullECRContainerError: AccessDeniedException",
    "CannotCreateContainerError: No such image",
    "ResourceInitializationError: unable to pull secrets or registry auth",
]
#: A container that it depends on (`dependsOn`) did not end well.
IN_VAIN = (
    "CannotStartContainerError: dependency graph: failed to resolve container ordering dependency [proxy (STOPPED)] "
    "for target [airflow (NONE->RUNNING)] as dependency did not exit successfully."
)
EXITED_CODE = "EssentialContainerExited"
FAILED = {"name": "airflow", "reason": PULL, "essential": False, "environment": environment()}
PROXY = {"name": "proxy", "lastStatus": "RUNNING"}


def see(answer):
    return ecs_task.observation(answer, JOB, "airflow", TOKEN)


class TestEcs:
    @pytest.mark.parametrize("reason", NEVER_RAN)
    def test_it_waits_for_what_it_could_not_be_started_of_while_the_task_runs_on(self, reason):
        seen = see(task("RUNNING", container(lastStatus="STOPPED", reason=reason), PROXY, startedAt=1))
        stop = Termination("ecs", container_reason=reason)
        assert seen == Observation(JOB, Status.STARTING, token=TOKEN, stop=stop, waiting=reason)

    @pytest.mark.parametrize("reason", NEVER_RAN)
    def test_nor_has_it_started_when_the_task_has_ended(self, reason):
        failed = container(lastStatus="STOPPED", reason=reason)
        seen = see(task("STOPPED", failed, container("proxy", exitCode=0), startedAt=1, stopCode="UserInitiated"))
        stop = Termination("ecs", code="UserInitiated", container_reason=reason, user_initiated=True)
        assert seen == Observation(JOB, Status.STOPPED, token=TOKEN, stop=stop)

    @pytest.mark.parametrize("status", ["PENDING", "DEACTIVATING", "STOPPING", "DEPROVISIONING"])
    def test_a_task_that_ends_of_it_says_so_when_it_has_ended(self, status):
        assert see(task(status, container(lastStatus="STOPPED", reason=NEVER_RAN[0]))).waiting == ""

    def test_one_that_is_over_without_an_exit_code_says_why_and_may_have_run(self):
        reason = "DockerTimeoutError: Could not transition to stopped; timed out after waiting 2m0s"
        seen = see(task("RUNNING", container(lastStatus="STOPPED", reason=reason), PROXY, startedAt=1))
        stop = Termination("ecs", started=True, container_reason=reason)
        assert seen == Observation(JOB, Status.RUNNING, started=True, token=TOKEN, stop=stop)

    @pytest.mark.parametrize("task_ran", [{}, {"startedAt": 1}], ids=["alone", "beside others"])
    def test_one_that_waited_for_another_in_vain_has_not_started_though_it_has_an_exit_code(self, task_ran):
        """The ECS agent gives such a container 143 and starts nothing (`handleTerminalDependencyError`)."""
        failed = container(exitCode=143, lastStatus="STOPPED", reason=IN_VAIN)
        seen = see(task("STOPPED", failed, container("proxy", exitCode=1), stopCode=EXITED_CODE, **task_ran))
        stop = Termination("ecs", code=EXITED_CODE, container_reason=IN_VAIN, sidecars=("proxy: 1",))
        assert seen == Observation(JOB, Status.STOPPED, token=TOKEN, stop=stop)

    def test_one_that_is_restarted_after_a_start_that_failed_runs(self):
        again = container(lastStatus="RUNNING", reason=NEVER_RAN[0])
        assert see(task("RUNNING", again, PROXY, startedAt=1)).started


class TestBatch:
    def see(self, *others, **more):
        """The job that has this container and others."""
        answer = several(FAILED, *others, startedAt=1, **more)
        token = batch_answers.TOKEN
        return batch_job.observation(
            answer, batch_answers.JOB, container_name="airflow", name_prefix="airflow", token=token
        )

    def test_it_waits_for_what_it_could_not_be_started_of_while_the_job_runs_on(self):
        seen = self.see({"name": "proxy"}, status="RUNNING")
        stop = Termination("batch", container_reason=PULL)
        assert seen == Observation(
            batch_answers.JOB, Status.STARTING, token=batch_answers.TOKEN, stop=stop, waiting=PULL
        )

    @pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
    def test_nor_has_it_started_when_the_job_has_ended(self, status):
        seen = self.see({"name": "proxy", "exitCode": 0}, status=status)
        stop = Termination("batch", container_reason=PULL)
        assert seen == Observation(batch_answers.JOB, Status.STOPPED, token=batch_answers.TOKEN, stop=stop)

    def test_what_an_earlier_attempt_failed_of_says_nothing_of_the_one_that_runs(self):
        told = {"taskProperties": [{"containers": [FAILED]}], "statusReason": EXITED}
        seen = self.see({"name": "proxy"}, status="RUNNING", attempts=[told])
        assert seen == Observation(batch_answers.JOB, Status.RUNNING, started=True, token=batch_answers.TOKEN)

    def test_nor_why_the_next_one_waits(self):
        told = {"taskProperties": [{"containers": [FAILED]}], "statusReason": EXITED}
        seen = self.see({"name": "proxy"}, status="RUNNABLE", statusReason="CAPACITY: none", attempts=[told])
        assert (seen.started, seen.waiting) == (False, "CAPACITY: none")
