"""What the adapters of all services share: paced reads, launches that may not be tagged, warnings logged once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any

from botocore.exceptions import ClientError
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from aws_exec.clouds.errors import CloudError, failure_of, is_denied
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job
from aws_exec.metrics.catalogue import API_CALLS, API_ERRORS, API_TIME
from aws_exec.metrics.meter import Meter, word
from aws_exec.recent import Recent

log = logging.getLogger(__name__)

#: A look for launches is many calls, and fails if one of them does: where each tenth call fails, of looks of 25 calls
#: one in fourteen would succeed. With three tries a call nearly all do.
TRIES = 3
#: Those took a thread of two for as long as a call may take, and would again.
_HUNG = frozenset({"ReadTimeoutError"})

#: Topics that are remembered as warned of: DAG authors name clusters and job queues.
_TOPICS = 1000

#: How the keys of our own tags begin (`aws_exec.lifecycle.identity`).
OUR_TAGS = "awsexec:"


class Tags(IntEnum):
    """The tags that a launch may have: fewer with each denial."""

    ALL = 0
    THEIRS = 1  #: without those of ours
    NONE = 2  #: nor any that the service would copy from elsewhere


class Calls:
    """The calls of one adapter.

    Args:
        client: the boto3 client to use now; asked before each call, and expected to be quick.
        before_read: called before each API call of a read; waits as long as the rate demands. False: do not call.
        tagging: the IAM action that a launch with tags needs beside the launch's own (`ecs:TagResource`).
        meter: counts every call.
    """

    def __init__(
        self, client: Callable[[], Any], before_read: Callable[[], bool], *, tagging: str, meter: Meter
    ) -> None:
        self._client = client
        self._meter = meter
        self._before_read = before_read
        self._tagging = tagging
        self._tags = Tags.ALL
        self._lock = threading.Lock()
        self._warned: Recent[str, None] = Recent(_TOPICS)
        #: Reads that were denied and have a substitute: not repeated, which would fill the account's audit trail.
        self._denied: set[str] = set()

    def call(
        self,
        operation: str,
        method: str,
        arguments: Mapping[str, Any],
        *,
        is_answer: Callable[[Exception], bool] = lambda _: False,
    ) -> Mapping[str, Any]:
        """One API call, at once.

        Args:
            operation: as AWS spells it.
            method: of the client.
            arguments: of the call.
            is_answer: whether an error is one of the answers that are hoped for: it is raised, too, but no failure.

        Raises:
            Exception: whatever botocore raises; the adapter knows what it means.
        """
        begun = time.monotonic()
        try:
            answer: Mapping[str, Any] = getattr(self._client(), method)(**arguments)
        except Exception as error:
            if not is_answer(error):
                self._meter.record(API_ERRORS, 1, operation, word(failure_of(error, operation).kind))
            raise
        finally:
            self._meter.record(API_CALLS, 1, operation)
            self._meter.record(API_TIME, time.monotonic() - begun, operation)
        return answer

    def read(self, operation: str, method: str, *, tries: int = 1, **arguments: Any) -> Mapping[str, Any]:
        """One API call of a read, when the rate allows it; up to `tries` where no answer came.

        Raises:
            CloudError: the service did not say; HELD if it was not asked.
        """
        return self._retrying(tries)(self._read_once, operation, method, arguments)

    def _retrying(self, tries: int) -> Retrying:
        """How often a read is made, and for which failures; the last one is raised."""
        return Retrying(stop=stop_after_attempt(tries), retry=retry_if_exception(_may_pass), reraise=True)

    def _read_once(self, operation: str, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self._before_read():
            raise CloudError(CallFailure(FailureKind.HELD, operation, "Closed", "the executor is shutting down"))
        try:
            return self.call(operation, method, arguments)
        except Exception as error:
            raise CloudError(failure_of(error, operation)) from error

    def pages(
        self, operation: str, method: str, items: str, known_by: str = "", **arguments: Any
    ) -> Iterator[list[Any]]:
        """The pages of a listing, each when the rate allows it; `items` and `known_by` as of `listed`.

        Raises:
            CloudError: as `read`.
        """
        following: dict[str, str] = {}
        while True:
            answer = self.read(operation, method, tries=TRIES, **arguments, **following)
            yield listed(answer, operation, items, known_by)
            if not answer.get("nextToken"):
                return
            following = {"nextToken": answer["nextToken"]}

    def unlisted(self, jobs: Sequence[Job], listed: Callable[[], Iterable[str]], denied: str) -> Sequence[Job]:
        """The jobs whose ids are not among those that run; all of them once listing was denied.

        Args:
            jobs: all known to run a moment ago.
            listed: ARNs, or ids, of what runs; makes the calls.
            denied: the operation that may be denied.

        Raises:
            CloudError: as `read`.
        """
        if denied in self._denied:
            return jobs
        try:
            running = set(listed())
        except CloudError as error:
            if error.failure.operation != denied or not is_denied(error.failure):
                raise
            self._denied.add(denied)
            self.warn_once(
                denied, "%s is denied, so every running job is described instead (%s)", denied, error.failure
            )
            return jobs
        # Nearly all are listed as they are known: only the rest is compared by its id (ARNs had another form once).
        lacking = [job for job in jobs if job.arn not in running]
        ids = {id_of(each) for each in running} if lacking else set()
        return [job for job in lacking if id_of(job.arn) not in ids]

    def launch(
        self,
        operation: str,
        method: str,
        arguments: Mapping[str, Any],
        *,
        is_answer: Callable[[Exception], bool] = lambda _: False,
    ) -> Mapping[str, Any]:
        """Make one launch, as `call`, with as many of its tags as are known to be allowed.

        If tagging is denied, retry without our tags, then without any: a policy may allow the deployment's own tags, or
        demand them. Later launches start with the tags that were allowed.

        Raises:
            Exception: whatever botocore raises; the adapter knows what it means.
        """
        tags = self._tags
        given = _tagged(arguments, tags)
        while True:
            try:
                return self.call(operation, method, given, is_answer=is_answer)
            except Exception as error:
                if not (is_denied(failure_of(error, operation)) and self._tagging in message_of(error)):
                    raise
                denied = given
                while given == denied and tags is not Tags.NONE:
                    tags = Tags(tags + 1)
                    given = _tagged(arguments, tags)
                if given == denied:
                    raise
                self._drop_tags(tags, failure_of(error, operation))

    def _drop_tags(self, allowed: Tags, denial: CallFailure) -> None:
        """Use no more than these tags from now on."""
        with self._lock:
            self._tags = max(self._tags, allowed)
        without = "tags" if allowed is Tags.NONE else f"{OUR_TAGS}* tags"
        self.warn_once(without, "Tagging is denied, so jobs are launched without %s (%s)", without, denial)

    def warn_once(self, topic: str, message: str, *said: object) -> None:
        """Warn of a topic once; again only after warnings of very many others."""
        with self._lock:
            if topic in self._warned:
                return
            self._warned[topic] = None
        log.warning(message, *said)


def _may_pass(error: BaseException) -> bool:
    """Whether a failed read is worth another call at once."""
    return (
        isinstance(error, CloudError)
        and error.failure.kind is FailureKind.NO_ANSWER
        and error.failure.code not in _HUNG
    )


def listed(answer: Mapping[str, Any], operation: str, items: str, known_by: str = "") -> list[Any]:
    """A list that an answer must have.

    botocore makes an empty answer of a body that is no JSON: read as it stands, it would say that there is nothing,
    which is how jobs are believed lost, and launched a second time.

    Args:
        answer: of the service.
        operation: that it answers.
        items: the member that is the list.
        known_by: a member that each item must have; empty: they are text.

    Raises:
        CloudError: it is not there, or not of such items: the service did not say.
    """
    found = answer.get(items)
    if isinstance(found, list) and all(each.get(known_by) if known_by else isinstance(each, str) for each in found):
        return found
    message = f"an answer without {items}" if found is None else f"{items} without {known_by or 'text'}"
    raise CloudError(CallFailure(FailureKind.NO_ANSWER, operation, "MalformedAnswer", message))


def look_around(
    jobs: Sequence[Job], look: Callable[[Sequence[Job]], None], is_malformed: Callable[[CallFailure], bool]
) -> list[Job]:
    """Look at jobs where one id that the service cannot take fails the whole call: it must not blind us to the others.

    Args:
        jobs: as many as one call takes.
        look: looks at some of them in one call; raises CloudError.
        is_malformed: whether a failure may come from an id that the service cannot take.

    Returns:
        Those that the service cannot have.
    """
    try:
        look(jobs)
    except CloudError as error:
        if not is_malformed(error.failure):
            raise
        if len(jobs) == 1:
            return list(jobs)
        half = len(jobs) // 2
        return [
            *look_around(jobs[:half], look, is_malformed),
            *look_around(jobs[half:], look, is_malformed),
        ]
    return []


def code_of(error: Exception) -> str:
    """AWS's error code; empty if AWS did not answer."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def message_of(error: Exception) -> str:
    """AWS's message; empty if AWS did not answer."""
    return str(error.response.get("Error", {}).get("Message", "")) if isinstance(error, ClientError) else ""


def id_of(arn: str) -> str:
    """The id at the end of an ARN, or the id itself."""
    return arn.rpartition("/")[2]


def _tagged(arguments: Mapping[str, Any], allowed: Tags) -> dict[str, Any]:
    """A launch's arguments with the tags that are allowed: ECS has a list of keys and values, Batch a mapping."""
    given = dict(arguments)
    if allowed is Tags.ALL:
        return given
    if allowed is Tags.NONE:
        return {name: value for name, value in given.items() if name not in ("tags", "propagateTags")}
    tags = given.pop("tags", None)
    if isinstance(tags, Mapping):
        tags = {key: value for key, value in tags.items() if not str(key).startswith(OUR_TAGS)}
    elif tags:
        tags = [tag for tag in tags if not str(tag.get("key", "")).startswith(OUR_TAGS)]
    if tags:
        given["tags"] = tags
    return given
