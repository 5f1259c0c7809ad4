"""One Batch job: its attempts, which are ECS tasks, and its way from SUBMITTED to SUCCEEDED or FAILED.

The statuses and what each means: "Job states" (AWS Batch User Guide); retries: "Automated job retries"; timeouts: "Job
timeouts". An instance belongs to its loop: every method is called under the loop's lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aws_exec.local.batch.request import JobRequest
from aws_exec.local.ecs.task import ContainerRecord, EcsTask
from aws_exec.local.loop import Loop, Timer
from aws_exec.local.script import Launch

#: "Jobs that have not progressed to the STARTING state are cancelled" (TerminateJob).
BEFORE_START = frozenset({"SUBMITTED", "PENDING", "RUNNABLE"})
TIMED_OUT = "Job attempt duration exceeded timeout"
#: What Batch says of a job whose host is gone ("Automated job retries" matches on `Host EC2*`).
HOST_LOST = "Host EC2 (instance i-0a45ec00000000001) terminated."


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that is over, and the `statusReason` that it ended with."""

    task: EcsTask
    reason: str


@dataclass(eq=False)
class BatchJob:
    """A job. `begin` it once; `terminate`, `cancel` and `lose` it at any time.

    Attributes:
        request: what it was made of.
        loop: where its next steps are taken.
        make_task: makes the ECS task of the n-th attempt.
        clock: epoch seconds, for the timeout.
        dependencies: the jobs it waits for.
        held: why it stays RUNNABLE; empty if it may go on.
        hidden_until: when it first appears in answers, epoch seconds.
        tags: by key, as in the API.
        ended: the attempts that are over, oldest first.
        history: every status it had, with the time (epoch seconds).
        forgotten: it is in no answer, whatever it does.
    """

    request: JobRequest
    loop: Loop
    make_task: Callable[[int, Callable[[], None]], EcsTask]
    clock: Callable[[], float]
    dependencies: Sequence[BatchJob]
    held: str
    hidden_until: float
    tags: dict[str, str]
    status: str = "SUBMITTED"
    status_reason: str = ""
    cancelled: bool = False
    terminated: bool = False
    forgotten: bool = False
    started_at: float | None = None
    stopped_at: float | None = None
    ended: list[Ended] = field(default_factory=list)
    history: list[tuple[str, float]] = field(default_factory=list)
    _task: EcsTask = field(init=False)
    _dependents: list[BatchJob] = field(default_factory=list)
    _wanted: str = ""
    _timer: Timer | None = None

    def __post_init__(self) -> None:
        self._task = self.make_task(1, self._followed)
        self.history.append((self.status, time.time()))

    def begin(self) -> None:
        """Let it take its way."""
        for job in self.dependencies:
            job._dependents.append(self)  # noqa: SLF001 - a job like this one
        self.loop.post(self._evaluate)

    @property
    def current(self) -> EcsTask:
        """The task of the latest attempt; it may not have begun."""
        return self._task

    @property
    def created_at(self) -> float:
        """Epoch seconds."""
        return self.history[0][1]

    @property
    def over(self) -> bool:
        """Whether it is SUCCEEDED or FAILED."""
        return self.stopped_at is not None

    def terminate(self, reason: str) -> None:
        """TerminateJob: end it, whatever it does; without effect once its containers have ended."""
        if self.status in BEFORE_START:
            self.terminated = True
            self._end("FAILED", reason)
        elif not self.over and not self._task.ending:
            self.terminated = True
            # "This message is returned by future DescribeJobs operations on the job" (TerminateJob, `reason`).
            self.status_reason = reason
            self._stop(reason)

    def cancel(self, reason: str) -> None:
        """CancelJob: end it unless it has reached STARTING."""
        if self.status in BEFORE_START:
            self.cancelled = True
            self._end("FAILED", reason)

    def lose(self, stop_code: str = "", reason: str = "") -> None:
        """End its attempt as when the host is lost; the job may then be tried again, as after any failure."""
        if not self.over:
            self._task.lose(stop_code, reason or HOST_LOST)

    def release(self) -> None:
        """Let it go on, if it is held."""
        if self.held:
            self.held = ""
            if self.status == "RUNNABLE":
                self.status_reason = ""
                self._task.begin()

    def look_at_the_clock(self) -> None:
        """Stop the attempt if it has run for as long as it may; else look again when it has."""
        if self.status != "RUNNING" or self.request.timeout is None or self.started_at is None or self._task.ending:
            return
        left = self.started_at + self.request.timeout - self.clock()
        if self._timer is not None:
            self._timer.cancel()
        if left <= 0:
            self._stop(TIMED_OUT)
        else:
            self._timer = self.loop.later(left, self.look_at_the_clock)

    def launch(self) -> Launch:
        """The job as a line of the ledger."""
        line = self._task.launch()
        return replace(
            line,
            service="batch",
            arn=self.request.arn,
            token=line.identity.get("AWSEXEC_TOKEN", ""),
            status=self.status,
            created_at=self.created_at,
            started=line.started or self.started_at is not None,
            stop_code="",
            stopped_reason=self.status_reason if self.over else "",
            name=self.request.name,
            attempts=len(self.ended) + (not self._task.stopped and "connectivityAt" in self._task.times),
        )

    def _evaluate(self) -> None:
        if self.status not in {"SUBMITTED", "PENDING"}:
            return
        if any(job.status == "FAILED" for job in self.dependencies):
            self._end("FAILED", "Dependent Job failed")
        elif all(job.status == "SUCCEEDED" for job in self.dependencies):
            self._wait_for_room()
        elif self.status == "SUBMITTED":
            self._pass("PENDING")

    def _wait_for_room(self) -> None:
        self.status_reason = self.held  # first: who waits for the status finds the reason, too
        self._pass("RUNNABLE")
        if self.request.too_long:
            # Netflix/metaflow #1482: SubmitJob takes such a job, and ECS refuses the task of it.
            self._end("FAILED", "Container Overrides length must be at most 8192")
        elif not self.held:
            self._task.begin()

    def _followed(self) -> None:
        """Take in a new status of the attempt's task."""
        if self.over:
            return
        if self._task.status == "PENDING":
            self._pass("STARTING")
        elif self._task.status == "RUNNING":
            self.started_at = self._task.times["startedAt"]
            self._pass("RUNNING")
            self.look_at_the_clock()
        elif self._task.stopped:
            self._attempt_over(self._wanted or self._task.stopped_reason)

    def _attempt_over(self, reason: str) -> None:
        self.ended.append(Ended(self._task, reason))
        if not self._wanted and succeeded(self._task):
            self._end("SUCCEEDED", reason)
        elif self._wanted or len(self.ended) >= self.request.attempts or not self._may_retry(reason):
            # "If a job is terminated due to a timeout, it isn't retried" (SubmitJob); a terminated one is not either.
            self._end("FAILED", reason)
        else:
            self._task = self.make_task(len(self.ended) + 1, self._followed)
            self._wait_for_room()

    def _may_retry(self, reason: str) -> bool:
        judged = deciding(self._task)
        code = "" if judged.exit_code is None else str(judged.exit_code)
        found = {"onStatusReason": reason, "onReason": judged.reason, "onExitCode": code}
        return retries(self.request.rules, found)

    def _stop(self, reason: str) -> None:
        self._wanted = reason
        self._task.stop(reason)

    def _end(self, status: str, reason: str) -> None:
        self.stopped_at = self._task.times.get("stoppedAt", time.time())
        self.status_reason = reason
        self._pass(status)
        if not self._task.stopped:
            self._task.stop(reason)
        for job in self._dependents:
            self.loop.post(job._evaluate)  # noqa: SLF001 - a job like this one

    def _pass(self, status: str) -> None:
        self.status = status
        self.history.append((status, time.time()))
        self.loop.changed.notify_all()


