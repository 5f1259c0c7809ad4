"""The fleet listing: what runs of this deployment, in every location where a job of this executor may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from airflow.executors.base_executor import BaseExecutor

from aws_exec.clouds.cloud import Cloud
from aws_exec.executors import compat
from aws_exec.executors.airflow_db import AirflowDatabase
from aws_exec.executors.locations import Locations
from aws_exec.lifecycle.orphans import FleetMember
from aws_exec.lifecycle.values import LaunchId


class FleetLister:
    """Lists the fleet, one listing after the other, each in three steps on three threads.

    Attributes:
        locations: where jobs of this executor may be.
    """

    def __init__(self, executor: BaseExecutor, database: AirflowDatabase, clock: Callable[[], float]) -> None:
        self._executor = executor
        self._database = database
        self._clock = clock
        self._cloud: Cloud | None = None
        self.locations = Locations((), clock)
        #: Launches that were here when the last listing was prepared; replaced as a whole: lanes read it.
        self._known: frozenset[LaunchId] = frozenset()

    def configure(self, cloud: Cloud, locations: Iterable[str]) -> None:
        """List the fleet of this cloud, in these locations and those that launches and adoption use."""
        self._cloud = cloud
        self.locations = Locations(locations, self._clock)

    def prepare(self, launches: Mapping[LaunchId, Any]) -> None:
        """Note which launches are here; on the scheduler's thread, when the listing is handed over."""
        self._known = frozenset([*launches, *compat.queued_callbacks(self._executor)])
        for location in {launch.location for launch in launches.values() if launch.location}:
            self.locations.use(location)

    def unfinished_callbacks(self) -> list[LaunchId]:
        """Return the callbacks that are not over and not here; on the database thread.

        Should their containers have ended, it may be that nobody else would report that to Airflow.
        """
        return [each for each in self._database.unfinished_callbacks() if each not in self._known]

    def list_fleet(self, ended_of: Sequence[LaunchId]) -> Sequence[FleetMember]:
        """Return the running containers of this deployment, and the ended ones of these launches; on a read lane."""
        cloud = self._cloud
        if cloud is None:
            return ()
        return self.locations.list_all(lambda locations: cloud.list_fleet(locations, ended_of))
