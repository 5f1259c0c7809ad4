"""A scheduler that lives for months needs no more memory than after its first hour, whatever names its tasks use."""

from __future__ import annotations

import logging

import pytest

from tests.executors.growth import GrowingBatch, GrowingEcs, Growth
from tests.executors.services import over_both

pytestmark = over_both

#: Launches after which everything that is bounded is full.
WARM = 4000
#: Blocks of memory (`sys.getallocatedblocks`) that may come and go: much less than one for each sixth launch.
SLACK = 1500


@pytest.fixture
def growth(started, service):
    """An executor; what it logs is not kept, as pytest would."""
    logging.disable()
    yield Growth(started, {"ecs": GrowingEcs, "batch": GrowingBatch}[service.name], *service.elsewhere)
    logging.disable(logging.NOTSET)


def judge(growth, steps, step):
    """Memory is after each step what it was when the first launches had warmed everything up."""
    before = growth.launch(WARM)
    for number in range(1, steps + 1):
        grown = growth.launch(step) - before
        launched = WARM + number * step
        print(f"\n{launched} launches: {grown} blocks more than after {WARM}", flush=True)  # noqa: T201 - measured
        assert grown < SLACK


def test_memory_is_flat_over_thirteen_thousand_launches(growth):
    judge(growth, 1, 9000)


@pytest.mark.growth
@pytest.mark.timeout(0)
def test_memory_is_flat_over_a_million_launches(growth):
    judge(growth, 20, 50_000)
