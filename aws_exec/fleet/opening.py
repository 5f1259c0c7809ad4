"""The fleet of a command: options, session, Region, rates, services, deployment."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import UnknownRegionError

from aws_exec.clouds.calls import id_of
from aws_exec.clouds.session import check_region, open_session, session_client
from aws_exec.fleet.address import Beside, locate
from aws_exec.fleet.batch import BatchFleet
from aws_exec.fleet.cost import cost_so_far
from aws_exec.fleet.ecs import EcsFleet
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.retries import Retries
from aws_exec.fleet.service import Service
from aws_exec.fleet.sources import Configured, read_configuration
from aws_exec.settings import AwsOptions
from aws_exec.settings.common.prices import Prices

#: The same price table as of `awsexec templates`.
PRICES = Prices()

#: Parallel calls to one service.
CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """The options of a command that select the fleet.

    Attributes:
        executor: `"ecs"`, `"batch"` or `"all"`.
        region, profile, endpoint_url: of AWS; empty: as configured, or boto3's.
        config: the awsexec.yaml; None: the one that Airflow would use.
        team: of the executors; None: those without a team.
        clusters, queues: to list; none: the configured ones, or all.
        may_prompt: whether botocore may prompt for the code of an MFA device.
    """

    executor: str = "all"
    region: str = ""
    profile: str = ""
    endpoint_url: str = ""
    config: Path | None = None
    team: str | None = None
    clusters: Sequence[str] = ()
    queues: Sequence[str] = ()
    may_prompt: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a service is searched.

    Attributes:
        service: `"ecs"` or `"batch"`.
        region: empty if there is none.
        locations: the names of its clusters or job queues.
    """

    service: str
    region: str
    locations: Sequence[str]


