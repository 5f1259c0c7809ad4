"""The `Cloud` protocol: what the executors need from a service that runs containers, as six methods and a check.

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
    """The capabilities of a service: all differences between services that code outside the adapters may know.

    Attributes:
        service: `"ecs"`, `"batch"`, ...: the vocabulary of its reasons.
        idempotent_submit: it makes at most one container per token, however often it is requested.
        describe_batch, stop_batch: the largest number of items of one call.
    """

    service: str
    idempotent_submit: bool
    describe_batch: int = 99
    stop_batch: int = 1


@dataclass(frozen=True, slots=True)
class Request:
    """The request for one container.

    Attributes:
        token: at most one container may exist for it.
        location: where (ECS cluster); empty where the service needs none.
        arguments: of the API call, exactly as they are sent; contains the task's token: never log or print it.
    """

    token: Token
    location: str
    arguments: Mapping[str, Any]

    def __repr__(self) -> str:
        """Without the arguments, which have a credential."""
        return f"Request(token={self.token!r}, location={self.location!r})"


#: A submit's answer for one request: the job it made (now or earlier, for the same token), or why there is none.
Answer: TypeAlias = Observation | CallFailure


@dataclass(frozen=True, slots=True)
class Description:
    """The result of `describe`: jobs that were seen, and jobs that AWS does not know (maybe yet: eventual consistency).

    Jobs are equal to those that were passed. A job in neither part was not in the answer: describe it again.
    """

    seen: tuple[Observation, ...] = ()
    missing: tuple[Job, ...] = ()


class Cloud(Protocol):
    """A service that runs containers. Thread-safe; every call may block for as long as its timeouts allow."""

    @property
    def capabilities(self) -> Capabilities:
        """The service's capabilities. They do not change, except that `stop_batch` may shrink."""
        ...

    def submit(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Launch containers; one answer for each request, in order. Does not raise if a single request is refused.

        Raises:
            CloudError: nothing is known about any of them beyond the failure (it may be NO_ANSWER).
        """
        ...

    def describe(self, location: str, jobs: Sequence[Job]) -> Description:
        """Describe jobs of one location; each is seen, or missing, or (in an odd answer) in neither part.

        Raises:
            CloudError: the service did not answer.
        """
        ...

    def list_running(self, location: str, jobs: Sequence[Job]) -> Sequence[Job]:
        """List the running jobs of a location; return those of these jobs that are not listed and must be described.

        Costs a twentieth of describing them. Without the right to list, returns all of them.

        Raises:
            CloudError: the service did not answer.
        """
        ...

    def find(self, token_bases: Sequence[LaunchId], locations: Sequence[str]) -> Sequence[Observation]:
        """Return the containers, running or recently stopped, whose tokens were made from these launch ids.

        The newest of each launch is among them. Where listing is denied, containers are unknown, not absent: with
        `idempotent_submit` they are left out, since the same token may be submitted again; without, that is an error.

        Raises:
            CloudError: the service did not answer.
        """
        ...

    def stop(self, jobs: Sequence[Job], reason: str) -> Sequence[CallFailure | None]:
        """Stop jobs; None for each that was stopped, or was already gone.

        Raises:
            CloudError: nothing is known about any of them beyond the failure.
        """
        ...

    def list_fleet(self, locations: Sequence[str], ended_of: Sequence[LaunchId] = ()) -> Sequence[FleetMember]:
        """Return the running containers of this deployment, each with its identity; what may not be listed is left out.

        Args:
            locations: the locations to list.
            ended_of: launches of which an ended container is returned, too, if none of theirs runs.

        Raises:
            CloudError: the service did not answer.
        """
        ...

    def check(self) -> CallFailure | None:
        """Send the service a harmless request; return None if a launch could be requested, else the failure."""
        ...
