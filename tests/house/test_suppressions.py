"""Every suppressed check of `make lint` gives its reason, in pyproject.toml and in the code."""

from __future__ import annotations

import re

import pytest

from tests.tree import ROOT

CODE = [path for folder in ("aws_exec", "bench", "cli", "docs", "tests") for path in (ROOT / folder).rglob("*.py")]

#: What turns a check off for a line, and what may stand between it and the reason.
_OFF = re.compile(
    r"(?:#\s*(?:noqa\b(?::\s*[A-Z0-9, ]+)?|type:\s*ignore\b(?:\[[^\]]*\])?|pragma:\s*no\s+\w+)\s*)+[\s#:,-]*(.*)"
)
#: A list of exceptions in pyproject.toml, by what it begins with; and one entry of it.
_LIST = re.compile(r'^(?:ignore|ignore_names|"[^"]+\*\*"|DEP\d+) = \[$')
_ENTRY = re.compile(r'^\s+"[^"]+",?\s*(.*)$')


def silent(text):
    """The lines of a source that turn a check off and give no reason."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if (found := _OFF.search(line)) and not found[1]]


def unexplained(configuration):
    """The entries of pyproject.toml's lists of exceptions that give no reason."""
    found, inside = [], False
    for line in configuration.splitlines():
        inside = bool(_LIST.match(line)) or (inside and line != "]")
        entry = _ENTRY.match(line) if inside else None
        if entry and not entry[1].startswith("# "):
            found.append(line.strip())
    return found


def test_a_line_that_turns_a_check_off_says_why():
    without = [f"{path.relative_to(ROOT)}: {line}" for path in CODE for line in silent(path.read_text("utf-8"))]
    assert without == []


def test_every_exception_in_the_configuration_says_why():
    assert unexplained((ROOT / "pyproject.toml").read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("line", "says_why"),
    [
        ("a = b  # no" + "qa: PLR2004", False),
        ("a = b  # no" + "qa", False),
        ("a = b  # type: " + "ignore[arg-type]", False),
        ("a = b  # pragma: " + "no cover", False),
        ("a = b  # type: " + "ignore[arg-type]  # no" + "qa: PLC0415", False),
        ("a = b  # no" + "qa: PLR2004 -- an HTTP status", True),
        ("a = b  # type: " + "ignore[arg-type] # moto has no types", True),
        ("a = b  # pragma: " + "no cover -- only with another AWS", True),
    ],
)
def test_a_reason_is_told_from_none(line, says_why):
    assert (silent(line) == []) is says_why


def test_an_entry_without_a_reason_is_found():
    assert unexplained('ignore = [\n  "A1",  # because\n  "A2",\n]\nselect = [\n  "ALL",\n]\n') == ['"A2",']
