"""Addresses of jobs, and finding the jobs: an ARN, an ID, a unique prefix of either, `dag/task[map]@run`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from aws_exec.clouds.errors import CloudError
from aws_exec.fleet.errors import AmbiguousError, MisusedError, UnknownJobError
from aws_exec.fleet.listing import Problem, UnlistedError, list_fleet
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.service import FleetQuery, Service

_ECS_ID = r"[0-9a-f]{32}"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ARN = re.compile(
    rf"arn:[\w-]+:(?P<service>ecs|batch):(?P<region>[\w-]+):\d+:"
    rf"(?:task/(?:(?P<location>[\w-]+)/)?{_ECS_ID}|job/{_UUID}(?::\d+)?)"
)
_ID = re.compile(rf"{_ECS_ID}|{_UUID}")
#: A shorter one is probably a mistake, and two of a thousand jobs share three digits.
_PREFIX = re.compile(r"[0-9a-f][0-9a-f-]{3,}")
_TASK = re.compile(r"(?P<dag>[^/\s]+)/(?P<task>[^\[\]@\s]+)(?:\[(?P<map>-?\d+)\])?(?:@(?P<run>.+))?")
_CANDIDATES = 10

#: Called with a job and others with the same address.
Beside = Callable[[FleetJob, Sequence[FleetJob]], None]


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a job.

    Attributes:
        text: as it was given.
        arn, id: if it is one, in full.
        service, region, location: from an ARN; empty if it has none.
        prefix: of an ARN or an id.
        dag, task, map_index, run: if it is a task instance; the last two may be empty, for any.
    """

    text: str
    arn: str = ""
    id: str = ""
    service: str = ""
    region: str = ""
    location: str = ""
    prefix: str = ""
    dag: str = ""
    task: str = ""
    map_index: str = ""
    run: str = ""

    def means(self, job: FleetJob) -> bool:
        """Return whether a job has this address. A launch ID, which Airflow's database may hold, is an ID too."""
        who = job.identity
        if self.dag:
            same = (who.dag_id, who.task_id) == (self.dag, self.task)
            mapped = not self.map_index or (who.map_index or "-1") == self.map_index
            return same and mapped and (not self.run or who.run_id == self.run)
        if self.arn or self.id:
            return self.arn == job.job.arn or (bool(self.id) and self.id in (job.id, who.launch_id))
        return job.job.arn.startswith(self.prefix) or job.id.startswith(self.prefix)


def parse(text: str) -> Address:
    """Return the parsed address.

    Raises:
        MisusedError: it is not an address.
    """
    if found := _ARN.fullmatch(text):
        return Address(text, text, text.rpartition("/")[2], found["service"], found["region"], found["location"] or "")
    if _ID.fullmatch(text):
        return Address(text, id=text)
    if text.startswith("arn:") or _PREFIX.fullmatch(text):
        return Address(text, prefix=text)
    if found := _TASK.fullmatch(text):
        return Address(text, dag=found["dag"], task=found["task"], map_index=found["map"] or "", run=found["run"] or "")
    raise MisusedError(
        f'not a job: "{text}"',
        hint="use an ID prefix (4+ characters), an ARN, or dag/task[map]@run, for example ops/boom",
    )


def locate(
    services: Mapping[str, Service],
    region_of: Callable[[str], str],
    texts: Sequence[str],
    *,
    ended: bool,
    beside: Beside = lambda _, __: None,
    newest: Beside | None = None,
) -> list[FleetJob]:
    """Return the jobs of these addresses, in their order, each once.

    Args:
        services: to search.
        region_of: returns the Region of a service's jobs.
        texts: the addresses.
        ended: whether to search ended jobs too, if no active job matches.
        beside: called with a job and the other active jobs of its address.
        newest: called with the job that an address without a run means, of the newest run, and the jobs of other runs;
            None: such an address matches several jobs.

    Raises:
        MisusedError: an address is invalid, is in another Region, or matches several jobs.
        UnknownJobError: an address matches no job.
        CloudError: a call failed.
    """
    addresses = [parse(text) for text in dict.fromkeys(texts)]
    for address in addresses:
        _check_reach(address, services, region_of)
    found: dict[Address, list[FleetJob]] = {address: _direct(services, address) for address in addresses}
    problems: list[Problem] = []
    for query in (FleetQuery(), FleetQuery(ended_since=0.0)) if ended else (FleetQuery(),):
        lost = [address for address in addresses if not found[address] and not address.arn]
        if lost:
            _search(services.values(), query, lost, found, problems)
    located = [_the_one(address, found[address], problems, newest) for address in addresses]
    jobs = {job.job.arn: job for job in located}
    for job, address in zip(located, addresses, strict=True):
        if others := [each for each in found[address] if each.is_active and each.job.arn not in jobs]:
            beside(job, others)
    return list(jobs.values())


def _check_reach(address: Address, services: Mapping[str, Service], region_of: Callable[[str], str]) -> None:
    if not address.service:
        return
    if address.service not in services:
        hint = f"use --executor {address.service}"
        raise MisusedError(f"{address.text} is on {address.service}, which this command does not search", hint=hint)
    if address.region != (region := region_of(address.service)):
        raise MisusedError(
            f"{address.text} is in {address.region}, not in {region}", hint=f"use --region {address.region}"
        )


def _direct(services: Mapping[str, Service], address: Address) -> list[FleetJob]:
    """Return the job of an ARN or ID, without a listing."""
    if not (address.arn or address.id):
        return []
    found: list[FleetJob] = []
    for name, service in services.items():
        dashed = "-" in address.id
        if (address.service and name != address.service) or dashed is (name == "ecs"):
            continue
        for location in (address.location,) if address.location else service.locations()[: 1 if dashed else None]:
            try:
                found += service.describe(location, [address.arn or address.id])
            except CloudError as error:
                if not (address.location and error.failure.code == "ClusterNotFoundException"):
                    raise
    return found


def _search(
    services: Iterable[Service],
    query: FleetQuery,
    lost: Sequence[Address],
    found: dict[Address, list[FleetJob]],
    problems: list[Problem],
) -> None:
    for page in list_fleet(services, query):
        if isinstance(page, Problem):
            problems.append(page)
            continue
        for address in lost:
            found[address] += [job for job in page if address.means(job)]


def _the_one(
    address: Address, jobs: Sequence[FleetJob], problems: Sequence[Problem], newest: Beside | None
) -> FleetJob:
    if not jobs:
        if problems:
            raise UnlistedError(problems[0])
        raise UnknownJobError(
            f"no Airflow job {address.text} found",
            hint="awsexec list -a shows all jobs; AWS forgets ECS tasks after an hour, Batch jobs after a week",
        )
    if newest is not None and address.dag and not address.run:
        run = max(jobs, key=lambda job: job.created or 0.0).identity.run_id
        others = [job for job in jobs if job.identity.run_id != run]
        if others:
            chosen = _the_one(address, [job for job in jobs if job.identity.run_id == run], problems, newest)
            newest(chosen, others)
            return chosen
    instances = {(job.address, "") if address.dag else (job.job.arn, "") for job in jobs}
    if len(instances) > 1:
        lines = [f"{job.id}  {job.address}" for job in jobs[:_CANDIDATES]]
        more = [f"... and {len(jobs) - _CANDIDATES} more"] if len(jobs) > _CANDIDATES else []
        raise AmbiguousError(
            f"{address.text} matches {len(jobs)} jobs", [*lines, *more], "be more specific or use an ID"
        )
    # Several containers of one task instance: tries, or the remains of a deferral. Take the newest.
    return max(jobs, key=lambda job: (job.is_active, job.created or 0.0))
