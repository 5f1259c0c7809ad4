"""The locations (ECS clusters, Batch job queues) where jobs of this executor may run, and which are listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from aws_exec.lifecycle.orphans import FleetMember

#: Seconds for which a location is listed after the last launch, adoption or known job there. Several listings see an
#: orphan in that time, each of which prolongs it.
LINGER_SECONDS = 900.0
#: Locations that are remembered, beside those that are configured: an account has up to 10,000 clusters in a Region
#: (Amazon ECS service quotas).
AT_MOST = 10_000


class Locations:
    """The configured locations, always, and those that tasks name, while a job of ours may run there.

    `use` is called on the scheduler's thread, and on those of the lanes: it takes no lock. `list_all` is called by one
    thread at a time.

    Args:
        configured: always listed.
        clock: seconds, monotonic.
    """

    def __init__(self, configured: Iterable[str], clock: Callable[[], float]) -> None:
        self._configured = tuple(configured)
        self._clock = clock
        #: When each was last used.
        self._used: dict[str, float] = {}

    def use(self, location: str) -> None:
        """Note that a job of this executor is launched there, or known to be there."""
        # Replaced in one step: a listing that begins meanwhile must not miss it.
        self._used[location] = self._clock()
        if len(self._used) > AT_MOST:
            used = self._used.copy()
            self._forget(sorted(used, key=used.__getitem__)[: AT_MOST // 10])

    def list_all(self, list_in: Callable[[Sequence[str]], Sequence[FleetMember]]) -> Sequence[FleetMember]:
        """List every location; forget those that were not used for long and have no containers.

        Args:
            list_in: returns what it finds in these locations; if it raises, nothing is forgotten.
        """
        begun = self._clock()
        members = list_in(tuple(dict.fromkeys((*self._configured, *list(self._used)))))
        for member in members:
            self.use(member.seen.job.location)
        self._forget([each for each, used in list(self._used.items()) if used < begun - LINGER_SECONDS])
        return members

    def _forget(self, locations: Iterable[str]) -> None:
        for each in locations:
            self._used.pop(each, None)
