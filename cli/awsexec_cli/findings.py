"""The findings of `validate-config` as text, JSON, SARIF or GitHub annotations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import aws_exec
from aws_exec.redaction import redact
from aws_exec.settings.file.positions import Complaint, Position
from aws_exec.settings.rules.catalogue import RULES, Rule
from awsexec_cli.output import as_json, clean

if TYPE_CHECKING:
    from aws_exec.aws_checks.calls import Outcome


class Report(StrEnum):
    """The values of `--format`."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


#: The most characters of a source line that are shown.
WIDEST = 160

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def report(
    complaints: Sequence[Complaint],
    as_: Report,
    lines: Mapping[str, Sequence[str]],
    outcomes: Sequence[Outcome] = (),
) -> str:
    """Return the report; it ends with a line break unless it is empty.

    Args:
        complaints: the findings, those of checks against AWS among them.
        as_: the format; SARIF and GitHub annotations leave out checks that passed or were skipped.
        lines: the lines of each source.
        outcomes: of the checks against AWS.
    """
    match as_:
        case Report.TEXT:
            source = _SourceLines(lines)
            parts: Iterable[str] = [*(_text(one, source) for one in complaints), *live_lines(outcomes)]
        case Report.GITHUB:
            parts = map(_github, complaints)
        case Report.JSON:
            document: dict[str, Any] = {"findings": [_plain(one) for one in complaints]}
            if outcomes:
                document["live"] = [_outcome(one) for one in outcomes]
            parts = [as_json(document, indent=2)]
        case Report.SARIF:
            parts = [as_json(_sarif(complaints), indent=2)]
    return "".join(f"{part}\n" for part in parts)


class _SourceLines:
    """Source lines that may be shown. Each is prepared once: one line may hold thousands of findings."""

    def __init__(self, lines: Mapping[str, Sequence[str]]) -> None:
        self._lines = lines
        self._shown: dict[tuple[str, int], str] = {}

    def shown(self, position: Position) -> str:
        """Return the source line of a finding; empty if it has none, or if it may hold a secret."""
        where = (position.source, position.line)
        if where not in self._shown:
            source = self._lines.get(position.source, ())
            line = clean(source[position.line - 1]) if 0 < position.line <= len(source) else ""
            self._shown[where] = line if redact(line, longest=len(line) + 1) == line else ""
        return self._shown[where]


def _text(complaint: Complaint, lines: _SourceLines) -> str:
    """Return `file:line:column: severity: message [rule]`, the source line, a caret, the remedy and the rule's page."""
    rule, position = RULES[complaint.rule], complaint.position
    parts = [f"{position}: {rule.severity}: {clean(complaint.message)} [{rule.id}]", *_excerpt(complaint, lines)]
    if complaint.call:
        parts.append(f"    call: {complaint.call}")
    if complaint.hint:
        parts.append(f"    hint: {clean(complaint.hint)}")
    return "\n".join([*parts, f"    see: {rule.anchor}"])


def live_lines(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Yield a line for each check against AWS that passed or was skipped."""
    for one in outcomes:
        if one.status in ("PASS", "SKIP"):
            hint = f" {one.hint}." if one.hint else ""
            yield clean(f"{one.status}  {one.call}: {one.subject} {one.message}.{hint}")


def _excerpt(complaint: Complaint, lines: _SourceLines) -> Iterator[str]:
    position = complaint.position
    # A line that may hold a secret is not shown.
    line = "" if complaint.rule == "secret-plain" else lines.shown(position)
    if not line:
        return
    start = 0 if position.column - 1 + min(position.width, WIDEST // 2) <= WIDEST else position.column - 1 - WIDEST // 2
    column = position.column - 1 - start
    yield f"    {line[start : start + WIDEST]}"
    yield f"    {' ' * column}{'^' * max(1, min(position.width, WIDEST - column))}"


def _plain(complaint: Complaint) -> dict[str, Any]:
    rule, position = RULES[complaint.rule], complaint.position
    return {
        "rule": rule.id,
        "severity": str(rule.severity),
        "file": position.source,
        "line": position.line,
        "column": position.column,
        "message": clean(complaint.message),
        "mend": clean(complaint.hint),
        "documentation": rule.anchor,
        "call": complaint.call or None,
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "status": str(outcome.status),
        "call": outcome.call,
        "subject": clean(outcome.subject),
        "message": clean(outcome.message),
        "mend": clean(outcome.hint),
    }


def _github(complaint: Complaint) -> str:
    """Return a workflow command of GitHub Actions that annotates the line."""
    rule, position = RULES[complaint.rule], complaint.position
    call = f" ({complaint.call})" if complaint.call else ""
    message = _escaped(f"{clean(complaint.message)}{call}. {clean(complaint.hint)}".rstrip(". ") + f" [{rule.id}]")
    source = _escaped(position.source).replace(":", "%3A").replace(",", "%2C")
    return f"::{rule.severity} file={source},line={position.line},col={position.column},title={rule.id}::{message}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _sarif(complaints: Sequence[Complaint]) -> dict[str, Any]:
    """Return SARIF 2.1.0 (OASIS) for code scanning."""
    used = list(dict.fromkeys(one.rule for one in complaints))
    driver = {
        "name": "awsexec",
        "version": aws_exec.__version__,
        "rules": [_sarif_rule(RULES[name]) for name in used],
    }
    results = [_sarif_result(one, used.index(one.rule)) for one in complaints]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    level = {"level": str(rule.severity)}
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.holds},
        "help": {"text": rule.anchor},
        "defaultConfiguration": level,
    }


def _sarif_result(complaint: Complaint, index: int) -> dict[str, Any]:
    position = complaint.position
    location: dict[str, Any] = {"artifactLocation": {"uri": position.source.replace("\\", "/")}}
    if position.line:
        location["region"] = {
            "startLine": position.line,
            "startColumn": position.column,
            "endColumn": position.column + position.width,
        }
    text = f"{clean(complaint.message)}. {clean(complaint.hint)}".strip()
    result = {
        "ruleId": complaint.rule,
        "ruleIndex": index,
        "level": str(RULES[complaint.rule].severity),
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
    }
    return {**result, "properties": {"call": complaint.call}} if complaint.call else result
