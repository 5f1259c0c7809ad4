"""Rendering a template: to an executor_config, or to the exact request of a typical task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_exec.settings.common.launch import shown_command
from aws_exec.settings.common.problems import Finding, InvalidExecutorConfig
from aws_exec.settings.file.reading import AwsexecFile
from aws_exec.settings.file.templates import MEMBER, compiled, did_you_mean, read_terms
from aws_exec.settings.file.terms import Service, Terms


def levels_of(file: AwsexecFile, name: str, changes: Mapping[str, Any]) -> Sequence[Terms]:
    """Return a template's levels, with changes as the last one.

    Raises:
        InvalidExecutorConfig: a term is wrong.
        LookupError: the template does not exist; its arguments are the message and the hint.
    """
    if name not in file.templates:
        where = f" in {file.located.source}" if file.located.source else ": no awsexec.yaml is in use"
        message = f'template "{str(name)[:80]}" not found{where}'
        raise LookupError(message, did_you_mean(str(name), file.templates))
    own, wrong = read_terms(changes)
    if own is None:
        raise InvalidExecutorConfig(wrong)
    return [*(level.terms for level in file.templates[name]), *([own] if changes else [])]


def executor_config(file: AwsexecFile, name: str, service: Service, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the executor_config of a template.

    Raises:
        InvalidExecutorConfig: it is for the other service, or a term is wrong.
        LookupError: the template does not exist; its arguments are the message and the hint.
    """
    return compiled(levels_of(file, name, changes), service)


def merged_request(builder: Any, identity: Any, name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of RunTask or SubmitJob for a task with this template.

    Raises:
        InvalidExecutorConfig: the template does not exist, or the request cannot be sent.
    """
    if MEMBER in changes:
        raise InvalidExecutorConfig([Finding(MEMBER, "is not a term", rule="template-unknown-term")])
    plan = builder.build(identity, shown_command(builder.options), {MEMBER: name, **changes})
    return dict(plan.arguments)
