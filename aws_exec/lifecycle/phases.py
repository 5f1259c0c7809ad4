"""Where a launch may stand, and every way from there: the table of transitions.

The store holds every change of a phase to it (`LaunchStore.unforeseen`), the tests take each of its ways, and `make
docs` draws it (docs/concepts.md).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Phase(Enum):
    """Where a launch stands. `docs/concepts.md` draws the transitions."""

    WAITING = "waiting"  #: to be launched when due
    CONFIRMING = "confirming"  #: a VerifyOwnership is out: is it still ours?
    LAUNCHING = "launching"  #: a Submit is out
    UNCERTAIN = "uncertain"  #: may have been launched: look, or ask again, when due
    LOCATING = "locating"  #: a FindByLaunchId is out
    ACTIVE = "active"  #: has a job, which is watched
    STOPPING = "stopping"  #: has a job that must end; watched until it has


class Transition(NamedTuple):
    """What one event can do to the phase of one launch.

    Attributes:
        before: None: it was not in the store.
        after: None: it has left the store: nothing of it can run any more, or another launch follows its job.
        why: in words; "doomed" is a launch that must end: revoked, given up, too late, superseded, terminated.
    """

    before: Phase | None
    after: Phase | None
    why: str


#: All there are, in the order in which a launch may meet them.
TRANSITIONS = (
    Transition(None, Phase.WAITING, "taken in"),
    Transition(None, Phase.ACTIVE, "adopted, with its job"),
    Transition(None, Phase.UNCERTAIN, "adopted, its job unknown"),
    Transition(None, Phase.STOPPING, "an earlier container of what was adopted"),
    Transition(Phase.WAITING, Phase.LAUNCHING, "due"),
    Transition(
        Phase.WAITING, Phase.CONFIRMING, "due, after a gap between beats or another container's end, or adopted"
    ),
    Transition(Phase.WAITING, Phase.ACTIVE, "an earlier container runs it"),
    Transition(Phase.WAITING, None, "doomed, nothing was sent"),
    Transition(Phase.CONFIRMING, Phase.UNCERTAIN, "still ours, after a gap; or a request of ours is unanswered"),
    Transition(
        Phase.CONFIRMING, Phase.WAITING, "still ours, after another container's end; or the database did not say"
    ),
    Transition(Phase.CONFIRMING, Phase.LAUNCHING, "still ours, and its row says what it runs"),
    Transition(Phase.CONFIRMING, Phase.ACTIVE, "an earlier container has run it"),
    Transition(Phase.CONFIRMING, None, "another's by now, or doomed"),
    Transition(Phase.LAUNCHING, Phase.ACTIVE, "accepted"),
    Transition(Phase.LAUNCHING, Phase.STOPPING, "accepted, but doomed meanwhile"),
    Transition(Phase.LAUNCHING, Phase.UNCERTAIN, "the answer never came"),
    Transition(Phase.LAUNCHING, Phase.WAITING, "refused, or held back"),
    Transition(Phase.LAUNCHING, None, "the request is wrong, or doomed and refused"),
    Transition(Phase.UNCERTAIN, Phase.LAUNCHING, "ask again, same token (ECS)"),
    Transition(Phase.UNCERTAIN, Phase.LOCATING, "look first"),
    Transition(
        Phase.UNCERTAIN, Phase.CONFIRMING, "due, after a gap between beats or another container's end, or adopted"
    ),
    Transition(Phase.UNCERTAIN, Phase.ACTIVE, "an earlier container runs it"),
    Transition(Phase.LOCATING, Phase.ACTIVE, "found"),
    Transition(Phase.LOCATING, Phase.STOPPING, "found, but doomed"),
    Transition(Phase.LOCATING, Phase.UNCERTAIN, "not found yet, or nobody said"),
    Transition(Phase.LOCATING, Phase.WAITING, "not there (Batch)"),
    Transition(Phase.LOCATING, None, "not there, and not to be launched"),
    Transition(Phase.ACTIVE, Phase.STOPPING, "doomed, or the rest outlives the Airflow container"),
    Transition(Phase.ACTIVE, Phase.WAITING, "died before it started, and is replaced"),
    Transition(Phase.ACTIVE, Phase.UNCERTAIN, "adopted with the container of an earlier launch"),
    Transition(Phase.ACTIVE, None, "ended, or gone for good"),
    Transition(Phase.STOPPING, Phase.UNCERTAIN, "adopted with the container of an earlier launch, but doomed"),
    Transition(Phase.STOPPING, None, "its end is confirmed"),
)

#: The same, to be looked up.
FORESEEN = frozenset((each.before, each.after) for each in TRANSITIONS)
