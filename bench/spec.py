"""What a run is: which measure, of whom, on which service, with which parameters; and which runs there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

#: The implementations that are compared.
AMAZON, OURS = "amazon", "awsexec"

#: Seconds between a call and its answer, in every measure that does not say otherwise.
LATENCY = 0.06

#: Options under which our executor's own rates hold nothing back; the Amazon provider has no rates.
UNLIMITED = {"launch_rate": "10000", "launch_burst": "10000"}


@dataclass(frozen=True, slots=True)
class Run:
    """One measure of one implementation.

    Attributes:
        measure: its name, in `bench.worker.MEASURES`.
        implementation: AMAZON or OURS.
        service: "ecs" or "batch".
        variant: tells apart runs of one measure, implementation and service; empty if there is one.
        parameters: of the measure.
        options: of the executor, beside those that both need.
        limit: seconds after which the run is given up.
    """

    measure: str
    implementation: str
    service: str = "ecs"
    variant: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    limit: float = 300.0

    @property
    def name(self) -> str:
        """Of the run, unique."""
        return "-".join(filter(None, (self.measure, self.service, self.implementation, self.variant)))


def all_runs() -> Iterator[Run]:
    """Every run, in order: of each measure first theirs, then ours."""
    yield from _launching()
    yield from _quotas()
    yield from _watching()
    for implementation in (AMAZON, OURS):
        yield Run("memory", implementation, parameters={"jobs": 1000}, options=UNLIMITED)
    for implementation, service in ((AMAZON, "ecs"), (OURS, "ecs"), (OURS, "batch")):
        # Theirs does the same on either service, for half a minute.
        yield Run("adoption", implementation, service, parameters={"rows": 5000})
    # Theirs has no survey.
    yield Run("surveying", OURS, parameters={"rows": 10_000}, options={"orphan_interval": "60"})
    for implementation in (AMAZON, OURS):
        yield Run("ending", implementation, parameters={"jobs": 5000})
    for implementation in (AMAZON, OURS):
        yield Run("telling", implementation, parameters={"jobs": 1000, "ends": 200, "seconds": 20})
    for implementation in (AMAZON, OURS):
        yield Run("container", implementation, parameters={"containers": 10})


def _launching() -> Iterator[Run]:
    burst = {"tasks": 200}
    for service in ("ecs", "batch"):
        for implementation in (AMAZON, OURS):
            yield Run("burst", implementation, service, parameters=burst, options=UNLIMITED)
    yield Run("burst", OURS, variant="beside-10000", parameters={**burst, "running": 10_000}, options=UNLIMITED)
    for service in ("ecs", "batch"):
        # Theirs launches at one speed, however many there are: that of its burst.
        yield Run("burst", OURS, service, variant="2000", parameters={"tasks": 2000}, options=UNLIMITED)


def _quotas() -> Iterator[Run]:
    window = {"settle": 10, "seconds": 20}
    for implementation in (AMAZON, OURS):
        yield Run("quota", implementation, parameters={**window, "rate": 20, "burst": 100})
    for implementation in (AMAZON, OURS):
        yield Run("quota", implementation, "batch", parameters={**window, "rate": 50, "burst": 50})


def _watching() -> Iterator[Run]:
    # Pairs of how many jobs are running and for how many seconds they are watched.
    theirs = [(1000, 10), (2000, 60), (5000, 10)]
    ours = [(1000, 10), (2000, 60), (5000, 10), (10_000, 20), (20_000, 10)]
    for implementation, plateaus in ((AMAZON, theirs), (OURS, ours)):
        yield Run("watching", implementation, parameters={"plateaus": plateaus})
    for implementation in (AMAZON, OURS):
        yield Run("watching", implementation, "batch", parameters={"plateaus": [(2000, 60)]})
