"""The check of one configuration: all findings of the rules, in the order of the files. Never raises for a finding.

It does what an executor does: it loads the options and builds the request of a typical task with each template, with
the code that runs in the scheduler. The rules then check the requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aws_exec.settings.batch.options import OPTION_OF as BATCH_OPTION_OF
from aws_exec.settings.batch.payload import SubmitJobBuilder
from aws_exec.settings.common.launch import TYPICAL, sample_command
from aws_exec.settings.common.merge import Document, composed
from aws_exec.settings.common.options import AwsOptions, load
from aws_exec.settings.common.problems import Finding, InvalidExecutorConfig, OptionsError, section_of
from aws_exec.settings.ecs.payload import RunTaskBuilder
from aws_exec.settings.ecs.request import OPTION_OF as ECS_OPTION_OF
from aws_exec.settings.file.positions import Complaint, Located, Position
from aws_exec.settings.file.reading import MODELS, Level
from aws_exec.settings.file.templates import GRAMMARS, compiled, parts_of, service_of
from aws_exec.settings.file.terms import SERVICES, Service, Terms, means
from aws_exec.settings.rules import arns, containers, fargate, jobs, options
from aws_exec.settings.rules.airflow_options import check_airflow
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.origins import Origins
from aws_exec.settings.rules.spelling import Written, check_raw
from aws_exec.settings.rules.view import View

BUILDERS: Mapping[Service, Any] = {"ecs": RunTaskBuilder, "batch": SubmitJobBuilder}
KWARGS: Mapping[Service, str] = {"ecs": "run_task_kwargs", "batch": "submit_job_kwargs"}
CHECKS = (*fargate.CHECKS, *jobs.CHECKS, *containers.CHECKS, *options.CHECKS, arns.kinds)

#: Options of the network, and their member of the request.
_NETWORK = {"subnets": "subnets", "security_groups": "securityGroups", "assign_public_ip": "assignPublicIp"}

#: Rules that are about a member itself, not about its value.
AT_KEY = frozenset({"request-unknown", "request-reserved", "request-unsupported", "request-twice"})

#: The options that templates are checked with if no executor is configured.
_STAND_INS: Mapping[Service, Mapping[str, str]] = {
    "ecs": {"cluster": "cluster", "container_name": "airflow", "task_definition": "task"},
    "batch": {"job_queue": "queue", "job_definition": "job"},
}

#: The workload of a task with names of Airflow's maximum length (250 characters each): they occur in it, in its log
#: path and in the container's environment.
LONGEST_WORKLOAD = 3000
LONGEST = replace(TYPICAL, dag_id="n" * 250, task_id="n" * 250, run_id="n" * 250)


def check(configuration: Configuration) -> list[Complaint]:
    """Return all findings except those of reading the file; each once, in order of position."""
    seen: dict[tuple[str, Position, str], Complaint] = {}
    of_airflow = [*configuration.check_executors(), *check_airflow(configuration)]
    executors = [Checked(configuration, service, team) for team in configuration.teams for service in SERVICES]
    for complaint in [*of_airflow, *(one for each in executors for one in each.complaints())]:
        # What a template inherits is reported once. Missing options have no own position: each is reported.
        what = complaint.message if complaint.rule == "option-required" else ""
        seen.setdefault((complaint.rule, complaint.position, what), complaint)
    return sorted(seen.values(), key=lambda one: (one.position, one.rule))


@dataclass(frozen=True, slots=True)
class Section:
    """One executor of one team, ready to make requests.

    Attributes:
        options: as it would load them, or stand-ins.
        builder: of its requests.
        origins: where each part of the base request was written.
        assumed: the options are stand-ins.
    """

    options: AwsOptions
    builder: Any
    origins: Origins
    assumed: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """The rules applied to one executor of one team."""

    configuration: Configuration
    service: Service
    team: str | None

    def complaints(self) -> Iterator[Complaint]:
        """Yield the findings on its options and on the templates for it."""
        yield from self.configuration.unknown_options(self.service, self.team)
        if not self.configuration.configures(self.service, self.team):
            if self.team is None and self._stands_in():
                yield from self._templates(self.stand_in())
            return
        try:
            section = self.section()
        except OptionsError as error:
            yield from self._problems(error)
            section = self.stand_in()
        else:
            yield from self._base(section)
        if self.team is None:
            yield from self._templates(section)

    # -- the section --------------------------------------------------------------------------------------------------

    def section(self) -> Section:
        """Return the executor as it would start; raises OptionsError."""
        configuration, model = self.configuration, MODELS[self.service]
        file_options = configuration.file.options_of(self.service, self.team)
        loaded = load(model, configuration.getter(model.section, self.team), team=self.team, file_options=file_options)
        book = configuration.file.book(self.service, self.team)
        builder = BUILDERS[self.service](loaded, team=self.team, templates=book, where=file_options.where)
        return Section(loaded, builder, self._origins(loaded), assumed=False)

    def _stands_in(self) -> bool:
        """Return whether templates are checked for this service although it is not configured."""
        other = next(service for service in SERVICES if service != self.service)
        return not self.configuration.configures(other)

    def stand_in(self) -> Section:
        """Return an executor with placeholder options, to check templates with."""
        stand_in = MODELS[self.service].model_validate(_STAND_INS[self.service])
        builder = BUILDERS[self.service](stand_in, templates=self.configuration.file.book(self.service))
        return Section(stand_in, builder, Origins(GRAMMARS[self.service], "airflow"), assumed=True)

    def _origins(self, loaded: AwsOptions) -> Origins:
        origins = Origins(GRAMMARS[self.service], loaded.container_name)

        def position(option: str) -> Position:
            return self.configuration.position(self.service, option, self.team)

        for member, option in (ECS_OPTION_OF if self.service == "ecs" else BATCH_OPTION_OF).items():
            if getattr(loaded, option):
                origins.positions[(member,)] = (position(option), position(option))
                self._add_raw(origins, option, (member,))
        for option, member in _NETWORK.items() if self.service == "ecs" else ():
            if getattr(loaded, option):
                path = ("networkConfiguration", "awsvpcConfiguration", member)
                origins.positions[path] = (position(option), position(option))
                self._add_raw(origins, option, path)
        kwargs = getattr(loaded, KWARGS[self.service])
        if kwargs and not self._add_raw(origins, KWARGS[self.service], ()):
            origins.add_part(kwargs, position(KWARGS[self.service]))
        return origins

    def _add_raw(self, origins: Origins, option: str, to: tuple[str, ...]) -> bool:
        """Take in an option that the file writes as YAML; whether it does."""
        located = self.configuration.file.located
        path = (*self.configuration.file.root(self.team), self.service, option)
        if self.configuration.airflow_value(MODELS[self.service].section, option, self.team) is not None:
            return False
        if not isinstance(located.data_at(path), dict | list):
            return False
        origins.add(located, path, to)
        return True

    def _problems(self, error: OptionsError) -> Iterator[Complaint]:
        raw = Origins(GRAMMARS[self.service])
        self._add_raw(raw, "capacity_provider_strategy", ("capacityProviderStrategy",))
        self._add_raw(raw, KWARGS[self.service], ())
        kwargs = self.configuration.file.options_of(self.service, self.team).values.get(KWARGS[self.service])
        for problem in error.problems:
            position = self.configuration.position(self.service, problem.option, self.team)
            if problem.path:
                exact = raw.position(raw.named(problem.path, kwargs), key=problem.rule in AT_KEY)
                position = exact or position
            message = f"{problem.option}: {problem.message}" if problem.message else problem.option
            named = self.configuration.naming(self.service, self.team)
            if named is not None and not self.configuration.has_options(self.service, self.team):
                message = f"[{section_of(problem.section, self.team)}] {problem.option} is required by {named.path}"
            yield Complaint(problem.rule, position, message, problem.remedy)

    def _base(self, section: Section) -> Iterator[Complaint]:
        home = self.configuration.position(self.service, "", self.team)
        what = MODELS[self.service].section if self.team is None else f"{self.team}={MODELS[self.service].section}"
        request = section.builder.build(TYPICAL, ["x"]).arguments
        view = self.view(what, request, section, section.origins, home)
        for rule in CHECKS:
            yield from rule(view)
        for of_options in (options.names, options.rates, options.timeouts, options.literals):
            yield from of_options(view, self.team)
        yield from options.kwargs(view, section.builder.warnings, self.team)
        yield from self._raw_kwargs(section.options)

    def _raw_kwargs(self, loaded: AwsOptions) -> Iterator[Complaint]:
        """Yield findings on the spelling of the `*_kwargs`; in JSON, all have the position of the option."""
        name = KWARGS[self.service]
        located = self.configuration.file.located
        path = (*self.configuration.file.root(self.team), self.service, name)
        configured = self.configuration.airflow_value(MODELS[self.service].section, name, self.team)
        if configured is None and isinstance(located.data_at(path), Mapping):
            yield from check_raw(located.data_at(path), self.service, Written(located, path), name)
            return
        position = self.configuration.position(self.service, name, self.team)
        raw = getattr(loaded, name)
        yield from check_raw(raw, self.service, Written(Located(position.source, raw, values={(): position})), name)

    def view(self, what: str, request: Document, section: Section, origins: Origins, home: Position) -> View:
        """Return the view of a request for the rules."""
        located = self.configuration.file.located
        replaced = {position for path in located.substituted if (position := located.values.get(path)) is not None}
        return View(
            what=what,
            service=self.service,
            request=request,
            options=section.options,
            origins=origins,
            home=home,
            configuration=self.configuration,
            assumed=section.assumed,
            substituted=replaced.__contains__,
        )

    def requests(self, section: Section) -> Iterator[tuple[Document, Origins, Position]]:
        """Yield every request, the base and one for each template, with its origins and its position.

        Invalid ones are left out: `complaints` reports them.
        """
        home = self.configuration.position(self.service, "", self.team)
        yield section.builder.build(TYPICAL, ["x"]).arguments, section.origins, home
        for name, levels in self.configuration.file.templates.items():
            request = self.request(section, name)
            if request is None:
                continue
            origins = section.origins.copy()
            for level in levels:
                self._add_level(origins, level)
            yield request, origins, self.configuration.file.located.key(levels[-1].path)

    def request(self, section: Section, template: str) -> Document | None:
        """Return the request of a typical task with this template.

        None: the template is for the other service, or the request is invalid; `complaints` reports that.
        """
        try:
            return dict(section.builder.build(TYPICAL, ["x"], {"template": template}).arguments)
        except InvalidExecutorConfig:
            return None

    # -- templates ----------------------------------------------------------------------------------------------------

    def _templates(self, section: Section) -> Iterator[Complaint]:
        for name, levels in self.configuration.file.templates.items():
            meant = service_of([level.terms for level in levels])
            if meant in (None, self.service):
                yield from self._template(name, levels, section, certain=meant is not None or not section.assumed)
            elif self.configuration.configures(self.service) and not self.configuration.configures(meant):
                message = f"templates.{name} is for {meant}, and no executor of {meant} is configured"
                position = self.configuration.file.located.value((*levels[-1].path, "executor"))
                yield Complaint(
                    "template-executor", position, message, f"Add a section {meant}:, or choose {self.service}"
                )

    def template(self, name: str) -> Iterator[Complaint]:
        """Yield the findings on one template for this executor.

        Raises:
            OptionsError: the executor would not start.
        """
        yield from self._template(name, self.configuration.file.templates[name], self.section(), certain=True)

    def _template(
        self, name: str, levels: tuple[Level, ...], section: Section, *, certain: bool
    ) -> Iterator[Complaint]:
        located, what = self.configuration.file.located, f"templates.{name}"
        if certain:
            yield from self._without_effect(levels)
        raw = levels[-1].terms.ecs if self.service == "ecs" else levels[-1].terms.batch
        path = (*levels[-1].path, self.service)
        yield from check_raw(raw, self.service, Written(located, path), what)
        origins = section.origins.copy()
        home = located.key(levels[-1].path)
        layer: Document = {}
        try:
            for level in levels:
                self._add_level(origins, level)
            layer = compiled([level.terms for level in levels], self.service)
            request = section.builder.build(TYPICAL, sample_command(section.options), {"template": name}).arguments
        except InvalidExecutorConfig as error:
            yield from findings(error.findings, origins, layer, home, what)
            return
        view = self.view(what, request, section, origins, home)
        base = section.builder.build(TYPICAL, ["x"]).arguments
        view = replace(view, base=base, layer=self._raw_layer(levels))
        for rule in CHECKS:
            yield from rule(view)
        yield from longest(view, section.builder, {"template": name})

    def _raw_layer(self, levels: Iterable[Level]) -> Document:
        """Return the raw arguments of a template."""
        result: Document = {}
        for level in levels:
            for name, part in parts_of(level.terms, self.service):
                if name == self.service:
                    result = composed(result, part, GRAMMARS[self.service])
        return result

    def _add_level(self, origins: Origins, level: Level) -> None:
        located = self.configuration.file.located
        origins.add(located, (*level.path, self.service))
        for term, part in parts_of(level.terms, self.service):
            if term != self.service:  # the raw arguments override all terms
                path = (*level.path, term)
                origins.add_part(part, located.value(path), located, path)
        origins.add(located, (*level.path, self.service))

    def _without_effect(self, levels: tuple[Level, ...]) -> Iterator[Complaint]:
        """Yield the terms of a template without effect on a service that it is certainly for."""
        own = levels[-1]
        other = next(service for service in SERVICES if service != self.service)
        alone = not self.configuration.configures(other)
        if alone or service_of([level.terms for level in levels]) == self.service:
            where = Written(self.configuration.file.located, own.path)
            yield from without_effect(own.terms, self.service, where, f"templates.{own.name}")


def without_effect(terms: Terms, service: Service, where: Written, what: str) -> Iterator[Complaint]:
    """Terms that mean nothing to the service that they go to, of a template or of an executor_config."""
    for term in terms.model_fields_set - {"executor", "extends", "description", service}:
        if getattr(terms, term) is not None and means(term, service) is None:
            message, hint = f"{what}: {term} means nothing to {service}", _INSTEAD.get((term, service), "Remove it")
            yield Complaint("template-no-effect", where.key((term,)), message, hint)


#: What to do instead of a term without effect.
_INSTEAD = {
    ("timeout", "ecs"): "Use the task's execution_timeout",
    ("spot", "batch"): "Choose a job_queue whose compute environment is of Spot",
    ("ephemeral_storage", "batch"): "Set it in the job definition",
}


def findings(
    found: Iterable[Finding], origins: Origins, document: Document, home: Position, what: str
) -> Iterator[Complaint]:
    """Yield findings on a request as complaints with their positions."""
    for finding in found:
        path = origins.named(finding.path, document)
        whole = finding.rule == "override-budget"  # no part of it alone is too long
        position = home if whole else origins.position(path, key=finding.rule in AT_KEY) or home
        message = f"{what}: {finding.path}: {finding.message}" if finding.path else f"{what}: {finding.message}"
        yield Complaint(finding.rule, position, message, finding.remedy)


def longest(view: View, builder: Any, config: Mapping[str, Any]) -> Iterator[Complaint]:
    """Whether the overrides leave room for the workload with the longest names."""
    try:
        builder.build(LONGEST, sample_command(view.options, LONGEST_WORKLOAD), config)
    except InvalidExecutorConfig as error:
        # With typical names it can be sent: all that is left to be wrong is its length.
        for finding in error.findings:
            message = f"{view.what}: with the longest names, it {finding.message}"
            yield Complaint("override-budget-tight", view.home, message, finding.remedy)
