"""docs/reliability.md has a row for each kind of fault, and the number of cases."""

from tests.faults.matrix import FAULTS, cases
from tests.tree import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").partition("## Faults")[2]


def test_each_kind_of_fault_has_a_row():
    assert [kind for kind in {fault.kind for fault in FAULTS} if PAGE.count(f"\n| {kind} |") != 1] == []


def test_the_number_of_cases_is_true():
    assert f"; {len(list(cases()))} cases (" in PAGE
