"""Fakes for tests: a clock that stands still, and a service in memory whose containers a test starts and ends."""

from __future__ import annotations

import itertools
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aws_exec.clouds.cloud import Answer, Capabilities, Description, Request
from aws_exec.clouds.errors import CloudError
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import FleetMember
from aws_exec.lifecycle.values import (
    CallFailure,
    FailureKind,
    Job,
    LaunchId,
    Observation,
    Status,
    Termination,
    Token,
    launch_of,
)

#: What the services call their jobs, by service; the number makes it unique.
ARNS = {
    "ecs": "arn:aws:ecs:us-east-1:123456789012:task/fake/{0:032x}",
    "batch": "arn:aws:batch:us-east-1:123456789012:job/00000000-0000-0000-0000-{0:012x}",
}

#: A call that a test holds and forgets to release must not hang the test run.
LONGEST_HOLD_SECONDS = 30.0


class FakeClock:
    """Seconds that pass when told to. Call it for the time."""

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now

    def __call__(self) -> float:
        """The time."""
        return self._now

    def advance(self, seconds: float) -> float:
        """Let time pass; returns the new time."""
        self._now += seconds
        return self._now


@dataclass(frozen=True, slots=True)
class _Scripted:
    """What the next call of a verb meets: `acted` before it fails, or not."""

    failure: CallFailure | BaseException
    acted: bool


@dataclass(frozen=True, slots=True)
class _Container:
    """One job: what an observation of it says, whose it is, and whether the service still knows it."""

    seen: Observation
    deployment: str
    known: bool = True