class Fleet:
    """The services of one account and Region. Thread-safe; close it when done.

    Attributes:
        configured: the executors' options.
        services: the selected ones, by name.
    """

    def __init__(self, options: FleetOptions, configured: Configured) -> None:
        self.configured = configured
        self._options = options
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._session: Any = None
        self.retries = {name: Retries() for name in ("ecs", "batch")}
        self.services: dict[str, Service] = {name: self._service(name) for name in _services(options, configured)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Make no further call."""
        for retries in self.retries.values():
            retries.close()

    def _service(self, name: str) -> Service:
        options, configured, retries = self._options, self.configured, self.retries[name]
        if name == "ecs":
            clusters = options.clusters or configured.clusters
            return EcsFleet(self.client, retries, clusters, configured.ecs.container_name)
        return BatchFleet(self.client, retries, options.queues or configured.queues, configured.batch.container_name)

    def wants(self, service: str) -> bool:
        """Return whether a service was selected, whatever is configured."""
        return self._options.executor in ("all", service)

    @property
    def region(self) -> str:
        """The Region: the option, the configured one, or boto3's; empty if there is none."""
        return self._region_of("ecs" if "ecs" in self.services else "batch")

    def _region_of(self, service: str) -> str:
        return self.region_of(self.configured.batch if service == "batch" else self.configured.ecs)

    def region_of(self, options: AwsOptions) -> str:
        """Return the Region of an executor: the option, the configured one, or boto3's; empty if there is none."""
        return str(self._options.region or options.region_name or self.session.region_name or "")

    def scope(self) -> list[Scope]:
        """Return where the selected services are searched; raises CloudError if that was not listed before."""
        return [
            Scope(name, self._region_of(name), tuple(map(id_of, each.locations())))
            for name, each in self.services.items()
        ]

    def unlisted(self) -> dict[str, str]:
        """Return the services that are not searched although no option excludes them, and why."""
        missing = {"ecs": ("cluster", "--queue"), "batch": ("job queue", "--cluster")}
        found = {}
        for name, (what, other) in missing.items():
            if name not in self.services and self.wants(name):
                named = self._options.clusters or self._options.queues
                found[name] = f"only {other} is given" if named else f"no {what} is configured"
        return found

    def locate(
        self,
        texts: Sequence[str],
        *,
        ended: bool,
        beside: Beside = lambda _, __: None,
        newest: Beside | None = None,
    ) -> list[FleetJob]:
        """Return the jobs of these addresses: `address.locate`, in these services, each in its Region."""
        return locate(self.services, self._region_of, texts, ended=ended, beside=beside, newest=newest)

    @property
    def partition(self) -> str:
        """The first part of ARNs there, `aws-cn`; `aws` without a Region or for an unknown one."""
        try:
            return str(self.session.get_partition_for_region(self.region)) if self.region else "aws"
        except UnknownRegionError:
            return "aws"

    @property
    def session(self) -> Any:
        """boto3's session; raises CloudError."""
        with self._lock:
            if self._session is None:
                self._session = open_session(self._options.profile, may_prompt=self._options.may_prompt)
            return self._session

    def client(self, service: str, region: str = "") -> Any:
        """Return a boto3 client.

        Raises:
            CloudError: none can be built; `NoRegionError` and `UnknownRegion` mean that the options are wrong.
        """
        where = region or self._region_of(service)
        session = self.session
        with self._lock:
            if (service, where) not in self._clients:
                check_region(where, self._options.endpoint_url)
                self._clients[service, where] = session_client(
                    session, service, where, self._options.endpoint_url, CONNECTIONS
                )
            return self._clients[service, where]

    def deployment_of(self, service: str) -> str:
        """Return the name of our deployment: the option, or Airflow's default, which takes seconds.

        Raises:
            MisusedError: it is unknown.
        """
        if chosen := self._chosen_deployment(service):
            return chosen
        from aws_exec.fleet.airflow_side import default_deployment  # noqa: PLC0415 - imports Airflow

        return default_deployment()

    def deployments_of(self, jobs: Iterable[FleetJob], named: str | None = None) -> dict[str, str]:
        """Return the name of our deployment for each service of these jobs, or the one that an option names.

        Raises:
            MisusedError: it is unknown.
        """
        return {service: named or self.deployment_of(service) for service in {job.service for job in jobs}}

    def deployments_in_words(self, services: Iterable[str], named: str | None = None) -> str:
        """Return the names of our deployment in quotes, with where they come from if nobody chose them.

        Raises:
            MisusedError: as `deployment_of`.
        """
        if named:
            return f'"{named}"'
        return " or ".join(dict.fromkeys(map(self._in_words, sorted(services))))

    def _in_words(self, service: str) -> str:
        source = "" if self._chosen_deployment(service) else " (derived from the database URL)"
        return f'"{self.deployment_of(service)}"{source}'

    def _chosen_deployment(self, service: str) -> str:
        return (self.configured.batch if service == "batch" else self.configured.ecs).deployment or ""

    def cost(self, job: FleetJob) -> float | None:
        """Return the cost of a job so far, by the price table; None without a price."""
        return cost_so_far(job, time.time(), PRICES)

    @property
    def prices(self) -> str:
        """The source of the costs, for people."""
        return f"an estimate: Fargate, {PRICES.region}, {PRICES.dated}"


def open_fleet(options: FleetOptions, environment: Mapping[str, str]) -> Fleet:
    """Read the configuration; makes no AWS call.

    Raises:
        MisusedError: the configuration cannot be used.
    """
    return Fleet(options, read_configuration(environment, options.config, options.team))


def _services(options: FleetOptions, configured: Configured) -> Sequence[str]:
    """Return the selected services: all that are named or configured, both if none is."""
    if options.executor != "all":
        return (options.executor,)
    named = {"ecs": bool(options.clusters), "batch": bool(options.queues)}
    if any(named.values()):
        return [name for name, is_named in named.items() if is_named]
    given = {"ecs": bool(configured.clusters), "batch": bool(configured.queues)}
    return [name for name, is_given in given.items() if is_given] or list(given)
