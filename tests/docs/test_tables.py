"""The tables in the documentation match the code."""

from __future__ import annotations

import re

import pytest

from aws_exec.diagnosis import rules
from aws_exec.lifecycle.phases import PHASES, STANDINGS, Phase, Standing
from aws_exec.metrics.catalogue import METRICS
from docs.lifecycle import BENDS, drawn, ways
from docs.tables import FILES, PARTS, page


@pytest.mark.parametrize("name", PARTS)
def test_a_page_is_as_make_docs_writes_it(name):
    assert PARTS[name][0].read_text(encoding="utf-8") == page(name), "run: make docs"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_is_as_make_docs_writes_it(file):
    assert file.read_text(encoding="utf-8") == FILES[file](), "run: make docs"


def test_the_picture_has_every_phase_and_standing_and_a_number_for_every_transition_of_the_tables_beside_it():
    texts = re.findall(r"<text[^>]*>([^<]+)</text>", drawn())
    numbers = [str(number) for number, _ in enumerate((*PHASES, *STANDINGS), start=1)]
    assert sorted(texts) == sorted([*(each.name for each in (*Phase, *Standing)), *numbers])
    written = page("lifecycle")
    assert [number for number in numbers if written.count(f"\n| {number} | ") != 1] == []
    assert set(BENDS) <= set(ways())


def test_every_metric_and_every_rule_is_in_its_table_once():
    for name, ids in (("metrics", [metric.name for metric in METRICS]), ("diagnosis", [rule.id for rule in rules()])):
        written = page(name)
        assert [one for one in ids if written.count(f"| `{one}` |") != 1] == []
