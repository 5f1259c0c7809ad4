"""The tables in the documentation say what the code does."""

from __future__ import annotations

import pytest

from aws_exec.diagnosis import rules
from aws_exec.metering.catalogue import METRICS
from docs.tables import PARTS, page


@pytest.mark.parametrize("name", PARTS)
def test_a_page_is_as_make_docs_writes_it(name):
    assert PARTS[name][0].read_text(encoding="utf-8") == page(name), "run: make docs"


def test_every_metric_and_every_rule_is_in_its_table_once():
    for name, ids in (("metrics", [metric.name for metric in METRICS]), ("diagnosis", [rule.id for rule in rules()])):
        written = page(name)
        assert [one for one in ids if written.count(f"| `{one}` |") != 1] == []
