"""The hourly cost of each template: by its requests with the options, and by one price table.

Only Fargate has a price, and a request often does not determine whether it runs there: a job queue has compute
environments, a cluster a default strategy. Then the price assumes Fargate, unless Fargate has no such size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from aws_exec.settings.common.merge import Document
from aws_exec.settings.common.prices import Prices, Size, hourly
from aws_exec.settings.common.problems import OptionsError
from aws_exec.settings.file.terms import SERVICES, Service, Terms
from aws_exec.settings.file.units import UNITS_PER_VCPU
from aws_exec.settings.rules.check import Checked, Section
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.fargate import SIZES, task_size
from aws_exec.settings.rules.jobs import job_size

#: The resources in a request.
SIZE_OF: Mapping[Service, Callable[[Document], Size]] = {"ecs": task_size, "batch": job_size}


def summaries(configuration: Configuration, prices: Prices) -> list[dict[str, Any]]:
    """Return the rows of `awsexec templates`: plain values, None if unknown.

    `cost_per_hour` is in the table's currency, None if there is no price. `fargate` is whether the template runs there:
    False if it does not or cannot; None if that is not known, or differs between its executors. Of several prices the
    one is shown that is certain to be Fargate's, then the highest; the size is the one that has this price.
    """
    executors = list(_executors(configuration))
    return [
        _summary(name, [level.terms for level in levels], list(_sizes(name, executors)), prices)
        for name, levels in configuration.file.templates.items()
    ]


def _executors(configuration: Configuration) -> Iterator[tuple[Checked, Section]]:
    """Every executor that is configured; stand-ins for those that could not start, and for both if none is."""
    for service, team in configuration.configured or [(each, None) for each in SERVICES]:
        checked = Checked(configuration, service, team)
        try:
            section = checked.section()
        except OptionsError:  # validate-config reports it
            section = checked.stand_in()
        yield checked, section


def _sizes(name: str, executors: Iterable[tuple[Checked, Section]]) -> Iterator[Size]:
    """Return the resources of a template's job, for each executor that could launch it."""
    for checked, section in executors:
        request = checked.request(section, name)
        if request is not None:
            yield _judged(SIZE_OF[checked.service](request))


def _judged(size: Size) -> Size:
    """Not on Fargate, where that has no such size: no GPUs, and memory by the vCPUs (`SIZES`)."""
    known = size.vcpu is not None and size.memory_mib is not None
    fits = not known or size.memory_mib in SIZES.get(int((size.vcpu or 0) * UNITS_PER_VCPU), ())
    return size if fits and not size.gpu else replace(size, fargate=False)


def _summary(name: str, levels: list[Terms], sizes: list[Size], prices: Prices) -> dict[str, Any]:
    terms: dict[str, Any] = {}
    for level in levels:
        terms |= level.model_dump(mode="json", exclude_unset=True)
    priced = [(size, cost) for size in sizes if (cost := hourly(prices, size)) is not None]
    nothing = (sizes[0] if sizes else Size(), None)
    size, cost = max(priced, key=lambda each: (each[0].fargate is True, each[1]), default=nothing)
    where = {each.fargate for each in sizes}
    units = terms.get("cpu")
    return {
        "name": name,
        "executor": terms.get("executor"),
        "extends": levels[-1].extends,
        "cpu": size.vcpu if size.vcpu is not None or units is None else units / UNITS_PER_VCPU,
        "memory_mib": terms.get("memory") if size.memory_mib is None else size.memory_mib,
        "gpu": size.gpu or terms.get("gpu"),
        "spot": size.spot or terms.get("spot"),
        "fargate": where.pop() if len(where) == 1 else None,
        "cost_per_hour": None if cost is None else round(cost, 5),
        "description": levels[-1].description,
    }
