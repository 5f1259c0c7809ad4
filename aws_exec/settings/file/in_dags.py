"""`aws_exec.template(...)`: a template as the executor_config of a task, resolved when the DAG is parsed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from aws_exec.settings.common.problems import Finding, InvalidExecutorConfig
from aws_exec.settings.file.discovery import cached_file
from aws_exec.settings.file.reading import AwsexecFile
from aws_exec.settings.file.rendering import levels_of
from aws_exec.settings.file.templates import MEMBER, compiled, service_of
from aws_exec.settings.file.terms import PLACEMENTS, SERVICES, Service, Terms


def template(name: str, *, executor: Service | None = None, **terms: Any) -> dict[str, Any]:
    """Return the executor_config of a template of awsexec.yaml.

    Args:
        name: of the template.
        executor: `ecs` or `batch`, if neither the template nor the file determines it: a file with a section `ecs:` and
            without `batch:` is for ECS, and vice versa. If undetermined, the result is in neutral terms, and the
            executor of the task compiles it.
        terms: override the template, as in `memory="24GiB"`.

    Returns:
        A new dictionary of plain values, from the current file: a later change of the file takes effect once the DAG
        is parsed again.

    Raises:
        FileError: the file cannot be used.
        InvalidExecutorConfig: the template does not exist, or a term is wrong.
    """
    file = cached_file(os.environ)
    try:
        levels = levels_of(file, name, terms)
    except LookupError as error:
        raise InvalidExecutorConfig(
            [Finding(MEMBER, str(error.args[0]), str(error.args[1]), "template-unknown")]
        ) from error
    service = executor or service_of(levels) or only_service(file)
    return compiled(levels, service) if service is not None else in_neutral_terms(levels)


def only_service(file: AwsexecFile) -> Service | None:
    """Return the one service that has a section in the file; None if both have, or none."""
    sections = [service for service in SERVICES if file.has_options(service)]
    return sections[0] if len(sections) == 1 else None


def in_neutral_terms(levels: Sequence[Terms]) -> dict[str, Any]:
    """Return levels of terms as an executor_config that any of our executors compiles at launch."""
    written = [
        _rewritten(level.model_dump(mode="json", exclude_unset=True, exclude={"extends", "description"}))
        for level in levels
    ]
    if any(_stands_alone(level) for level in written):
        return {MEMBER: written}
    one: dict[str, Any] = {}
    for level in written:
        if any(level.get(name) is not None for name in PLACEMENTS):
            one = {name: value for name, value in one.items() if name not in PLACEMENTS}
        both = (name for name in ("env", "tags") if one.get(name) is not None and level.get(name) is not None)
        maps = {name: one[name] | level[name] for name in both}
        one = {**one, **level, **maps}
    return {MEMBER: one}


def _stands_alone(level: Mapping[str, Any]) -> bool:
    """Return whether a level cannot be merged with those before it.

    Its terms override their raw arguments, and a placement that is null deletes their other placement.
    """
    return any(service in level for service in SERVICES) or any(level.get(name, "") is None for name in PLACEMENTS)


def _rewritten(level: Mapping[str, Any]) -> dict[str, Any]:
    """Return a level with amounts that can be read again: CPU units below 256 would be read as vCPUs."""
    units = level.get("cpu")
    return dict(level) if units is None else {**level, "cpu": f"{units} units"}
