"""The seam to AWS: what the executors need of a service that runs containers, as six verbs and a check.

A third service is one more implementation of `Cloud`. Every implementation passes the conformance suite
(`aws_exec.testing.conformance`). Calls block, and run on the dispatcher's threads only; they take lists and return
values. An answer is a value even if it is a refusal; `CloudError` is raised where the call as a whole failed.

Pacing: a launch and a stop are one API call each, and the dispatcher waits for the rate before each. A read may
take several (pages), so its adapter asks before each API call whether it may (`before_read`, `Pacer.take`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from aws_exec.lifecycle.orphans import FleetMember
from aws_exec.lifecycle.values import CallFailure, Job, LaunchId, Observation, Token


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a service can do: all that anybody outside an adapter may know of the difference between two of them.

    Attributes:
        service: `"ecs"`, `"batch"`, ...: whose vocabulary its reasons are.
        idempotent_submit: it makes at most one container per token, however often it is asked.
        describe_batch, stop_batch: items one call takes.
    """

    service: str
    idempotent_submit: bool
    describe_batch: int = 99
    stop_batch: int = 1


@dataclass(frozen=True, slots=True)
class Request:
    """One container to be launched.

    Attributes:
        token: at most one container may exist for it.
        location: where (ECS cluster); empty where the service needs none.
        arguments: of the API call, exactly as they are sent; contains the task's token: never log or print it.
    """

    token: Token
    location: str
    arguments: Mapping[str, Any]

    def __repr__(self) -> str:
        """Without the arguments: they hold a credential."""
        return f"Request(token={self.token!r}, location={self.location!r})"


#: A submit's answer for one request: the job it made (now or earlier, for the same token), or why there is none.
Answer: TypeAlias = Observation | CallFailure


@dataclass(frozen=True, slots=True)
class Description:
    """A describe's answer: what was seen, and what AWS does not know (which may be young: eventual consistency).

    Jobs are those that were asked for, as they were asked for. One that is in neither was not told of: ask again.
    """

    seen: tuple[Observation, ...] = ()
    missing: tuple[Job, ...] = ()


class Cloud(Protocol):
    """A service that runs containers. Thread-safe; every call may block for as long as its timeouts allow."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; nothing of it changes, but `stop_batch` may shrink."""
        ...

    def submit(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Launch containers; one answer for each request, in order. Never raises for a single request's refusal.

        Raises:
            CloudError: nothing is known about any of them beyond the failure (it may be NO_ANSWER).
        """
        ...

    def describe(self, location: str, jobs: Sequence[Job]) -> Description:
        """Look at jobs of one location; each is seen, or missing, or (in an odd answer) not told of.

        Raises:
            CloudError: the service did not say.
        """
        ...

    def list_running(self, location: str, jobs: Sequence[Job]) -> Sequence[Job]:
        """Those of these jobs that a listing of what runs in that location does not have: they are to be described.

        Costs a twentieth of describing them. Without the right to list, all of them.

        Raises:
            CloudError: the service did not say.
        """
        ...

    def find(self, token_bases: Sequence[LaunchId], locations: Sequence[str]) -> Sequence[Observation]:
        """The containers, running or recently stopped, whose tokens were made from these launch ids.

        The newest of each launch is among them. What may not be listed is unknown, not absent: with `idempotent_submit`
        it is left out, since the same token may be submitted again anyhow; without, that is an error.

        Raises:
            CloudError: the service did not say.
        """
        ...

    def stop(self, jobs: Sequence[Job], reason: str) -> Sequence[CallFailure | None]:
        """Stop jobs; None for each that was stopped, or was already gone.

        Raises:
            CloudError: nothing is known about any of them beyond the failure.
        """
        ...

    def list_fleet(self, locations: Sequence[str], ended_of: Sequence[LaunchId] = ()) -> Sequence[FleetMember]:
        """The running fleet of this deployment, each with who it says that it is; what may not be listed is left out.

        Args:
            locations: where.
            ended_of: launches of which a container is told of, too, that has ended, if none of theirs runs.

        Raises:
            CloudError: the service did not say.
        """
        ...

    def check(self) -> CallFailure | None:
        """Ask the service something harmless: None if a launch could be asked for, else what stands in the way."""
        ...
