"""The history of all launches: a bounded record of every change, and the story of a key as text.

A step keeps names, times and reasons: never a workload, a command or a request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle.launch import Launch
from aws_exec.lifecycle.phases import Phase, Standing
from aws_exec.lifecycle.values import CallFailure, Key, LaunchId, token_of

#: Steps that are kept: 6 MB at most, 260 bytes each. A launch has about eight: at three launches a second, as in a
#: fleet of ten thousand jobs that run for an hour, the history goes back a quarter of an hour.
STEPS = 20_000

#: Effects that are kept: of one launch each, without workload or request.
KEPT = frozenset({do.StopJob, do.VerifyExit, do.Launched, do.Report, do.Note, do.Release})


class Cause(NamedTuple):
    """An event, for each launch that it changed."""

    #: When it was handled (the clock of the events, seconds).
    at: float
    event: type
    #: The failure, if the event has one.
    failure: CallFailure | None
    #: Its effects.
    effects: tuple[do.Effect, ...]


class Step(NamedTuple):
    """The state of one launch after one event; its previous step has the state before."""

    #: Of all steps, in order.
    number: int
    cause: CauseRow
    launch_id: LaunchId
    key: Key
    #: None: it has left the store.
    phase: Phase | None
    standing: Standing | None
    token_base: LaunchId
    token_sequence: int
    #: When a Tick wakes it; None: an event does.
    due: float | None


#: The fields of a Cause, and of a Step: named tuples take five times as long to make, and there are thousands a second.
CauseRow: TypeAlias = tuple[float, type, CallFailure | None, tuple[do.Effect, ...]]
Row: TypeAlias = tuple[int, CauseRow, LaunchId, Key, Phase | None, Standing | None, LaunchId, int, float | None]


def story(key: Key, rows: Iterable[Row], launches: Iterable[Launch], now: float) -> str:
    """Return every step of the launches of a key, in order, a line each; then their present states.

    Args:
        key: of the launches.
        rows: the steps of all launches.
        launches: those of the key.
        now: the clock of the events.
    """
    lines = []
    positions: dict[LaunchId, str] = {}
    # Numbers differ: nothing else is compared.
    for step in sorted(step for step in map(Step._make, rows) if step.key == key):
        before, after = positions.get(step.launch_id, ""), _named(step.phase, step.standing)
        positions[step.launch_id] = after
        change = f"still {after}" if before == after else f"{before} -> {after}".lstrip()
        lines.append(_line(step, change, now))
    return "\n".join([*lines, *(_describe_position(launch, now) for launch in launches)]) or "Nothing is known of it"


def _line(step: Step, change: str, now: float) -> str:
    at, event, failure, effects = Cause._make(step.cause)
    if step.phase is Phase.LAUNCHING:
        change = f"{change} with token {token_of(step.token_base, step.token_sequence)}"
    parts = [change, *(_describe_effect(each) for each in effects if _is_of(each, step))]
    if step.due is not None:
        parts.append(f"next look after {max(0.0, step.due - at):.1f} s")
    cause = f"{event.__name__} ({failure})" if failure else event.__name__
    return f"{now - at:8.1f} s ago  {step.launch_id}  {cause}: {'; '.join(parts)}"


def _named(phase: Phase | None, standing: Standing | None) -> str:
    if phase is None or standing is None:
        return "over"
    return phase.value if standing is Standing.OWNED else f"{phase.value}, {standing.value}"


def _is_of(effect: do.Effect, step: Step) -> bool:
    return step.launch_id == getattr(effect, "launch_id", None) or step.key == getattr(effect, "key", step)


def _describe_effect(effect: do.Effect) -> str:
    match effect:
        case do.StopJob(reason=text):
            return f"StopJob: {text}"
        case do.Launched(job=job):
            return f"Launched {job.arn}"
        case do.Note(text=text):
            return f"Note: {text}"
        case do.Report(success=False, text=text, stop=stop, failure=failure):
            return f"Report failed: {text or failure or f'exit code {stop and stop.exit_code}'}"
        case _:
            return type(effect).__name__


def _describe_position(launch: Launch, now: float) -> str:
    waits = "until something happens" if launch.due is None else f"{max(0.0, launch.due - now):.1f} s"
    parts = [
        f"attempt {launch.attempts.attempt}, {launch.attempts.containers} containers",
        f"must end: {launch.stop_reason}" if launch.stopping else "",
        f"does not start: {launch.waiting}" if launch.waiting else "",
        f"last failure: {launch.retries.last_failure}" if launch.retries.last_failure else "",
        "waits for a listing of the fleet" if launch.unlisted_since is not None else "",
    ]
    position = _named(launch.phase, launch.standing)
    return f"       now  {launch.launch_id}  {position}, waits {waits}; {'; '.join(filter(None, parts))}"
