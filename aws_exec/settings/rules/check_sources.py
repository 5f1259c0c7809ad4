"""All findings on the sources of a configuration, and their severity, for `awsexec validate-config`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aws_exec.settings.file.discovery import read_bytes
from aws_exec.settings.file.positions import Complaint
from aws_exec.settings.rules.catalogue import RULES, Severity
from aws_exec.settings.rules.check import check
from aws_exec.settings.rules.dags import check_dag
from aws_exec.settings.rules.sources import Sources


def check_sources(sources: Sources, dags: Iterable[Path] = ()) -> list[Complaint]:
    """Everything that is wrong: with the files, and with the executor_configs in DAG files or folders of them.

    Each once, source after source as they were named, each from its top to its bottom. DAG files become sources.
    """
    found = list(sources.complaints)
    for configuration in sources.configurations:
        # Positions that could not be read get no further findings.
        reported = {complaint.position for complaint in sources.complaints}
        found += [complaint for complaint in check(configuration) if complaint.position not in reported]
    for path in (file for each in dags for file in python_files(each)):
        content, unreadable = read_bytes(path)
        sources.note(str(path), content)
        complaints, computed = (
            (unreadable, []) if unreadable else check_dag(content, str(path), sources.configurations[0])
        )
        found += complaints
        sources.computed += computed
    order = {source: number for number, source in enumerate(sources.lines)}
    return sorted(dict.fromkeys(found), key=lambda one: (order.get(one.position.source, len(order)), one.position))


def python_files(path: Path) -> list[Path]:
    """Return the DAG files of a path: those below a folder, or the file itself."""
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def severity_of(complaint: Complaint) -> Severity:
    """Return the severity of a complaint."""
    return RULES[complaint.rule].severity


def at_least(complaints: Iterable[Complaint], severity: Severity) -> bool:
    """Whether any of them is as grave."""
    return any(severity is Severity.WARNING or severity_of(one) is Severity.ERROR for one in complaints)
