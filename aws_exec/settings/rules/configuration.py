"""One configuration: an awsexec.yaml under Airflow's configuration, with the origin of every value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_exec.settings.common.option_info import option_catalogue
from aws_exec.settings.common.problems import masked, section_of
from aws_exec.settings.file.positions import Complaint, Position
from aws_exec.settings.file.reading import MODELS, NO_FILE, AwsexecFile
from aws_exec.settings.file.templates import did_you_mean
from aws_exec.settings.file.terms import SERVICES, Service
from aws_exec.settings.rules.airflow_text import AirflowText, Value
from aws_exec.settings.rules.executors import (
    PATHS,
    NamedExecutor,
    check_executors,
    leave_out,
    named_executors,
    only_airflows,
)

#: Airflow's default of `[core] parallelism`.
PARALLELISM = 32.0

#: The sections of `airflow-aws-executors`, and the executor that takes their options now.
RETIRED_SECTIONS: Mapping[str, Service] = {"ecs_fargate": "ecs", "batch": "batch"}


@dataclass(frozen=True, slots=True)
class Effective:
    """The effective value of one option, and its origin.

    Attributes:
        section, option: of Airflow's configuration.
        value: as text, masked if it may be secret; None: not set, and no default.
        origin: a position, or `default`.
    """

    section: str
    option: str
    value: str | None
    origin: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """The sources that are checked together.

    Attributes:
        file: the awsexec.yaml; an empty one if there is none.
        airflow: the sources that override it, the weakest first.
        is_local: whether AWS is an emulator on this machine, by the environment.
    """

    file: AwsexecFile = NO_FILE
    airflow: Sequence[AirflowText] = ()
    is_local: bool = False

    @property
    def teams(self) -> list[str | None]:
        """No team, and every team that has options, or an executor in `[core] executor`."""
        with_options = {*self.file.teams, *(team for text in self.airflow for team in text.teams())}
        return [None, *sorted(with_options | {entry.team for entry in self.named if entry.team})]

    def nothing_of(self, team: str | None) -> str:
        """Return a message if a team has no configuration; empty if it has."""
        return "" if team in self.teams else f'team "{team}" is not configured'

    def known_teams(self) -> str:
        """Return the hint beside `nothing_of`."""
        known = ", ".join(each for each in self.teams if each)
        return f"configured teams: {known}" if known else "omit --team: no team is configured"

    def airflow_value(self, section: str, option: str, team: str | None = None) -> Value | None:
        """Return the value of the strongest of Airflow's sources; an empty one counts as absent."""
        for text in reversed(self.airflow):
            if (value := text.get(section, option, team)) is not None and value.text.strip():
                return value
        return None

    def has_options(self, service: Service, team: str | None = None) -> bool:
        """Return whether this executor has any option."""
        section = MODELS[service].section
        return self.file.has_options(service, team) or any(
            True for text in self.airflow for _ in text.options(section, team)
        )

    @property
    def named(self) -> list[NamedExecutor]:
        """The executors that `[core] executor` names; none if no source sets it."""
        return named_executors(self.airflow_value("core", "executor"), multi_team=self._multi_team)

    def naming(self, service: Service, team: str | None = None) -> NamedExecutor | None:
        """Return the entry of `[core] executor` that makes Airflow start this executor; None if there is none."""
        entries = (entry for entry in self.named if entry.service == service)
        return next((entry for entry in entries if entry.team == team), None)

    def configures(self, service: Service, team: str | None = None) -> bool:
        """Return whether this executor is configured: it has options, or `[core] executor` names it.

        Its options do not count where `[core] executor` names the other service's executor only.
        """
        if leave_out(service, [entry for entry in self.named if entry.team == team]):
            return False
        return self.has_options(service, team) or self.naming(service, team) is not None

    @property
    def configured(self) -> list[tuple[Service, str | None]]:
        """Every configured executor, and its team."""
        return [(service, team) for team in self.teams for service in SERVICES if self.configures(service, team)]

    @property
    def _multi_team(self) -> bool:
        value = self.airflow_value("core", "multi_team")
        return value is not None and value.text.strip().lower() in ("t", "true", "1")  # Airflow's getboolean

    def check_executors(self) -> Iterator[Complaint]:
        """Yield findings on `[core] executor`, and on sections of the retired `airflow-aws-executors`."""
        yield from check_executors(self.airflow_value("core", "executor"), multi_team=self._multi_team)
        yield from self._ignored_options()
        for old, service in RETIRED_SECTIONS.items():
            for text in self.airflow:
                for _, value in [*text.options(old)][:1]:
                    message = f"[{old}] is a section of the retired package airflow-aws-executors; nothing reads it"
                    hint = f"Move its options to [{MODELS[service].section}]; `region` is now region_name"
                    yield Complaint("retired-package", value.key, message, hint)

    def _ignored_options(self) -> Iterator[Complaint]:
        """Options of executors that Airflow does not start: `[core] executor` names only its own."""
        for team in self.teams:
            entries = [entry for entry in self.named if entry.team == team]
            for service in SERVICES if only_airflows(entries) else ():
                if self.has_options(service, team):
                    where = f" of team {team[:60]}" if team else ""
                    message = f"{PATHS[service]}{where} has options, but [core] executor does not name it"
                    yield Complaint("executor-ignored", entries[0].position, message, f"Add {PATHS[service]}")

    def getter(self, section: str, team: str | None = None) -> Callable[[str], str | None]:
        """Return the function from an option to its raw text that `options.load` needs."""

        def get(option: str) -> str | None:
            value = self.airflow_value(section, option, team)
            return value.text if value is not None else None

        return get

    @property
    def parallelism(self) -> float:
        """`[core] parallelism`: how many tasks one scheduler runs at a time."""
        return self.number("core", "parallelism", PARALLELISM)[0]

    def number(self, section: str, option: str, default: float) -> tuple[float, Position | None]:
        """Return a number of Airflow's configuration and its position; the default and None if not set."""
        value = self.airflow_value(section, option)
        try:
            return (float(value.text), value.position) if value is not None else (default, None)
        except ValueError:
            return default, None

    def position(self, service: Service, option: str, team: str | None = None) -> Position:
        """Return the position of an option, or of the executor's section."""
        section = MODELS[service].section
        if (value := self.airflow_value(section, option, team)) is not None:
            return value.position
        root = self.file.root(team)
        if option == "deployment" and option not in (self.file.located.below((*root, service)).data or {}):
            return self.file.located.value((*root, option))
        if self.file.has_options(service, team):
            path = (*root, service, option)
            return self.file.located.value(path) if path in self.file.located.values else self._section(service, team)
        keys = (value.key for text in self.airflow for _, value in text.options(section, team))
        named = self.naming(service, team)
        return next(keys, named.position if named is not None else Position(self.file.located.source))

    def member(self, service: Service, option: str, member: str, team: str | None = None) -> Position:
        """Return the position of a member of an option that is a mapping; that of the option if it is text."""
        path = (*self.file.root(team), service, option, member)
        if path in self.file.located.values and self.airflow_value(MODELS[service].section, option, team) is None:
            return self.file.located.value(path)
        return self.position(service, option, team)

    def _section(self, service: Service, team: str | None) -> Position:
        return self.file.located.key((*self.file.root(team), service))

    def unknown_options(self, service: Service, team: str | None) -> Iterator[Complaint]:
        """Options in Airflow's configuration that the executor does not have."""
        model = MODELS[service]
        for text in self.airflow:
            for name, value in text.options(model.section, team):
                if name not in model.model_fields and not name.endswith(("_cmd", "_secret")):
                    message = f"[{section_of(model.section, team)}] {name[:60]} is not an option"
                    yield Complaint("option-unknown", value.key, message, did_you_mean(name, model.model_fields))

    def effective(self, service: Service, team: str | None = None) -> Iterator[Effective]:
        """Every option of an executor, with its origin."""
        model = MODELS[service]
        file_options: Mapping[str, Any] = self.file.options_of(service, team).values
        displaced = {
            model.rivals[name] for name in model.rivals if self.airflow_value(model.section, name, team) is not None
        }
        for info in option_catalogue(model):
            value = self.airflow_value(model.section, info.name, team)
            section = section_of(model.section, team)
            if value is not None:
                yield Effective(section, info.name, masked(info.name, value.text), str(value.position))
            elif info.name in file_options and info.name not in displaced:
                position = self.position(service, info.name, team)
                yield Effective(section, info.name, masked(info.name, file_options[info.name]), str(position))
            else:
                yield Effective(section, info.name, info.default, "default")