class FakeCloud:
    """A `Cloud` in memory. Thread-safe. Nothing happens to a job unless the test says so.

    Verbs are named as the methods (`"submit"`, `"describe"`, ...) in the scripting methods.

    Args:
        service: whose vocabulary its `Termination`s have.
        idempotent_submit: the same token answers with the same job (ECS); else every submit makes a job (Batch).
        deployment: whose fleet `list_fleet` and `find` see.

    Attributes:
        calls: how often each verb was called.
        requests: every request that was submitted, in order, those that failed included.
        stopped: (job, reason) of every stop that was carried out.
    """

    def __init__(self, *, service: str = "ecs", idempotent_submit: bool = True, deployment: str = "ours") -> None:
        self.capabilities = Capabilities(service, idempotent_submit)
        self.calls: Counter[str] = Counter()
        self.requests: list[Request] = []
        self.stopped: list[tuple[Job, str]] = []
        self._deployment = deployment
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._containers: dict[str, _Container] = {}
        self._script: defaultdict[str, deque[_Scripted]] = defaultdict(deque)
        self._holds: dict[str, threading.Event] = {}

    # -- what the test scripts ----------------------------------------------------------------------------------------

    def fail(
        self, verb: str, failure: CallFailure | FailureKind | BaseException, *, times: int = 1, acted: bool = False
    ) -> None:
        """Let the next calls of a verb fail.

        Args:
            verb: whose calls.
            failure: what they answer; a `FailureKind` for a failure of that kind; an exception is raised as it is.
            times: how many of them.
            acted: they do what was asked first: the answer is lost on the way back.
        """
        if isinstance(failure, FailureKind):
            failure = CallFailure(failure, verb, "Scripted", failure.value)
        with self._lock:
            self._script[verb].extend([_Scripted(failure, acted)] * times)

    def hold(self, verb: str) -> threading.Event:
        """Let calls of a verb hang, before they do anything, until the returned event is set."""
        with self._lock:
            return self._holds.setdefault(verb, threading.Event())

    def hinder(self, job: Job, why: str) -> None:
        """The job does not start, and the service says why; empty: it no longer does."""
        with self._lock:
            old = self._containers[job.arn]
            self._containers[job.arn] = replace(old, seen=replace(old.seen, waiting=why))

    def start(self, job: Job) -> None:
        """The Airflow container starts."""
        self._change(job, status=Status.RUNNING, started=True)

    def finish(self, job: Job, exit_code: int = 0) -> None:
        """The Airflow container exits, and its job stops."""
        code = self._code("EssentialContainerExited")
        stop = Termination(self.capabilities.service, exit_code, started=True, code=code)
        self._change(job, status=Status.STOPPED, started=True, stop=stop)

    def linger(self, job: Job, exit_code: int = 0) -> None:
        """The Airflow container exits, and the rest of the job goes on."""
        stop = Termination(self.capabilities.service, exit_code, started=True)
        self._change(job, status=Status.RUNNING, started=True, stop=stop)

    def fail_to_start(self, job: Job, reason: str = "CannotPullContainerError: no such image") -> None:
        """The job stops before its Airflow container ran."""
        stop = Termination(self.capabilities.service, code=self._code("TaskFailedToStart"), reason=reason)
        self._change(job, status=Status.STOPPED, stop=stop)

    def lose(self, job: Job) -> None:
        """The host is gone: the job stops without an exit code."""
        seen = self._containers[job.arn].seen
        stop = Termination(self.capabilities.service, started=seen.started, reason="Host EC2 instance terminated.")
        self._change(job, status=Status.STOPPED, stop=stop)

    def forget(self, job: Job) -> None:
        """The service no longer knows the job."""
        with self._lock:
            self._containers[job.arn] = replace(self._containers[job.arn], known=False)

    def remember(self, job: Job) -> None:
        """The service knows the job (again)."""
        with self._lock:
            self._containers[job.arn] = replace(self._containers[job.arn], known=True)

    def add(self, token: Token | None, *, location: str = "", deployment: str = "another") -> Job:
        """A job that somebody else launched; no token: the Amazon provider did."""
        with self._lock:
            return self._launch(token, location, deployment).job

    def containers(self, token: Token) -> list[Job]:
        """The jobs ever made for a token, oldest first."""
        with self._lock:
            return [each.seen.job for each in self._containers.values() if each.seen.token == token]

    def jobs(self) -> list[Observation]:
        """Every job ever made, as it is, oldest first."""
        with self._lock:
            return [each.seen for each in self._containers.values()]

    # -- Cloud --------------------------------------------------------------------------------------------------------

    def submit(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """See `Cloud`."""
        answers: list[Answer] = []
        for request in requests:
            scripted = self._begin("submit", request)
            if scripted is not None and not scripted.acted:
                answers.append(_answered(scripted))
                continue
            with self._lock:
                made = [each.seen for each in self._containers.values() if each.seen.token == request.token]
                if made and self.capabilities.idempotent_submit:
                    seen = made[0]
                else:
                    seen = self._launch(request.token, request.location, self._deployment)
            answers.append(seen if scripted is None else _answered(scripted))
        return answers

    def describe(self, location: str, jobs: Sequence[Job]) -> Description:  # noqa: ARG002 -- known by ARN alone
        """See `Cloud`."""
        self._read("describe")
        with self._lock:
            known = {job: each for job in jobs if (each := self._containers.get(job.arn)) is not None and each.known}
        seen = tuple(replace(each.seen, job=job) for job, each in known.items())
        return Description(seen, tuple(job for job in jobs if job not in known))

    def list_running(self, location: str, jobs: Sequence[Job]) -> Sequence[Job]:  # noqa: ARG002 -- known by ARN alone
        """See `Cloud`."""
        self._read("list_running")
        with self._lock:
            running = {
                each.seen.job.arn
                for each in self._containers.values()
                if each.known and each.seen.status is Status.RUNNING and each.deployment == self._deployment
            }
        return [job for job in jobs if job.arn not in running]

    def find(self, token_bases: Sequence[LaunchId], locations: Sequence[str]) -> Sequence[Observation]:
        """See `Cloud`."""
        self._read("find")
        return [seen for seen in self._fleet(locations) if launch_of(seen.token or "") in token_bases]

    def stop(self, jobs: Sequence[Job], reason: str) -> Sequence[CallFailure | None]:
        """See `Cloud`. A job stops at once; its Airflow container, if it ran, exits with 143 (SIGTERM)."""
        answers: list[CallFailure | None] = []
        for job in jobs:
            scripted = self._begin("stop")
            if scripted is None or scripted.acted:
                self._stop(job, reason)
            answers.append(None if scripted is None else _answered(scripted))
        return answers

    def list_fleet(self, locations: Sequence[str], ended_of: Sequence[LaunchId] = ()) -> Sequence[FleetMember]:
        """See `Cloud`."""
        self._read("list_fleet")
        known = [
            FleetMember(seen, Identity(self._deployment, seen.token)) for seen in self._fleet(locations) if seen.token
        ]
        fleet = [each for each in known if each.seen.status is not Status.STOPPED]
        lost = set(ended_of) - {each.identity.launch_id for each in fleet}
        return [*fleet, *(each for each in known if each.identity.launch_id in lost)]

    def check(self) -> CallFailure | None:
        """See `Cloud`."""
        scripted = self._begin("check")
        return None if scripted is None else _answered(scripted)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _begin(self, verb: str, request: Request | None = None) -> _Scripted | None:
        """Count a call, wait while it is held; what it is scripted to meet."""
        with self._lock:
            self.calls[verb] += 1
            if request is not None:
                self.requests.append(request)
            scripted = self._script[verb].popleft() if self._script[verb] else None
            held = self._holds.get(verb)
        if held is not None and not held.wait(LONGEST_HOLD_SECONDS):
            raise TimeoutError(f"{verb} was held, and never released")
        return scripted

    def _read(self, verb: str) -> None:
        scripted = self._begin(verb)
        if scripted is not None:
            raise CloudError(_answered(scripted))

    def _launch(self, token: Token | None, location: str, deployment: str) -> Observation:
        arn = ARNS[self.capabilities.service].format(next(self._numbers))
        seen = Observation(Job(arn, location), Status.STARTING, token=token)
        self._containers[arn] = _Container(seen, deployment)
        return seen

    def _change(
        self,
        job: Job,
        *,
        status: Status,
        started: bool = False,
        stop: Termination | None = None,
    ) -> None:
        with self._lock:
            old = self._containers[job.arn]
            seen = replace(old.seen, status=status, started=started or old.seen.started, stop=stop, waiting="")
            self._containers[job.arn] = replace(old, seen=seen)

    def _stop(self, job: Job, reason: str) -> None:
        with self._lock:
            self.stopped.append((job, reason))
            each = self._containers.get(job.arn)
            if each is None or each.seen.status is Status.STOPPED:
                return
            seen = each.seen
            exit_code = 143 if seen.started else None
            code = self._code("UserInitiated")
            service = self.capabilities.service
            stop = Termination(service, exit_code, started=seen.started, code=code, reason=reason, user_initiated=True)
            self._change(job, status=Status.STOPPED, stop=stop)

    def _code(self, code: str) -> str:
        """A stop code, where the service has them: ECS does."""
        return code if self.capabilities.service == "ecs" else ""

    def _fleet(self, locations: Sequence[str]) -> list[Observation]:
        where = set(locations or ("",))
        with self._lock:
            every = list(self._containers.values())
        return [
            each.seen
            for each in every
            if each.known and each.deployment == self._deployment and each.seen.job.location in where
        ]


def _answered(scripted: _Scripted) -> CallFailure:
    if isinstance(scripted.failure, BaseException):
        raise scripted.failure
    return scripted.failure
