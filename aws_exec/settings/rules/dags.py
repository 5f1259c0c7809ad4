"""Literal executor_configs in DAG files, read without running them, and the findings on them.

Found are `executor_config=` of any call, the key `executor_config` of any dictionary (`default_args`), and calls of
`aws_exec.template`. Computed values are unknown (`literals`): they are left out, and the command line says how many.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aws_exec.settings.common.launch import TYPICAL, sample_command
from aws_exec.settings.common.merge import camelized
from aws_exec.settings.common.problems import Finding, InvalidExecutorConfig, OptionsError
from aws_exec.settings.common.shape import shape_of
from aws_exec.settings.file.positions import Complaint, Located, Position
from aws_exec.settings.file.templates import GRAMMARS, MEMBER, did_you_mean, read_terms, service_of
from aws_exec.settings.file.terms import SERVICES, Service, Terms
from aws_exec.settings.file.yaml_text import position_in
from aws_exec.settings.rules.check import CHECKS, Checked, findings, longest, without_effect
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.literals import DYNAMIC, Literals, bound_names
from aws_exec.settings.rules.origins import Origins
from aws_exec.settings.rules.spelling import OPERATIONS, check_raw
from aws_exec.settings.rules.spelling import Written as At

_NAME = "executor_config"


@dataclass(frozen=True, slots=True)
class Written:
    """One executor_config in a DAG file.

    Attributes:
        located: its literal part.
        executor: the task's `executor=`: an alias, a class or a path; empty if absent or computed.
        queue: the Airflow queue that it names.
        call: whether it is a call of `aws_exec.template`, with a name and terms.
    """

    located: Located
    executor: str
    queue: str | None
    call: bool = False


def written_in(content: bytes, source: str) -> tuple[list[Written | Position], list[Complaint]]:
    """Every literal executor_config of a DAG file, and where a computed one is; and why the file cannot be read."""
    if (nul := content.find(0)) >= 0:  # Python gives no position for it
        before = content[:nul].decode("utf-8-sig", "replace")
        position = position_in(before, len(before), source)
        return [], [
            Complaint("dag-syntax", position, "has the character U+0000, which Python does not allow", "Remove it")
        ]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the DAG's own escapes
            tree = ast.parse(content, source)
        lines = content.decode("utf-8-sig", "replace").splitlines()
        return list(_found(tree, source, lines)), []
    except SyntaxError as error:
        position = Position(source, error.lineno or 1, max(1, error.offset or 1))
        return [], [Complaint("dag-syntax", position, f"is no Python: {error.msg}")]
    except (ValueError, RecursionError, MemoryError) as error:
        return [], [Complaint("dag-syntax", Position(source), f"cannot be parsed: {error}")]


def _found(tree: ast.AST, source: str, lines: list[str]) -> Iterator[Written | Position]:
    imported, bound = _imported(tree), bound_names(tree)
    for node in ast.walk(tree):
        literals = Literals(source, lines, bound)
        members: Mapping[str, ast.expr] = {}
        if isinstance(node, ast.Call):
            if _is_template(node, imported):
                yield _template_call(node, Literals(source, lines, bound))
            members = {word.arg: word.value for word in node.keywords if word.arg}
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            members = {name: value for key, value in pairs if (name := literals.text(key))}
        elif isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Subscript):
            members = {literals.text(target.slice): node.value}
        config = members.get(_NAME)
        data = literals.data(config, ()) if config is not None else None
        if data is DYNAMIC and config is not None:
            if not _is_template(literals.meant(config), imported):
                yield literals.position(config)
        elif isinstance(data, dict):
            executor, queue = literals.text(members.get("executor")), literals.text(members.get("queue"))
            yield Written(Located(source, data, literals.keys, literals.values), executor, queue or None)


def _service(executor: str, configuration: Configuration) -> Service | None:
    """Return the service of a task's `executor=`: an alias or path of `[core] executor`, or a name that implies it."""
    named = (entry for entry in configuration.named if executor and executor in (entry.alias, entry.path))
    if (entry := next(named, None)) is not None:
        return entry.service
    return next((service for service in SERVICES if service in executor.lower()), None)


def _imported(tree: ast.AST) -> frozenset[str]:
    """Return the names of `aws_exec.template` in this file."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "aws_exec":
            names |= {alias.asname or alias.name for alias in node.names if alias.name == "template"}
    return frozenset(names)


def _is_template(node: ast.AST, imported: frozenset[str]) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in imported
        case ast.Call(func=ast.Attribute(value=ast.Name(id="aws_exec"), attr="template")):
            return True
    return False


def _template_call(node: ast.Call, literals: Literals) -> Written:
    data: dict[str, Any] = {}
    named = node.args[0] if node.args else None
    for name, value in ((MEMBER, named), *((word.arg, word.value) for word in node.keywords)):
        if name is None or value is None:
            continue
        literals.keys[name,] = literals.position(value)
        if (item := literals.data(value, (name,))) is not DYNAMIC:
            data[name] = item
    executor = literals.text(next((word.value for word in node.keywords if word.arg == "executor"), None))
    data.pop("executor", None)
    literals.values[()] = literals.position(node)
    return Written(Located(literals.source, data, literals.keys, literals.values), executor, None, call=True)


def check_dag(content: bytes, source: str, configuration: Configuration) -> tuple[list[Complaint], list[Position]]:
    """Everything that is wrong with the executor_configs of one DAG file; and those that are computed: not checked."""
    found, complaints = written_in(content, source)
    computed = [written for written in found if isinstance(written, Position)]
    for written in found:
        if isinstance(written, Position):
            continue
        if unknown := _unknown_template(written, configuration):
            complaints.append(unknown)
            continue
        terms, wrong = _terms(written)
        for finding in wrong:
            position = written.located.value((finding.path,))
            complaints.append(Complaint(finding.rule, position, f"{finding.path}: {finding.message}", finding.remedy))
        if not wrong and (written.located.data.get(MEMBER) is not None or not written.call):
            complaints += _check_one(written, terms, configuration)
    return sorted(dict.fromkeys(complaints), key=lambda one: (one.position, one.rule)), computed


def _terms(written: Written) -> tuple[Terms | None, list[Finding]]:
    """Return the terms beside the name of a template, and their findings; in a call, everything else is a term."""
    data = written.located.data
    if written.call:
        return read_terms({name: value for name, value in data.items() if name != MEMBER})
    if data.get(MEMBER) is None:
        return None, []
    return read_terms({name: value for name, value in data.items() if name in Terms.model_fields})


def _unknown_template(written: Written, configuration: Configuration) -> Complaint | None:
    name = written.located.data.get(MEMBER)
    templates = configuration.file.templates
    if not isinstance(name, str) or name in templates:
        return None
    hint = did_you_mean(name, templates) if templates else "There is no awsexec.yaml"
    return Complaint("template-unknown", written.located.value((MEMBER,)), f"{name[:60]} is no template", hint)


def _service_of(written: Written, configuration: Configuration) -> Service:
    """Return the service of the task: by itself, its template, the only configured one, or its members."""
    named = written.located.data.get(MEMBER)
    levels = configuration.file.templates.get(named, ()) if isinstance(named, str) else ()
    meant = _service(written.executor, configuration) or service_of([level.terms for level in levels])
    configured = [service for service in SERVICES if configuration.configures(service)]
    if meant is not None or len(configured) == 1:
        return meant or configured[0]
    names = {camelized(str(name)) for name in written.located.data}
    known = {service: len(names & set(shape_of(OPERATIONS[service]).members)) for service in SERVICES}
    return "batch" if known["batch"] > known["ecs"] else "ecs"


def _check_one(written: Written, terms: Terms | None, configuration: Configuration) -> Iterator[Complaint]:
    service = _service_of(written, configuration)
    if terms is not None:
        yield from without_effect(terms, service, At(written.located), _NAME)
    checked = Checked(configuration, service, None)
    try:
        section = checked.section() if configuration.has_options(service) else checked.stand_in()
    except OptionsError:
        section = checked.stand_in()  # findings on the options are reported elsewhere
    located, data = written.located, written.located.data
    home, what = located.value(()), _NAME
    rest = {name: value for name, value in data.items() if name != MEMBER}
    if MEMBER in data:
        rest = {name: value for name, value in rest.items() if name not in Terms.model_fields}
    yield from check_raw(rest, service, At(located), what)
    origins = Origins(
        GRAMMARS[service], section.origins.container, dict.fromkeys(section.origins.positions, (home, home))
    )
    origins.add(located, ())
    try:
        request = section.builder.build(TYPICAL, sample_command(section.options), data, written.queue).arguments
        base = section.builder.build(TYPICAL, ["x"]).arguments
    except InvalidExecutorConfig as error:
        yield from findings(error.findings, origins, _camelized(rest), home, what)
        return
    view = checked.view(what, request, section, origins, home)
    for rule in CHECKS:
        yield from rule(replace(view, base=base, layer=rest))
    yield from longest(view, section.builder, data)


def _camelized(document: Mapping[str, Any]) -> dict[str, Any]:
    return {camelized(str(name)): value for name, value in document.items()}
