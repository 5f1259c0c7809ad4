"""The fault matrix: whatever goes wrong with whatever is called, everything ends as it should.

Every sixth case runs with all tests, so that each operation and each fault is met; `make faults` runs every one.
"""

from __future__ import annotations

import pytest

from tests.faults.matrix import FAULTS, cases
from tests.faults.play import play
from tests.faults.scenarios import SCENARIOS

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
    assert {case.scenario.operation for case in SLICE} == {scenario.operation for scenario in SCENARIOS}
    assert {case.fault.kind for case in SLICE} == {fault.kind for fault in FAULTS}


def test_every_fault_is_played_with_some_operation():
    assert {case.fault.name for case in CASES} == {fault.name for fault in FAULTS}
