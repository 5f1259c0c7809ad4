"""The architecture page names functions that exist: a reader follows a launch through them."""

from __future__ import annotations

import ast
import re

import pytest

from tests.tree import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
#: A stop of a trace: its number, the file and the function or class.
STOP = re.compile(r"^\d+\. `([\w/]+\.py)` `([\w.]+)`", re.MULTILINE)
LAUNCH, KILLED = PAGE.partition("## One launch, traced")[2].split("## ")[:2]


def names_in(path):
    """The functions and classes of a module, methods by `Class.method`."""
    found = set()
    for node in ast.parse((ROOT / "aws_exec" / path).read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
            found |= {f"{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
    return found


def test_a_launch_is_traced_in_under_25_stops():
    assert 15 < len(STOP.findall(LAUNCH)) < 25


@pytest.mark.parametrize(("path", "name"), STOP.findall(LAUNCH) + STOP.findall(KILLED))
def test_each_stop_of_a_trace_exists(path, name):
    assert name in names_in(path)
