"""What goes wrong in an embedded AWS, on request."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from aws_exec.local.batch.jobs import BatchJobs
from aws_exec.local.containers import ContainerHost
from aws_exec.local.errors import AwsError
from aws_exec.local.launched import Launched
from aws_exec.local.loop import Loop
from aws_exec.local.script import Refusal, Script
from aws_exec.local.stalls import Stalls


class Faults:
    """The verbs that break things; the control URLs carry the same."""

    def __init__(  # noqa: PLR0917 - everything there is to break
        self,
        loop: Loop,
        tasks: Callable[[], dict[str, Launched]],
        jobs: Callable[[], Iterable[BatchJobs]],
        script: Script,
        stalls: Stalls,
        host: ContainerHost,
    ) -> None:
        """Break these tasks and jobs, and fill this script, under the loop's lock."""
        self._loop = loop
        self._tasks = tasks
        self._jobs = jobs
        self._script = script
        self._stalls = stalls
        self._host = host

    def refuse_next(self, reason: str, *, times: int = 1, detail: str = "", remembered: bool = False) -> None:
        """Answer the next RunTasks with `failures`; see `Refusal`."""
        with self._loop.changed:
            self._script.refusals += [Refusal(reason, detail, remembered)] * times

    def fail_next_start(self, reason: str, *, times: int = 1) -> None:
        """End the next tasks STOPPED, `TaskFailedToStart`, for a reason, without starting them.

        A job's attempt is a task: it ends the same way, with the reason as its `statusReason`.
        """
        with self._loop.changed:
            self._script.failed_starts += [reason] * times

    def remove_image(self, image: str) -> None:
        """Have an image in no registry: tasks and jobs whose definition names it never start.

        Args:
            image: as the definition names it; an image of Docker Hub: `team/etl:2.8`.
        """
        with self._loop.changed:
            self._script.missing_images.add(image)

    def raise_next(
        self,
        operation: str,
        code: str,
        message: str = "",
        *,
        status: int = 400,
        times: int = 1,
    ) -> None:
        """Answer the next calls of an operation of ECS or Batch with an error, before anything is done.

        One for `TerminateJob` or `CancelJob` also serves for one job of a TerminateJobs or CancelJobs.
        """
        error = AwsError(code, message, status=status)
        with self._loop.changed:
            self._script.errors.setdefault(operation, []).extend([error] * times)

    def stall_next(self, operation: str, *, acted: bool = False, times: int = 1) -> None:
        """Keep the next calls of an operation of ECS or Batch waiting, until `let_go`: whoever asked may die meanwhile.

        Args:
            operation: as in the API.
            acted: wait when the call was carried out and before it is answered, not before anything is done.
            times: how many calls.
        """
        self._stalls.stall_next(operation, acted=acted, times=times)

    def let_go(self) -> None:
        """Let the calls go on that are kept waiting, and stall no more."""
        self._stalls.let_go()

    @property
    def stalled(self) -> dict[str, int]:
        """How many calls are kept waiting now, by operation; for `EmbeddedAws.wait_until`."""
        return self._stalls.waiting

    def forget(self, task: str) -> None:
        """Know nothing of a task or job any more, though it goes on running.

        Raises:
            KeyError: there never was such a task or job.
        """
        with self._loop.changed:
            self._tasks()[task].forgotten = True

    def lose(self, task: str, *, stop_code: str = "", reason: str = "") -> None:
        """End a task, or an attempt of a job, as when its host is gone: at once, without an exit code.

        Raises:
            KeyError: there never was such a task or job.
        """
        with self._loop.changed:
            self._tasks()[task].lose(stop_code, reason)

    def pause(self, task: str) -> None:
        """Stop the containers of a task, or of a job's attempt, in their tracks, as on a host that stalls (Linux only).

        Raises:
            KeyError: there never was such a task or job.
        """
        with self._loop.changed:
            for container in self._tasks()[task].current.containers:
                if container.process is not None:
                    container.process.pause()

    def resume(self, task: str) -> None:
        """Let paused containers go on as if nothing had been.

        Raises:
            KeyError: there never was such a task or job.
        """
        with self._loop.changed:
            for container in self._tasks()[task].current.containers:
                if container.process is not None:
                    container.process.resume()

    def occupy(self) -> None:
        """Leave no room, until `vacate`: what is launched stays PROVISIONING, or RUNNABLE; what runs goes on."""
        with self._loop.changed:
            self._host.occupy()

    def vacate(self) -> None:
        """Give the room back."""
        with self._loop.changed:
            self._host.vacate()

    def hold_next(self, reason: str, *, times: int = 1) -> None:
        """Keep the next jobs RUNNABLE for a reason, until `release`; ended meanwhile, they never run.

        Args:
            reason: as in `statusReason`: `MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - ...`,
                `CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - ...` ("Jobs stuck in a RUNNABLE status", Batch User Guide).
            times: how many jobs.
        """
        with self._loop.changed:
            self._script.holds += [reason] * times

    def release(self) -> None:
        """Let the jobs go on that are kept RUNNABLE."""
        with self._loop.changed:
            for jobs in self._jobs():
                jobs.release()

    def lag(self, seconds: float | None = None) -> None:
        """Leave jobs submitted from now on out of DescribeJobs and ListJobs for a time; they run all the same.

        Args:
            seconds: by the embedded AWS's clock, from SubmitJob on; None until `catch_up`.
        """
        with self._loop.changed:
            self._script.lag = math.inf if seconds is None else seconds

    def catch_up(self) -> None:
        """Show every job, and from now on new ones at once."""
        with self._loop.changed:
            self._script.lag = 0.0
            for jobs in self._jobs():
                jobs.catch_up()