def deciding(task: EcsTask) -> ContainerRecord:
    """The container whose end ended the task: the first essential one to end; the first of all if none has.

    A task of several containers is judged by it alone, since the others are then stopped by signals, which is no
    failure of theirs ("essential": "if that container fails or stops for any reason, all other containers that are
    part of the task are stopped", API Reference, TaskContainerProperties).
    """
    ended = [(one.ended_at, one) for one in task.containers if one.essential and one.ended_at is not None]
    return min(ended, key=lambda pair: pair[0])[1] if ended else task.containers[0]


def succeeded(task: EcsTask) -> bool:
    """Whether an attempt that was not stopped by anyone did what it should."""
    return deciding(task).exit_code == 0


def retries(rules: Sequence[Mapping[str, str]], found: Mapping[str, str]) -> bool:
    """Whether an attempt that failed is followed by another, as far as `evaluateOnExit` goes.

    "If none of the EvaluateOnExit conditions in a RetryStrategy match, then the job is retried" (API Reference); a
    condition that a rule does not have is met.

    Args:
        rules: `evaluateOnExit`, in order; the first that matches decides.
        found: by the condition's name, what is matched against its pattern; empty for what the attempt does not have.
    """
    for rule in rules:
        if all(_matches(rule[name], value) for name, value in found.items() if rule.get(name)):
            return rule["action"].upper() == "RETRY"
    return True


def _matches(pattern: str, value: str) -> bool:
    """A glob, in which only the last character may be an asterisk (API Reference, EvaluateOnExit)."""
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern
