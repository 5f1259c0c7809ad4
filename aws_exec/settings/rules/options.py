"""The rules for the options of an executor: names, rates, and conflicts with Airflow's own options."""

from __future__ import annotations

import json
from collections.abc import Iterator

from aws_exec.regions import is_region, meant_region
from aws_exec.settings.batch.options import BatchOptions
from aws_exec.settings.common.merge import Document
from aws_exec.settings.common.options import SLOW_START
from aws_exec.settings.common.shape import SUBMIT_JOB, shape_of
from aws_exec.settings.ecs.options import EcsOptions
from aws_exec.settings.file.positions import Complaint
from aws_exec.settings.file.terms import Service
from aws_exec.settings.file.units import UNITS_PER_VCPU, vcpus
from aws_exec.settings.rules.arns import JOB_QUEUE, mistake_in
from aws_exec.settings.rules.fargate import PROVIDERS, runs_on_fargate
from aws_exec.settings.rules.view import View

#: Airflow's default of `[scheduler] task_queued_timeout`, in seconds.
QUEUED_TIMEOUT = 600.0


def names(view: View, team: str | None) -> Iterator[Complaint]:
    """The Region, and the job queues of Airflow queues, which only the requests of their tasks have."""
    region = view.options.region_name
    if region and (not is_region(region) or meant_region(region)):
        position = view.configuration.position(view.service, "region_name", team)
        like = meant_region(region)
        hint = f"Did you mean {like}?" if like else "Write it as in eu-central-1"
        yield Complaint("option-region", position, f'unknown AWS Region "{region[:60]}"', hint)
    pattern = shape_of(SUBMIT_JOB).members["jobQueue"].pattern
    for queue, name in view.options.job_queues.items() if isinstance(view.options, BatchOptions) else ():
        position = view.configuration.member(view.service, "job_queues", queue, team)
        if mistake := mistake_in(name, JOB_QUEUE):
            yield Complaint("option-arn", position, f"job_queues: {queue[:60]} {mistake[0]}", mistake[1])
        elif pattern and not pattern.fullmatch(name):
            message = f"job_queues: {queue[:60]} has characters that AWS does not take here"
            yield Complaint("request-pattern", position, message, "Letters, digits, - and _, at most 128")


def rates(view: View, team: str | None) -> Iterator[Complaint]:
    """No more launches a second than AWS takes."""
    given = view.options.launch_rate
    quota = view.options.model_copy(update={"launch_rate": None}).launches_per_second
    if given is not None and given > quota:
        position = view.configuration.position(view.service, "launch_rate", team)
        message = f"launch_rate {given:g} is above the documented quota of {quota:g} launches a second"
        yield Complaint("rate-quota", position, message, "Lower it, unless your quota was raised")


def slow_starts(view: View) -> Iterator[Complaint]:
    """Check that Airflow's timeout leaves time for instances to start; findings on the base are not repeated."""
    configuration = view.configuration
    limit, position = configuration.number("scheduler", "task_queued_timeout", QUEUED_TIMEOUT)
    if not configuration.airflow or view.assumed:
        return  # Airflow's configuration or the executor is unknown
    base_is_slow = view.base is not None and _starts_slowly(view.service, view.base)
    if limit < SLOW_START and _starts_slowly(view.service, view.request) and not base_is_slow:
        message = f"[scheduler] task_queued_timeout is {limit:g} s, and instances may have to start first"
        hint = f"Set AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT to {SLOW_START:g} or more"
        where = view.position("capacityProviderStrategy") if view.service == "ecs" else view.home
        yield Complaint("queued-timeout", position or where, message, hint)


def timeouts(view: View, team: str | None) -> Iterator[Complaint]:
    """Check that Airflow's timeout is longer than the executor's."""
    configuration = view.configuration
    limit, _ = configuration.number("scheduler", "task_queued_timeout", QUEUED_TIMEOUT)
    own = view.options.launch_timeout
    if configuration.airflow and own and own > limit:
        at = configuration.position(view.service, "launch_timeout", team)
        message = f"launch_timeout is {own:g} s, and [scheduler] task_queued_timeout ends after {limit:g} s"
        yield Complaint("launch-timeout", at, message, "Shorten it, or lengthen task_queued_timeout")


def _starts_slowly(service: Service, request: Document) -> bool:
    items = request.get("capacityProviderStrategy") or ()
    return service == "batch" or any(item.get("capacityProvider") not in PROVIDERS for item in items)


def parallelism(view: View) -> Iterator[Complaint]:
    """As many tasks as Airflow runs at a time fit into the quota."""
    if view.service != "ecs" or not runs_on_fargate(view.request):
        return
    spot = any(
        item.get("capacityProvider") == "FARGATE_SPOT" for item in view.request.get("capacityProviderStrategy", ())
    )
    quota = view.configuration.file.quotas.get("fargate_spot_vcpu" if spot else "fargate_vcpu")
    units = view.overrides.get("cpu")
    if quota is None or not str(units).isdecimal():
        return
    limit = view.configuration.parallelism
    needed = limit * int(str(units)) / UNITS_PER_VCPU
    if needed > quota:
        message = (
            f"{limit:g} tasks at a time of {vcpus(int(str(units)))} vCPU are {needed:g}, and the quota is {quota:g}"
        )
        yield view.complaint(
            "parallelism-quota", ("overrides", "cpu"), message, "Raise the quota, or use a smaller size"
        )


def kwargs(view: View, warnings: tuple[str, ...], team: str | None) -> Iterator[Complaint]:
    """Report options without effect."""
    name = "run_task_kwargs" if view.service == "ecs" else "submit_job_kwargs"
    for warning in warnings:
        option, _, text = warning.partition(": ")
        if option == "job_name":
            position = view.configuration.position(view.service, "job_name", team)
            yield Complaint("job-name", position, f"job_name {text}", "Letters, digits, - and _, at most 64")
            continue
        path = text.partition(":")[0]
        where = view.origins.position(view.origins.named(path, view.request), key=True)
        at = where or view.configuration.position(view.service, name, team)
        yield Complaint("kwargs-no-effect", at, f"{name}: {text.partition('. ')[0]}", "Remove it")


def literals(view: View, team: str | None) -> Iterator[Complaint]:
    """The Amazon provider documents the strategy as a Python literal."""
    if not isinstance(view.options, EcsOptions) or not view.options.capacity_provider_strategy:
        return
    value = view.configuration.airflow_value(view.options.section, "capacity_provider_strategy", team)
    given = view.configuration.file.options_of("ecs", team).values.get("capacity_provider_strategy")
    text = value.text if value is not None else given
    if isinstance(text, str) and not _is_json(text):
        position = view.configuration.position("ecs", "capacity_provider_strategy", team)
        ours = json.dumps(list(view.options.capacity_provider_strategy))
        yield Complaint("legacy-literal", position, "capacity_provider_strategy is no JSON", f"Write {ours}")


#: The rules for every request.
CHECKS = (slow_starts, parallelism)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
