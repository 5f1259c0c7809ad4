"""airflow.cfg and environment variables, with the position of every value, read without Airflow.

Only the parts that `validate-config` needs are supported: sections (of teams too: `[risk=aws_ecs_executor]`), options,
values that continue in indented lines. Commands (`*_cmd`) and secrets backends are not called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from aws_exec.settings.common.problems import variable_of
from aws_exec.settings.file.positions import Complaint, Position
from aws_exec.settings.file.reading import MODELS
from aws_exec.settings.rules.environment_text import read_entries

_SECTION = re.compile(r"\[(?P<name>[^\]]*)\]\s*$")
_OPTION = re.compile(r"(?P<name>[^=:\s][^=:]*?)\s*[=:]\s*(?P<value>.*)$")
#: The sections of our executors.
_OURS = tuple(model.section for model in MODELS.values())
_OF_TEAM = re.compile(rf"AIRFLOW__(?P<team>.+?)___(?:{'|'.join(_OURS).upper()})__")


@dataclass(frozen=True, slots=True)
class Value:
    """The value of one option in one source.

    Attributes:
        text: as Airflow would read it.
        position: of the value.
        key: the position of the option's name.
    """

    text: str
    position: Position
    key: Position


@dataclass(frozen=True, slots=True)
class AirflowText:
    """One source of Airflow's configuration.

    Attributes:
        values: by section and option.
        variables: whether the options are environment variables, by their full name.
    """

    values: Mapping[tuple[str, str], Value]
    variables: bool = False

    def get(self, section: str, option: str, team: str | None = None) -> Value | None:
        """Return the value of an option; a team has only its own."""
        if self.variables:
            return self.values.get(("", variable_of(section, option, team)))
        return self.values.get((f"{team}={section}" if team else section, option))

    def teams(self) -> Iterator[str]:
        """Yield every team with an option of one of our executors."""
        for where, name in self.values:
            if self.variables and (found := _OF_TEAM.match(name)):
                yield found["team"].lower()
            elif "=" in where:
                yield where.partition("=")[0]

    def options(self, section: str, team: str | None = None) -> Iterator[tuple[str, Value]]:
        """Yield every option of a section."""
        prefix = variable_of(section, "", team) if self.variables else ""
        section_name = "" if self.variables else (f"{team}={section}" if team else section)
        for (where, name), value in self.values.items():
            if where == section_name and name.startswith(prefix):
                yield name[len(prefix) :].lower() if self.variables else name, value


def read_cfg(text: str, source: str) -> tuple[AirflowText, list[Complaint]]:
    """Read an airflow.cfg as Airflow's ConfigParser does: names keep their case, an indented line continues a value."""
    reader = _Cfg(source)
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and line.strip()[0] not in "#;":
            reader.line(number, line)
    return AirflowText(reader.values), reader.complaints


@dataclass(slots=True)
class _Cfg:
    source: str
    values: dict[tuple[str, str], Value] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    sections: dict[str, int] = field(default_factory=dict)
    section: str = ""
    last: tuple[str, str] | None = None
    indent: int = 0

    def line(self, number: int, line: str) -> None:
        """Read one line that is not empty."""
        stripped, indent = line.strip(), len(line) - len(line.lstrip())
        if self.last is not None and indent > self.indent:
            before = self.values[self.last]
            self.values[self.last] = replace(before, text=f"{before.text}\n{stripped.replace('%%', '%')}".strip())
            return
        self.indent = indent
        position = Position(self.source, number, indent + 1, len(stripped))
        if found := _SECTION.match(stripped):
            self._section(found["name"], position)
        elif self.section and (found := _OPTION.match(stripped)):
            self._option(found, position)
        else:
            what = "is no option = value" if self.section else "stands before the first [section]"
            self.complaints.append(Complaint("cfg-syntax", position, what))

    def _section(self, name: str, position: Position) -> None:
        self.section, self.last = name, None
        if (line := self.sections.setdefault(name, position.line)) != position.line:
            message = f"[{name[:60]}] is given twice, first in line {line}; Airflow does not start with that"
            self.complaints.append(Complaint("cfg-syntax", position, message, "Make one section of the two"))
        meant = name.replace(" ", "").lower()
        if meant != name and meant.rpartition("=")[2] in _OURS:
            message = f"[{name[:60]}] is no section that Airflow reads: case and spaces count"
            self.complaints.append(Complaint("cfg-syntax", position, message, f"Write [{meant}]"))

    def _option(self, found: re.Match[str], position: Position) -> None:
        option, value = found["name"].strip(), found["value"]
        self.last = (self.section, option)
        key = replace(position, width=len(option))
        if (before := self.values.get(self.last)) is not None:
            message = f"{option[:60]} is given twice, first in line {before.key.line}; Airflow does not start with that"
            self.complaints.append(Complaint("cfg-syntax", key, message, "Keep one of the two"))
        where = replace(position, column=position.column + found.start("value"), width=max(1, len(value)))
        self.values[self.last] = Value(value.replace("%%", "%"), where, key)


def read_environment_file(text: str, source: str) -> tuple[AirflowText, list[Complaint]]:
    """Read a file of `NAME=value` lines; of a name that is given twice, the last value counts."""
    entries, complaints = read_entries(text, source)
    values = {("", entry.name): Value(entry.text, entry.position, entry.key) for entry in entries}
    return AirflowText(values, variables=True), complaints


def of_environment(environment: Mapping[str, str]) -> AirflowText:
    """Return the process's environment; a position there is the variable's name."""
    found = {name: value for name, value in environment.items() if name.startswith("AIRFLOW__")}
    positions = {name: Position(f"${name}", 0, 0) for name in found}
    return AirflowText(
        {("", name): Value(text, positions[name], positions[name]) for name, text in found.items()}, variables=True
    )
