"""Phases and standings, and the tables of allowed transitions.

A launch has a phase (its progress) and a standing (whether this executor reports it); both are computed from its parts.
The store compares each change with these tables (`LaunchStore.unexpected`), the tests make each transition, and
`make docs` draws them (docs/concepts.md).
"""

from __future__ import annotations

from enum import Enum
from itertools import product
from typing import NamedTuple


class Phase(Enum):
    """The progress of a launch. `docs/concepts.md` draws the transitions."""

    WAITING = "waiting"  #: to be launched when due
    VERIFYING = "verifying"  #: a VerifyOwnership is pending: is it still ours?
    LAUNCHING = "launching"  #: a Submit is pending
    UNCERTAIN = "uncertain"  #: a container may exist: search, or submit again with the same token, when due
    SEARCHING = "searching"  #: a FindByLaunchId is pending
    STARTING = "starting"  #: has a job, whose user code has not run
    RUNNING = "running"  #: user code may have run
    EXITED = "exited"  #: the Airflow container has ended; the rest of the job still runs
    STOPPING = "stopping"  #: has a job that must end; followed until it has ended
    ENDED = "ended"  #: nothing of the job runs; a VerifyExit is pending: does the row wait for its exit?

    __hash__ = object.__hash__  # faster than the Enum's own: every change is looked up


class Standing(Enum):
    """Whether this executor reports a launch."""

    OWNED = "owned"  #: this executor reports it
    SUPERSEDED = "superseded"  #: a newer launch of the key took over; being described: has this one started?
    DETACHED = "detached"  #: it is followed to its end, and nothing (more) is reported

    __hash__ = object.__hash__


class Transition(NamedTuple):
    """What one event can do to a launch."""

    #: None: it was not in the store. Several: each of them.
    before: tuple[Phase | Standing | None, ...]
    #: None: it has left the store: nothing of it can run any more, or another launch follows its job. Several: any.
    after: tuple[Phase | Standing | None, ...]
    why: str


#: Has a container that may run, and need not end.
RUNS = (Phase.STARTING, Phase.RUNNING, Phase.EXITED)

#: All changes of a phase, in the order in which a launch may meet them. A launch "must end" once it is revoked,
#: failed by Airflow, late, unwanted or superseded, or the executor terminates.
PHASES = (
    Transition((None,), (Phase.WAITING,), "queued by Airflow"),
    Transition((None,), (Phase.UNCERTAIN,), "adopted, its job unknown"),
    Transition((None,), RUNS, "adopted with its job; or the callback of a dead scheduler"),
    Transition((None,), (Phase.ENDED,), "the callback of a dead scheduler, whose container has ended"),
    Transition((None,), (Phase.STOPPING,), "an earlier container of what was adopted"),
    Transition((Phase.WAITING,), (Phase.LAUNCHING,), "due"),
    Transition((Phase.WAITING,), (Phase.VERIFYING,), "due, after a stall or another container's end, or adopted"),
    Transition((Phase.WAITING,), RUNS, "an earlier container runs it"),
    Transition((Phase.WAITING,), (None,), "must end, and nothing was sent"),
    Transition((Phase.VERIFYING,), (Phase.UNCERTAIN,), "still ours, after a stall; or a request of ours is unanswered"),
    Transition(
        (Phase.VERIFYING,),
        (Phase.WAITING,),
        "still ours, after another container's end; or the database did not answer",
    ),
    Transition((Phase.VERIFYING,), (Phase.LAUNCHING,), "still ours, and its row says what it runs"),
    Transition((Phase.VERIFYING,), RUNS, "an earlier container runs it, or has run it"),
    Transition((Phase.VERIFYING,), (Phase.ENDED,), "an earlier container has run it, and its job has ended"),
    Transition((Phase.VERIFYING,), (None,), "another scheduler has it, or it must end"),
    Transition((Phase.LAUNCHING,), RUNS, "accepted"),
    Transition((Phase.LAUNCHING,), (Phase.ENDED,), "accepted, and has ended already"),
    Transition((Phase.LAUNCHING,), (Phase.STOPPING,), "accepted, but must end"),
    Transition((Phase.LAUNCHING,), (Phase.UNCERTAIN,), "no answer"),
    Transition((Phase.LAUNCHING,), (Phase.WAITING,), "refused, or held back"),
    Transition((Phase.LAUNCHING,), (None,), "the request is wrong, or refused and must end"),
    Transition((Phase.UNCERTAIN,), (Phase.LAUNCHING,), "submit again, same token (ECS)"),
    Transition((Phase.UNCERTAIN,), (Phase.SEARCHING,), "search first"),
    Transition((Phase.UNCERTAIN,), (Phase.VERIFYING,), "due, after a stall or another container's end, or adopted"),
    Transition((Phase.UNCERTAIN,), RUNS, "an earlier container runs it"),
    Transition((Phase.SEARCHING,), RUNS, "found"),
    Transition((Phase.SEARCHING,), (Phase.ENDED,), "found, and has ended"),
    Transition((Phase.SEARCHING,), (Phase.STOPPING,), "found, but must end"),
    Transition((Phase.SEARCHING,), (Phase.UNCERTAIN,), "not found yet, or no answer"),
    Transition((Phase.SEARCHING,), (Phase.WAITING,), "not there (Batch)"),
    Transition((Phase.SEARCHING,), (None,), "not there, and not to be launched"),
    Transition((Phase.STARTING,), (Phase.RUNNING,), "user code runs"),
    Transition((Phase.STARTING,), (Phase.EXITED,), "its Airflow container ran and exited since it was last described"),
    Transition((Phase.STARTING,), (Phase.WAITING,), "died before it started, and is replaced"),
    Transition((Phase.STARTING,), (Phase.UNCERTAIN,), "adopted with the container of an earlier launch"),
    Transition((Phase.RUNNING,), (Phase.EXITED,), "its Airflow container has exited"),
    Transition(RUNS, (Phase.ENDED,), "its job has ended"),
    Transition(RUNS, (Phase.STOPPING,), "must end, or the rest outlives the Airflow container"),
    Transition(RUNS, (None,), "its job has ended, and its exit is reported, or need not be"),
    Transition((Phase.STOPPING,), (Phase.ENDED,), "its job has ended, and its exit is to be verified"),
    Transition((Phase.STOPPING,), (Phase.UNCERTAIN,), "adopted with the container of an earlier launch, and must end"),
    Transition((Phase.STOPPING,), (None,), "its job has ended"),
    Transition((Phase.ENDED,), (None,), "its row shows whether its exit is to be reported"),
)

#: All changes of a standing.
STANDINGS = (
    Transition((None,), (Standing.OWNED,), "queued by Airflow, or adopted"),
    Transition((None,), (Standing.DETACHED,), "an earlier container of what was adopted"),
    Transition((Standing.OWNED,), (Standing.SUPERSEDED,), "a newer launch of the key, and this one may have started"),
    Transition(
        (Standing.OWNED,),
        (Standing.DETACHED,),
        "reported, revoked, failed by Airflow, or adopted by another scheduler; or a newer launch",
    ),
    Transition((Standing.SUPERSEDED,), (Standing.DETACHED,), "has started, or must end"),
    Transition((Standing.SUPERSEDED,), (Standing.OWNED,), "adopted again"),
    Transition((Standing.DETACHED,), (Standing.OWNED,), "adopted again"),
    Transition(tuple(Standing), (None,), "has left the store"),
)

#: The same as pairs, for look-up.
ALLOWED = frozenset(way for each in (*PHASES, *STANDINGS) for way in product(each.before, each.after))
