"""From what a person asks for to services that can be asked: options, session, region, rates, deployment."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import UnknownRegionError

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

#: What jobs cost; the same table as of `awsexec templates`.
PRICES = Prices()

#: Calls to one service at once, of this command.
CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """What a command was asked for, as far as it says where the fleet is.

    Attributes:
        executor: `"ecs"`, `"batch"` or `"all"`.
        region, profile, endpoint_url: of AWS; empty: as configured, else as boto3 finds them.
        config: the awsexec.yaml; None: the one that counts.
        team: whose executors; None: those of no team.
        clusters, queues: to look at; none: those that are configured, else all there are.
        may_prompt: whether botocore may ask on the terminal for the code of an MFA device.
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


class Fleet:
    """The services of one account and Region. Thread-safe; close it when done.

    Attributes:
        configured: the executors' options.
        services: by name, those that were asked for.
    """

    def __init__(self, asked: FleetOptions, configured: Configured) -> None:
        self.configured = configured
        self._asked = asked
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._session: Any = None
        self.retries = {name: Retries() for name in ("ecs", "batch")}
        self.services: dict[str, Service] = {name: self._service(name) for name in _services(asked, configured)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Ask for nothing more."""
        for retries in self.retries.values():
            retries.close()

    def _service(self, name: str) -> Service:
        asked, configured, retries = self._asked, self.configured, self.retries[name]
        if name == "ecs":
            clusters = asked.clusters or configured.clusters
            return EcsFleet(self.client, retries, clusters, configured.ecs.container_name)
        return BatchFleet(self.client, retries, asked.queues or configured.queues, configured.batch.container_name)

    def wants(self, service: str) -> bool:
        """Whether a service was asked for, whatever is configured of it."""
        return self._asked.executor in ("all", service)

    @property
    def region(self) -> str:
        """The Region, as asked for, configured, or found by boto3; empty if there is none."""
        return self._region_of("ecs" if "ecs" in self.services else "batch")

    def _region_of(self, service: str) -> str:
        return self.region_of(self.configured.batch if service == "batch" else self.configured.ecs)

    def region_of(self, options: AwsOptions) -> str:
        """The Region of an executor with these options: asked for, configured, or boto3's; empty if there is none."""
        return str(self._asked.region or options.region_name or self.session.region_name or "")

    def locate(self, texts: Sequence[str], *, ended: bool, beside: Beside = lambda _, __: None) -> list[FleetJob]:
        """The jobs of these addresses: `address.locate`, in these services, each in its Region."""
        return locate(self.services, self._region_of, texts, ended=ended, beside=beside)

    @property
    def partition(self) -> str:
        """The first part of ARNs there, `aws-cn`; `aws` where there is no Region, or one that nobody knows."""
        try:
            return str(self.session.get_partition_for_region(self.region)) if self.region else "aws"
        except UnknownRegionError:
            return "aws"

    @property
    def session(self) -> Any:
        """boto3's session; raises CloudError."""
        with self._lock:
            if self._session is None:
                self._session = open_session(self._asked.profile, may_prompt=self._asked.may_prompt)
            return self._session

    def client(self, service: str, region: str = "") -> Any:
        """A boto3 client.

        Raises:
            CloudError: none can be built; `NoRegionError` and `UnknownRegion` are of what was asked for.
        """
        where = region or self._region_of(service)
        session = self.session
        with self._lock:
            if (service, where) not in self._clients:
                check_region(where, self._asked.endpoint_url)
                self._clients[service, where] = session_client(
                    session, service, where, self._asked.endpoint_url, CONNECTIONS
                )
            return self._clients[service, where]

    def deployment_of(self, service: str) -> str:
        """Whose jobs are ours: the option, else what this Airflow is called by default, which takes seconds.

        Raises:
            MisusedError: it cannot be told.
        """
        options = self.configured.batch if service == "batch" else self.configured.ecs
        if options.deployment:
            return options.deployment
        from aws_exec.fleet.airflow_side import default_deployment  # noqa: PLC0415 - imports Airflow

        return default_deployment()

    def cost(self, job: FleetJob) -> float | None:
        """What a job has cost so far, by the price table; None where it has no price."""
        return cost_so_far(job, time.time(), PRICES)

    @property
    def prices(self) -> str:
        """Where costs come from, for people."""
        return f"an estimate: Fargate, {PRICES.region}, {PRICES.dated}"


def open_fleet(asked: FleetOptions, environment: Mapping[str, str]) -> Fleet:
    """Read the configuration; AWS is not called yet.

    Raises:
        MisusedError: the configuration cannot be used.
    """
    return Fleet(asked, read_configuration(environment, asked.config, asked.team))


def _services(asked: FleetOptions, configured: Configured) -> Sequence[str]:
    """Those that were asked for: all that are configured or named, both if none is."""
    if asked.executor != "all":
        return (asked.executor,)
    named = {"ecs": bool(asked.clusters), "batch": bool(asked.queues)}
    if any(named.values()):
        return [name for name, is_named in named.items() if is_named]
    given = {"ecs": bool(configured.clusters), "batch": bool(configured.queues)}
    return [name for name, is_given in given.items() if is_given] or list(given)
