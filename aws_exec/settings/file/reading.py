"""Reading awsexec.yaml: from text to options, templates and queues. Collects mistakes, and never raises for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from aws_exec.settings.batch.options import BatchOptions
from aws_exec.settings.common.options import AwsOptions, FileOptions
from aws_exec.settings.ecs.options import EcsOptions
from aws_exec.settings.file.positions import Complaint, Located, Path
from aws_exec.settings.file.templates import TemplateBook, did_you_mean, read_terms
from aws_exec.settings.file.terms import PLACEMENTS, SERVICES, Service, Terms
from aws_exec.settings.file.yaml_text import read_yaml

#: The one version of the format.
VERSION = 1

MODELS: Mapping[Service, type[AwsOptions]] = {"ecs": EcsOptions, "batch": BatchOptions}

#: The members of a file, and their kinds.
TOP: Mapping[str, type] = {
    "version": int,
    "deployment": str,
    "ecs": dict,
    "batch": dict,
    "templates": dict,
    "queues": dict,
    "teams": dict,
    "quotas": dict,
}

#: The members of a team.
TEAM: Mapping[str, type] = {"deployment": str, "ecs": dict, "batch": dict, "queues": dict}

#: Quotas of the account that `validate-config` reckons with; in vCPUs.
QUOTAS: Mapping[str, type] = {"fargate_vcpu": int, "fargate_spot_vcpu": int}

_KINDS = {int: "a whole number", str: "text", dict: "a mapping"}
#: How to write a member of each kind; it takes the member's name.
_EXAMPLES = {int: "Write it as in {}: 1", str: "Write it as in {}: name", dict: "Indent its members below {}:"}


@dataclass(frozen=True, slots=True)
class Level:
    """One template's own terms, and where they stand."""

    name: str
    terms: Terms
    path: Path


@dataclass(frozen=True, slots=True)
class AwsexecFile:
    """The content of an awsexec.yaml, without its mistakes.

    Attributes:
        located: the document.
        templates: the levels of each template, the one it all rests on first.
        queues: the template of each Airflow queue, by team; None is no team.
        quotas: of the account, in vCPUs.
    """

    located: Located
    templates: Mapping[str, tuple[Level, ...]] = field(default_factory=dict)
    queues: Mapping[str | None, Mapping[str, str]] = field(default_factory=dict)
    quotas: Mapping[str, int] = field(default_factory=dict)

    @property
    def teams(self) -> tuple[str, ...]:
        """The teams that the file speaks of."""
        return tuple(name for name in self.queues if name is not None)

    def root(self, team: str | None) -> Path:
        """Where the sections of a team, or those of no team, are."""
        return () if team is None else ("teams", team)

    def options_of(self, service: Service, team: str | None = None) -> FileOptions:
        """The options of one executor; a team has its own only."""
        root = self.root(team)
        above = self.located.below(root).data or {}
        section = above.get(service) if isinstance(above, Mapping) else None
        given = {name: value for name, value in (section or {}).items() if value is not None}
        positions = {name: self.located.value((*root, service, name)) for name in given}
        deployment = above.get("deployment") if isinstance(above, Mapping) else None
        if deployment is not None and "deployment" not in given:
            given["deployment"] = deployment
            positions["deployment"] = self.located.value((*root, "deployment"))
        return FileOptions(given, {name: str(position) for name, position in positions.items()})

    def has_options(self, service: Service, team: str | None = None) -> bool:
        """Return whether it has a section of this executor."""
        return isinstance(self.located.below((*self.root(team), service)).data, Mapping)

    def book(self, service: Service, team: str | None = None) -> TemplateBook:
        """The templates, as an executor of this service uses them."""
        templates = {name: [level.terms for level in levels] for name, levels in self.templates.items()}
        return TemplateBook(service, templates, self.queues.get(team), self.located.source)


NO_FILE = AwsexecFile(Located("", {}), {}, {None: {}})


def read_file(
    content: bytes, source: str, environment: Mapping[str, str] | None
) -> tuple[AwsexecFile, list[Complaint]]:
    """Read an awsexec.yaml.

    Args:
        content: of the file.
        source: its name, for positions.
        environment: values of `${VAR}`; None leaves texts as they are.

    Returns:
        Its content without mistakes; and all mistakes in its structure and its templates. Options are checked when
        they are loaded.
    """
    located, complaints = read_yaml(content, source, environment)
    if located is None:
        return NO_FILE, complaints
    if isinstance(located.data, dict) and (foreign := _foreign(located.data)):
        name, kind = foreign
        return NO_FILE, [Complaint("file-foreign", located.key((name,)), f"is {kind}, not an awsexec.yaml", _NAME_OURS)]
    if located.data is None:
        return AwsexecFile(located, {}, {None: {}}), complaints
    if not isinstance(located.data, dict):
        return NO_FILE, [
            *complaints,
            Complaint(
                "file-type",
                located.value(()),
                "is not a mapping",
                "Begin with a section, such as ecs: {cluster: airflow}",
            ),
        ]
    reading = _Reading(located, complaints)
    return reading.file(), complaints


#: Top-level keys of other kinds of documents that users pass by mistake.
_FOREIGN: Mapping[str, str] = {
    "AWSTemplateFormatVersion": "a CloudFormation template",
    "Resources": "a CloudFormation template",
    "containerDefinitions": "an ECS task definition",
    "taskDefinition": "an ECS task definition",
    "jobDefinitionName": "a Batch job definition",
    "Statement": "an IAM policy",
    "apiVersion": "a Kubernetes manifest",
    "services": "a Docker Compose file",
    "jobs": "a workflow of a CI service",
    **dict.fromkeys(("vcpu", "gb", "storage_gb", "spot_share"), "a price table (awsexec templates --prices)"),
}

