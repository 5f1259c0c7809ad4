"""The fault matrix: whatever goes wrong with whatever is called, everything ends as it should.

Every sixth case runs with all tests, so that each operation and each fault is met; `make faults` runs every one.
"""

from __future__ import annotations

import pytest

from tests.faults.case_runner import play
from tests.faults.matrix import FAULTS, cases
from tests.faults.scenarios import SCENARIOS, Role

#: Such that each operation and each kind of fault is met; a test holds that.
NTH = 6

CASES = list(cases())
SLICE = CASES[::NTH]
PARAMETERS = [
    pytest.param(case, marks=() if index % NTH == 0 else pytest.mark.faults) for index, case in enumerate(CASES)
]


@pytest.mark.parametrize("case", PARAMETERS, ids=str)
def test_it_ends_as_it_should(case):
    play(case)


def test_the_slice_that_runs_with_all_tests_meets_each_operation_and_each_kind_of_fault():
    assert {_called(case.scenario) for case in SLICE} == {_called(scenario) for scenario in SCENARIOS}
    assert {case.fault.kind for case in SLICE} == {fault.kind for fault in FAULTS}


def _called(scenario):
    return scenario.operation, scenario.role


@pytest.mark.parametrize(
    "scenario", [each for each in SCENARIOS if each.role is Role.LIST], ids=lambda it: it.operation
)
def test_where_watching_by_listing_is_played_nothing_but_the_sweeps_lists_and_they_describe_little(scenario):
    with scenario.world() as world:
        scenario.before(world)
        before, sweeps = world.aws.calls(), world.executor.machine.store.state.sweeps
        world.pass_time(19)  # all run
        calls, swept = world.aws.calls() - before, world.executor.machine.store.state.sweeps - sweeps
        assert calls[scenario.operation] == swept >= 3
        assert calls[scenario.service.describe] <= swept


def test_every_fault_is_played_with_some_operation():
    assert {case.fault.name for case in CASES} == {fault.name for fault in FAULTS}
