"""What the scripted services share: what was launched, stopped and asked, and how an operation is answered.

Single-threaded: whoever calls holds the lock of the scripted service.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tests.scripted.life import Life, Plan
from tests.scripted.tricks import Trick, error

REGION = "eu-central-1"
ACCOUNT = "123456789012"

#: One operation: its arguments, as they are and as they were sent, and the time; its answer as JSON.
Operation = Callable[[dict[str, Any], bytes, float], str]

LifeT = TypeVar("LifeT", bound=Life)

#: Listings that can be continued at a time; a caller that has begun so many others since is not coming back.
_LISTINGS = 20


class Refused(Exception):  # noqa: N818 - an answer, not a bug
    """An operation answers with an error."""

    def __init__(self, trick: Trick) -> None:
        super().__init__(str(trick.body))
        self.trick = trick


@dataclass(frozen=True, slots=True)
class Launch:
    """One line of the ledger: a container that was launched.

    Attributes:
        arn: of its task or job.
        token: it was asked for with: the `clientToken`, or what the job's environment says; empty: none was given.
        location: the name of its cluster or job queue.
        at: when (the scripted clock).
        request: the arguments, as they were sent.
        container: the override of the Airflow container; empty if there is none.
        tags: by key.
    """

    arn: str
    token: str
    location: str
    at: float
    request: Mapping[str, Any]
    container: Mapping[str, Any]
    tags: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """Its environment variables."""
        return environment_of(self.container)

    @property
    def command(self) -> Sequence[str]:
        """Its command."""
        command: Sequence[str] = self.container.get("command", ())
        return command

    @property
    def workload(self) -> dict[str, Any]:
        """The Airflow workload that it runs: the last word of its command, parsed."""
        parsed: dict[str, Any] = json.loads(self.command[-1])
        return parsed


def environment_of(container: Mapping[str, Any]) -> dict[str, str]:
    """The environment variables of a container's override."""
    return {pair["name"]: pair["value"] for pair in container.get("environment", ())}


def name_of(arn: str) -> str:
    """The name in the ARN of a cluster or a job queue, or the name itself."""
    return arn.rpartition("/")[2] or "default"


class Api(Generic[LifeT]):
    """The state of one service, and what it answers.

    Args:
        plan: what becomes of a container, from its request.
        container: the Airflow container's name where the request names none.

    Attributes:
        tasks: everything that was ever launched, by ARN and by id.
        launches: the ledger.
        stops: the ARNs that were asked to stop, with the reasons.
        calls: how often each operation was called.
        error_in_header: whether the code of an error is in a header (REST-JSON) instead of the body (JSON 1.1).
    """

    error_in_header = False

    def __init__(self, plan: Callable[[Mapping[str, Any]], Plan], *, container: str = "airflow") -> None:
        self.plan = plan
        self.tasks: dict[str, LifeT] = {}
        self.launches: list[Launch] = []
        self.stops: list[tuple[str, str]] = []
        self.calls: Counter[str] = Counter()
        self._container = container
        #: Listings under way, by number: what each found when it began. Pages are cut from that, so that a listing of
        #: a large fleet costs the service one look at it and not one a page.
        self._listings: dict[int, list[str]] = {}
        self._last_listing = 0

    def operations(self) -> Mapping[str, Operation]:
        """What it knows, by the name of the operation."""
        raise NotImplementedError

    def add(self, request: Mapping[str, Any], plan: Plan, now: float) -> LifeT:
        """A task or job, as if it had been launched, but not in the ledger."""
        raise NotImplementedError

    def operation_of(self, call: str) -> str:
        """The operation that a call on the wire means."""
        return call

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Refuse what names a location that does not exist."""

    def answer(self, operation: str, arguments: dict[str, Any], raw: bytes, now: float) -> str:
        """Carry an operation out; its answer as JSON.

        Raises:
            Refused: it answers with an error.
        """
        known = self.operations()
        if operation not in known:
            raise Refused(error("UnknownOperationException", operation))
        self.check(arguments)
        return known[operation](arguments, raw, now)

    def all_tasks(self) -> Iterable[LifeT]:
        """Each once, in the order of launching."""
        return dict.fromkeys(self.tasks.values())

    def page(self, token: str, size: int, found: Callable[[], list[str]]) -> tuple[list[str], str]:
        """One page of a listing, and the token of the next; empty after the last.

        Args:
            token: that came with the page before; empty: this is the first.
            size: of a page.
            found: what is listed, in order.

        Raises:
            Refused: no listing has given such a token.
        """
        if token:
            number, start = (int(part) for part in token.split("-"))
        else:
            number, start = self._last_listing + 1, 0
            self._last_listing = number
            self._listings[number] = found()
            self._listings.pop(number - _LISTINGS, None)
        if number not in self._listings:
            raise Refused(error("InvalidParameterException", "Invalid token"))
        items = self._listings[number]
        end = start + size
        return items[start:end], f"{number}-{end}" if end < len(items) else ""

    def _keep(self, task: LifeT) -> LifeT:
        self.tasks[task.arn] = self.tasks[name_of(task.arn)] = task
        return task