_NAME_OURS = "Name an awsexec.yaml: config-samples/ has some"


def _foreign(data: Mapping[str, object]) -> tuple[str, str] | None:
    """The key that shows that a document is of another kind, and which; None if it may be ours."""
    if any(name in data for name in TOP if name != "version"):
        return None
    return next(((name, kind) for name, kind in _FOREIGN.items() if name in data), None)


@dataclass(slots=True)
class _Reading:
    located: Located
    complaints: list[Complaint]

    def file(self) -> AwsexecFile:
        data = self.located.data
        self._members((), TOP)
        if isinstance(version := data.get("version"), int) and version != VERSION:
            self._complain(
                "file-version",
                ("version",),
                f"{version} is not supported; this release reads version {VERSION}",
                f"Write version: {VERSION}",
            )
        own = self._templates()
        templates = {name: levels for name in own if (levels := self._levels(name, own))}
        queues: dict[str | None, Mapping[str, str]] = {None: dict(self._queues(("queues",)))}
        teams = data.get("teams")
        for team in teams if isinstance(teams, dict) else ():
            queues[team] = self._team(team)
        for service in SERVICES:
            self._options((service,), MODELS[service])
        self._members(("quotas",), QUOTAS)
        quotas = data.get("quotas")
        numbers = {n: v for n, v in quotas.items() if isinstance(v, int)} if isinstance(quotas, dict) else {}
        return AwsexecFile(self.located, templates, queues, numbers)

    def _complain(self, rule: str, path: Path, message: str, hint: str = "", *, at_key: bool = False) -> None:
        position = self.located.key(path) if at_key else self.located.value(path)
        name = ".".join(str(step) for step in path)
        self.complaints.append(Complaint(rule, position, f"{name[:80]} {message}", hint))

    def _members(self, path: Path, known: Mapping[str, type]) -> None:
        """Report members that are unknown or of the wrong kind; null counts as absent."""
        data = self.located.below(path).data
        for name, value in data.items() if isinstance(data, dict) else ():
            if name not in known:
                self._complain(
                    "file-unknown-key", (*path, name), "is not known", did_you_mean(name, known), at_key=True
                )
            elif value is not None and (not isinstance(value, known[name]) or isinstance(value, bool)):
                self._complain(
                    "file-type", (*path, name), f"is not {_KINDS[known[name]]}", _EXAMPLES[known[name]].format(name)
                )

    def _options(self, path: Path, model: type[AwsOptions]) -> None:
        data = self.located.below(path).data
        for name in data if isinstance(data, dict) else ():
            if name not in model.model_fields:
                hint = did_you_mean(name, model.model_fields)
                self._complain("option-unknown", (*path, name), "is not an option", hint, at_key=True)

    def _team(self, team: str) -> Mapping[str, str]:
        path: Path = ("teams", team)
        if not isinstance(self.located.below(path).data, dict | None):
            self._complain("file-type", path, "is not a mapping")
            return {}
        self._members(path, TEAM)
        for service in SERVICES:
            self._options((*path, service), MODELS[service])
        return dict(self._queues((*path, "queues")))

    def _queues(self, path: Path) -> Iterator[tuple[str, str]]:
        data = self.located.below(path).data
        known = self.located.data.get("templates")
        names = known if isinstance(known, dict) else {}
        for queue, name in data.items() if isinstance(data, dict) else ():
            if name is None:
                continue
            if not isinstance(name, str):
                self._complain("file-type", (*path, queue), "is not the name of a template")
            elif name not in names:
                message = f"names the template {name[:60]}, which does not exist"
                self._complain("queue-unknown-template", (*path, queue), message, did_you_mean(name, names))
            else:
                yield queue, name

    def _templates(self) -> dict[str, Level]:
        data = self.located.data.get("templates")
        found = {}
        for name, raw in data.items() if isinstance(data, dict) else ():
            path: Path = ("templates", name)
            if not isinstance(raw, dict | None):
                self._complain("file-type", path, "is not a mapping")
                continue
            terms, findings = read_terms(raw or {})
            for finding in findings:
                unknown = finding.rule == "template-unknown-term"
                where = (*path, finding.path)
                self._complain(finding.rule, where, finding.message, finding.remedy, at_key=unknown)
            if terms is not None:
                self._check_placement(terms, path)
                found[name] = Level(name, terms, path)
        return found

    def _check_placement(self, terms: Terms, path: Path) -> None:
        set_here = [name for name in PLACEMENTS if getattr(terms, name) is not None]
        if len(set_here) > 1:
            message = f"excludes {set_here[0]}, and both are set"
            self._complain("template-conflict", (*path, set_here[1]), message, "Remove one of the two", at_key=True)

    def _levels(self, name: str, own: Mapping[str, Level]) -> tuple[Level, ...]:
        """A template's levels; empty if it cannot be resolved, which has been complained of."""
        chain = [own[name]]
        while parent := chain[-1].terms.extends:
            path = (*chain[-1].path, "extends")
            if parent in [level.name for level in chain]:
                if parent == name and name == min(level.name for level in chain):  # once for each cycle
                    message = f"is a cycle: {' -> '.join([*(level.name for level in chain), parent])}"
                    self._complain(
                        "template-extends-cycle", ("templates", name, "extends"), message, "Remove one of these extends"
                    )
                return ()
            if parent not in own:
                known = self.located.data["templates"]
                if parent not in known and len(chain) == 1:
                    message = f"names {parent[:60]}, which does not exist"
                    self._complain("template-extends-unknown", path, message, did_you_mean(parent, known))
                return ()
            chain.append(own[parent])
        return tuple(reversed(chain))
