"""What must be true of a run, whatever went wrong in it: read from the cloud's ledger and from what Airflow was told.

`untracked` and `too_many` hold at every moment, `violations` holds once everything is over. Both answer with sentences;
none means that all is well. That they can fail is shown in `test_checker.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Story:
    """One workload, and what it may come to.

    Attributes:
        key: Airflow's.
        launch_id: that Airflow gave it.
        allowed: containers, at most.
        taken_back: revoked, or given up, by Airflow.
        given_up: Airflow itself said that it failed.
        reason: what the report of a container without an exit code says.
        said: what its task event log says exactly once, beside what is said of a revocation.
    """

    key: Any
    launch_id: str
    allowed: int = 1
    taken_back: bool = False
    given_up: bool = False
    reason: str = ""
    said: str = ""

    @property
    def name(self) -> str:
        return self.key.task_id


@dataclass(frozen=True)
class Evidence:
    """What was seen.

    Attributes:
        launches: (launch id, token, ARN) of every container ever launched.
        alive: ARNs of containers that are not over.
        exits: by ARN, the exit codes of those that are.
        reports: by key, the terminal events: (state, info).
        notes: by key, its task event log.
        records: launch ids in the executor's book.
        tracked: ARNs, and the launch ids that tokens are made from, in the executor's book; and of launches that
            Airflow was done with when a scheduler was killed: nobody has to know those.
        running: the executor's keys.
        pending: whatever else the executor still has to do.
        raised: what came out of a heartbeat, and errors in the log.
    """

    launches: Sequence[tuple[str, str, str]]
    alive: Collection[str]
    exits: Mapping[str, int | None]
    reports: Mapping[Any, Sequence[tuple[str, str]]] = field(default_factory=dict)
    notes: Mapping[Any, Sequence[str]] = field(default_factory=dict)
    records: Collection[str] = ()
    tracked: Collection[str] = ()
    running: Collection[Any] = ()
    pending: int = 0
    raised: Sequence[str] = ()


def untracked(seen: Evidence) -> Iterator[str]:
    """A live container of a launch that the executor does not know."""
    for launch_id, token, arn in seen.launches:
        if arn in seen.alive and not {launch_id, arn} & set(seen.tracked):
            yield f"untracked: {arn} of {token} lives"


def too_many(seen: Evidence, stories: Sequence[Story]) -> Iterator[str]:
    """A token with two containers, or a launch with more than it may have."""
    for token, count in Counter(token for _, token, _ in seen.launches).items():
        if count > 1:
            yield f"twice: {count} containers have the token {token}"
    containers = Counter(launch_id for launch_id, _, _ in seen.launches)
    for story in stories:
        if containers[story.launch_id] > story.allowed:
            yield f"too many: {story.name} had {containers[story.launch_id]} containers, not {story.allowed} at most"
    for stranger in containers.keys() - {story.launch_id for story in stories}:
        yield f"stranger: nobody asked for launch {stranger}"


def violations(seen: Evidence, stories: Sequence[Story]) -> list[str]:
    """Everything that is not as it should be, now that everything is over."""
    return [
        *(f"raised: {text}" for text in seen.raised),
        *untracked(seen),
        *too_many(seen, stories),
        *(f"alive: {arn} has not ended" for arn in seen.alive),
        *(f"record: {launch_id} is still in the book" for launch_id in seen.records),
        *(f"running: {key.task_id} is still in running" for key in seen.running),
        *([f"pending: {seen.pending} things are still to be done"] if seen.pending else []),
        *(text for story in stories for text in _misreported(seen, story)),
    ]


def _misreported(seen: Evidence, story: Story) -> Iterator[str]:
    reports = seen.reports.get(story.key, ())
    states = [state for state, _ in reports]
    expected = _expected(seen, story)
    if expected is not None and states != expected:
        yield f"reports: {story.name} was reported {states}, not {expected}"
    if story.reason and not any(story.reason in str(info) for _, info in reports):
        yield f"reason: nothing about {story.reason!r} is in the report of {story.name}"
    told = [note for note in seen.notes.get(story.key, ()) if not note.startswith("Revoked")]
    notes = sum(story.said in note for note in told) if story.said else 1
    if notes != 1:
        yield f"said: {story.name} was told {notes} times of {story.said!r}"


def _expected(seen: Evidence, story: Story) -> list[str] | None:
    """The terminal states that Airflow should have been told, in order; None: what came before it took over counts."""
    if story.taken_back:
        return ["failed"] if story.given_up else []
    arns = [arn for launch_id, _, arn in seen.launches if launch_id == story.launch_id]
    if not arns:
        return ["failed (it never had a container)"]
    return ["success" if seen.exits.get(arns[-1]) == 0 else "failed"]
