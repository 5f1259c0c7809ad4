"""`[core] executor`: which executors Airflow starts, read as Airflow reads it (`executor_loader.py`, 3.1 to 3.4).

The value is a list of executors, `path` or `alias:path`, separated by commas. With `[core] multi_team`, lists for teams
follow, each after a semicolon: `aws_exec.AwsEcsExecutor;risk=batch:aws_exec.AwsBatchExecutor`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import MappingProxyType

from aws_exec.settings.file.positions import Complaint, Position
from aws_exec.settings.file.templates import did_you_mean
from aws_exec.settings.file.terms import Service
from aws_exec.settings.rules.airflow_text import Value

#: The public path of each executor.
PATHS: Mapping[Service, str] = MappingProxyType(
    {"ecs": "aws_exec.AwsEcsExecutor", "batch": "aws_exec.AwsBatchExecutor"}
)

#: Names that Airflow resolves itself (`executor_constants.py`).
_CORE = frozenset({"LocalExecutor", "SequentialExecutor", "CeleryExecutor", "KubernetesExecutor"})


@dataclass(frozen=True, slots=True)
class NamedExecutor:
    """One executor that `[core] executor` names.

    Attributes:
        path: the module path of its class, or a name known to Airflow.
        position: of the entry.
        alias: its name in DAGs; empty if it has none.
        team: of the executor; None: for all teams.
    """

    path: str
    position: Position
    alias: str = ""
    team: str | None = None

    @property
    def service(self) -> Service | None:
        """The service of an executor of this package; None for any other executor."""
        package, _, name = self.path.rpartition(".")
        if package.partition(".")[0] != "aws_exec":
            return None
        return next((service for service, path in PATHS.items() if path.rpartition(".")[2] == name), None)


def leave_out(service: Service, entries: Iterable[NamedExecutor]) -> bool:
    """Return whether some entry is the executor of the other service, and none may be this one's.

    The Amazon provider's classes have the names of ours, and read the same sections; a class of another name may be a
    subclass of either.
    """
    services = {path.rpartition(".")[2]: each for each, path in PATHS.items()}
    names = {entry.path.rpartition(".")[2] for entry in entries} - _CORE
    return bool(names) and all(services.get(name, service) != service for name in names)


def only_airflows(entries: Sequence[NamedExecutor]) -> bool:
    """Return whether all entries, one at least, are Airflow's own executors: none reads the sections of ours."""
    return bool(entries) and all(entry.path in _CORE for entry in entries)


def named_executors(value: Value | None, *, multi_team: bool) -> list[NamedExecutor]:
    """Return every executor that Airflow would start.

    Args:
        value: of `[core] executor`; None if no source sets it.
        multi_team: `[core] multi_team`. Without it, Airflow ignores the executors of teams.
    """
    lists = [entries for team, entries in _lists(value) if multi_team or team is None]
    return [entry for entries in lists for entry in entries if entry.path]


def check_executors(value: Value | None, *, multi_team: bool) -> Iterator[Complaint]:
    """Report what keeps Airflow from starting the executors that `[core] executor` names; arguments as above."""
    seen: set[str | None] = set()
    for team, entries in _lists(value):
        if team is not None and not multi_team:
            message = f"the executors of team {team[:60]} are ignored: [core] multi_team is not set"
            yield Complaint("executor-ignored", entries[0].position, message, "Set AIRFLOW__CORE__MULTI_TEAM=True")
            continue
        if team in seen or (team is None and seen):
            owner = f"of team {team[:60]}" if team else "without a team"
            yield _wrong(entries[0], f"the executors {owner} are listed twice or too late", _ORDER)
        seen.add(team)
        paths: set[str] = set()
        for entry in entries:
            yield from _check_entry(entry, paths)
            paths.add(entry.path)
    if value is not None and None not in seen:
        message = "Airflow needs an executor without a team before those of teams"
        yield Complaint("executor-name", value.position, message, _ORDER)


def _lists(value: Value | None) -> Iterator[tuple[str | None, list[NamedExecutor]]]:
    """Every list of executors with its team; a malformed entry has all of its text as its path."""
    if value is None:
        return
    start = 0
    for text in value.text.split(";"):
        team, equals, names = text.partition("=")
        begin = start + len(team) + 1
        if not equals or not team:  # as Airflow: "=path" is of no team
            team, names = "", text.strip("=")
            begin = start + len(text) - len(text.lstrip("="))
        start += len(text) + 1
        entries = []
        for part in names.split(","):
            entries.append(_entry(value, part, begin, team or None))
            begin += len(part) + 1
        yield team or None, entries


def _entry(value: Value, part: str, begin: int, team: str | None) -> NamedExecutor:
    text = part.strip()
    position = _within(value, begin + len(part) - len(part.lstrip()), len(text))
    alias, colon, path = text.partition(":")
    return (
        NamedExecutor(path, position, alias, team)
        if colon and ":" not in path
        else NamedExecutor(text, position, "", team)
    )


def _within(value: Value, offset: int, width: int) -> Position:
    """Return the position of a part of the value; after its first line, that of the value: columns are unknown."""
    position = value.position
    if not position.line or offset + width > position.width:
        return position
    return replace(position, column=position.column + offset, width=max(1, width))


_ORDER = "Write it as in path,alias:path;team=path"

#: Modules of the package `airflow-aws-executors`, whose executors went into the Amazon provider.
_RETIRED = ("airflow_aws_executors", "aws_executors_plugin")


def _check_entry(entry: NamedExecutor, before: Container[str]) -> Iterator[Complaint]:
    path, (package, _, name) = entry.path, entry.path.rpartition(".")
    ours = {each.rpartition(".")[2]: each for each in PATHS.values()}
    if not path:
        yield _wrong(entry, "[core] executor has an entry without a path", "Remove it, or name an executor")
    elif path in before:
        yield _wrong(entry, f"{path[:80]} is named twice", "Remove one of the two")
    elif re.search(r"[:=\s]", path):
        yield _wrong(entry, f"{path[:80]} is not an executor", _ORDER)
    elif name in ours and not package:
        yield _wrong(entry, f"{name} has no module: Airflow cannot import it", f"Write {ours[name]}")
    elif entry.alias and not package and path not in _CORE:
        yield _wrong(entry, f"{path[:80]} is neither a module path nor an executor of Airflow", _ORDER)
    elif not package and path not in _CORE and (like := get_close_matches(path, _CORE, n=1)):
        yield _wrong(entry, f"{path[:80]} is not an executor of Airflow", f"Did you mean {like[0]}?")
    elif (package == "aws_exec" and name not in ours) or _is_almost_ours(package):
        yield _wrong(entry, f"{path[:80]} does not exist", did_you_mean(path, PATHS.values()))
    elif package.startswith(_RETIRED):
        instead = PATHS["batch" if "batch" in name.lower() else "ecs"]
        yield _wrong(
            entry, f"{path[:80]} is of a retired package, and does not start with Airflow 3", f"Write {instead}"
        )


def _is_almost_ours(package: str) -> bool:
    """Return whether a package is `aws_exec` misspelt, or the name of the distribution, which is no package."""
    root = package.partition(".")[0]
    return root != "aws_exec" and bool(get_close_matches(root, ["aws_exec"], cutoff=0.8))


def _wrong(entry: NamedExecutor, message: str, hint: str) -> Complaint:
    return Complaint("executor-name", entry.position, message, hint)
