"""What the options of an executor say, beyond being well-formed: names, rates, what Airflow's own leave of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from types import MappingProxyType

from aws_exec.settings.ecs_options import EcsOptions
from aws_exec.settings.file.places import Complaint
from aws_exec.settings.file.units import UNITS_PER_VCPU, vcpus
from aws_exec.settings.rules.fargate import PROVIDERS, runs_on_fargate
from aws_exec.settings.rules.view import View

#: What the ARN of an option has in it.
ARNS = MappingProxyType(
    {
        "cluster": ":cluster/",
        "task_definition": ":task-definition/",
        "job_queue": ":job-queue/",
        "job_definition": ":job-definition/",
    }
)

_REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,3}-\d", re.ASCII)

#: Airflow's default of `[scheduler] task_queued_timeout`, in seconds.
QUEUED_TIMEOUT = 600.0

#: What is realistic where instances have to be started first; `aws_exec.executors.starting` warns by the same.
SLOW_START = 3600.0


def names(view: View, team: str | None) -> Iterator[Complaint]:
    """ARNs and Regions."""
    for option, part in ARNS.items():
        value = getattr(view.options, option, "")
        if value.startswith("arn:") and part not in value:
            place = view.configuration.place(view.service, option, team)
            message = f"{option} is an ARN of something else"
            yield Complaint("option-arn", place, message, f"It has {part} in it, or name it without its ARN")
    region = view.options.region_name
    if region and not _REGION.fullmatch(region):
        place = view.configuration.place(view.service, "region_name", team)
        yield Complaint("option-region", place, "region_name is no Region", "Write it as in eu-central-1")


def rates(view: View, team: str | None) -> Iterator[Complaint]:
    """No more launches a second than AWS takes."""
    given = view.options.launch_rate
    quota = view.options.model_copy(update={"launch_rate": None}).launches_per_second
    if given is not None and given > quota:
        place = view.configuration.place(view.service, "launch_rate", team)
        message = f"launch_rate {given:g} is above the documented quota of {quota:g} launches a second"
        yield Complaint("rate-quota", place, message, "Lower it, unless your quota was raised")


def timeouts(view: View, team: str | None) -> Iterator[Complaint]:
    """What Airflow's own clock leaves."""
    told, limit = view.configuration, QUEUED_TIMEOUT
    limit, place = told.number("scheduler", "task_queued_timeout", QUEUED_TIMEOUT)
    if not told.airflow:
        return  # what Airflow's configuration says is not known
    if limit < SLOW_START and _starts_slowly(view):
        message = f"[scheduler] task_queued_timeout is {limit:g} s, and instances may have to start first"
        mend = f"Set AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT to {SLOW_START:g} or more"
        yield Complaint("queued-timeout", place or view.home, message, mend)
    own = view.options.launch_timeout
    if own and own > limit:
        at = told.place(view.service, "launch_timeout", team)
        message = f"launch_timeout is {own:g} s, and [scheduler] task_queued_timeout ends after {limit:g} s"
        yield Complaint("launch-timeout", at, message, "Shorten it, or lengthen task_queued_timeout")


def _starts_slowly(view: View) -> bool:
    items = view.request.get("capacityProviderStrategy") or ()
    return view.service == "batch" or any(item.get("capacityProvider") not in PROVIDERS for item in items)


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
        yield view.complain(
            "parallelism-quota", ("overrides", "cpu"), message, "Raise the quota, or use a smaller size"
        )


def kwargs(view: View, warnings: tuple[str, ...], team: str | None) -> Iterator[Complaint]:
    """What in the options has no effect."""
    name = "run_task_kwargs" if view.service == "ecs" else "submit_job_kwargs"
    for warning in warnings:
        option, _, text = warning.partition(": ")
        if option == "job_name":
            place = view.configuration.place(view.service, "job_name", team)
            yield Complaint("job-name", place, f"job_name {text}", "Letters, digits, - and _, at most 64")
            continue
        path = text.partition(":")[0]
        where = view.origins.place(view.origins.named(path, view.request), key=True)
        at = where or view.configuration.place(view.service, name, team)
        yield Complaint("kwargs-no-effect", at, f"{name}: {text.partition('. ')[0]}", "Remove it")


def literals(view: View, team: str | None) -> Iterator[Complaint]:
    """The amazon provider documents the strategy as a Python literal."""
    if not isinstance(view.options, EcsOptions) or not view.options.capacity_provider_strategy:
        return
    said = view.configuration.airflow_says(view.options.section, "capacity_provider_strategy", team)
    given = view.configuration.file.said("ecs", team).values.get("capacity_provider_strategy")
    text = said.text if said is not None else given
    if isinstance(text, str) and not _is_json(text):
        place = view.configuration.place("ecs", "capacity_provider_strategy", team)
        ours = json.dumps(list(view.options.capacity_provider_strategy))
        yield Complaint("legacy-literal", place, "capacity_provider_strategy is no JSON", f"Write {ours}")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
