"""`docs/architecture.md` draws every phase, and is where `Phase` and the README say that it is."""

from __future__ import annotations

import re
from pathlib import Path

from aws_exec.lifecycle.book import Phase

ROOT = Path(__file__).parents[2]
PAGE = "docs/architecture.md"
DRAWN = re.findall(r"^ +(\S+) --> ([^\s:]+): \S", (ROOT / PAGE).read_text(), re.MULTILINE)


def test_every_phase_is_drawn_and_nothing_else_with_a_way_in_and_a_way_out():
    phases = {phase.name for phase in Phase}
    assert {before for before, _ in DRAWN} == phases | {"[*]"}
    assert {after for _, after in DRAWN} == phases | {"[*]"}
    assert len(set(DRAWN)) == len(DRAWN)


def test_the_page_is_named_where_one_looks_for_it():
    assert PAGE in Phase.__doc__
    assert PAGE in (ROOT / "README.md").read_text()
