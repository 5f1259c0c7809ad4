"""AWS Batch as a `Cloud`: one job per launch, whose name carries the launch token.

Quirks of the service: SubmitJob has no idempotency token, so a launch in doubt is searched for by name; ListJobs takes
one filter at a time, and a filter makes it ignore the status; a launch id may be the id of a job that the Amazon
provider submitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from aws_exec.chunked import chunked
from aws_exec.clouds.batch.job import ACTIVE, FINISHED, SERVICE, Detail, identity_in, observation, renamed
from aws_exec.clouds.batch.termination import Stopper, is_not_found
from aws_exec.clouds.calls import TRIES, Calls, id_of, listed, look_around
from aws_exec.clouds.cloud import Answer, Capabilities, Description, Request
from aws_exec.clouds.errors import CloudError, failure_of, is_denied
from aws_exec.lifecycle.job_name import token_in
from aws_exec.lifecycle.orphans import FleetMember
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job, LaunchId, Observation, Status, launch_of, token_of
from aws_exec.metrics.meter import Meter, NoMeter

#: AWS Batch API Reference, DescribeJobs: ids per call.
PAGE = 100
#: A job id that no job has; the Amazon provider's health check asks for the same.
NO_JOB = "a" * 32
#: So many launches are looked for by name, one call each; listing a queue is at least as many calls as it has statuses.
BY_NAME = 25
#: Finished jobs stay listed for a week. So many pages of a thousand are searched in one status of one queue: what is
#: older ran long ago, and Airflow knows how it went.
FINISHED_PAGES = 20


class BatchCloud:
    """AWS Batch, for one deployment.

    Args:
        client: the boto3 client to use now; asked before each call, and expected to be quick.
        job_queue: name or ARN: where jobs without a location are.
        name_prefix: of the names of all our jobs (`aws_exec.lifecycle.job_name.prefix_of`).
        deployment: which of the jobs with that prefix are ours (`Identity.deployment`).
        container_name: the Airflow container's in multi-container job definitions; empty if there are none.
        before_read: called before each API call of a read; waits as long as the rate demands. False: do not call.
        meter: counts every API call.
    """

    def __init__(
        self,
        client: Callable[[], Any],
        *,
        job_queue: str,
        name_prefix: str,
        deployment: str,
        container_name: str = "",
        before_read: Callable[[], bool] = lambda: True,
        meter: Meter = NoMeter(),  # noqa: B008 -- it has no state
    ) -> None:
        self._calls = Calls(client, before_read, tagging="batch:TagResource", meter=meter)
        self._job_queue = job_queue
        self._name_prefix = name_prefix
        self._deployment = deployment
        self._container_name = container_name
        self._stopper = Stopper(self._calls)

    @property
    def capabilities(self) -> Capabilities:
        """No token of ours makes a second SubmitJob harmless; `stop_batch` shrinks if there is no bulk call."""
        return Capabilities(SERVICE, idempotent_submit=False, describe_batch=PAGE - 1, stop_batch=self._stopper.at_once)

    # -- submit -------------------------------------------------------------------------------------------------------

    def submit(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Submit one job each. The same token twice makes two jobs: look first."""
        return [self._submit_job(request) for request in requests]

    def _submit_job(self, request: Request) -> Answer:
        try:
            answer = self._calls.launch("SubmitJob", "submit_job", request.arguments)
        except Exception as error:  # noqa: BLE001 -- an answer for each request: one must not take the others with it
            return failure_of(error, "SubmitJob")
        arn = answer.get("jobArn") or answer.get("jobId")
        if not arn or not isinstance(arn, str):
            # It said neither yes nor no: the job has to be looked for.
            return CallFailure(FailureKind.NO_ANSWER, "SubmitJob", "EmptyAnswer", "no job id")
        return Observation(Job(arn, request.location), Status.STARTING, token=request.token)

    # -- describe -----------------------------------------------------------------------------------------------------

    def describe(self, location: str, jobs: Sequence[Job]) -> Description:  # noqa: ARG002 -- a job is known by its id alone
        """Look at jobs; what the answer does not contain is missing."""
        seen: list[Observation] = []
        missing: list[Job] = []
        for chunk in chunked(jobs, PAGE):
            missing += look_around(chunk, partial(self._look_at, seen=seen, missing=missing), _is_malformed)
        return Description(tuple(seen), tuple(missing))

    def _look_at(self, jobs: Sequence[Job], *, seen: list[Observation], missing: list[Job]) -> None:
        known = {detail["jobId"]: detail for detail in self._describe_page([id_of(job.arn) for job in jobs])}
        for job in jobs:
            detail = known.get(id_of(job.arn))
            if detail is None:
                missing.append(job)
            else:
                seen.append(self._see(detail, job))

    def _describe_page(self, ids: Sequence[str], tries: int = 1) -> Sequence[Detail]:
        if not ids:
            return ()
        answer = self._calls.read("DescribeJobs", "describe_jobs", tries=tries, jobs=list(ids))
        return listed(answer, "DescribeJobs", "jobs", "jobId")

    def _see(self, detail: Detail, job: Job) -> Observation:
        return observation(detail, job, container_name=self._container_name, name_prefix=self._name_prefix)

    def list_running(self, location: str, jobs: Sequence[Job]) -> Sequence[Job]:
        """The jobs that are not listed as RUNNING in their queue."""
        return self._calls.unlisted(jobs, lambda: self._running(location), "ListJobs")

    def _running(self, location: str) -> Iterable[str]:
        pages = self._list(location, jobStatus="RUNNING")
        return (each.get("jobArn") or each["jobId"] for page in pages for each in page)

    # -- find and list_fleet ------------------------------------------------------------------------------------------

    def find(self, token_bases: Sequence[LaunchId], locations: Sequence[str]) -> Sequence[Observation]:
        """The jobs of these launches: by id, then by name, or among all of a queue where there are many to look for.

        A job that is found by its id has the token `<id>-0` if it carries none: the Amazon provider submitted it.
        Without the right to list, jobs are found by id only; of any other launch nobody knows whether it has a job, and
        to submit it on the quiet could make a second one. A queue that cannot be listed hides nothing of the others.

        Raises:
            CloudError: the service did not say; also if a launch was not found and a queue was not listed.
        """
        locations = tuple(dict.fromkeys(locations or ("",)))
        found = self._with_ids(token_bases, locations)
        wanted = {
            token_base
            for token_base in token_bases
            if token_base not in {launch_of(seen.token or "") for seen in found}
        }
        ids, unlisted = self._search_all(locations, wanted, (ACTIVE, FINISHED))
        found += [seen for _, seen in self._described(ids) if launch_of(seen.token or "") in wanted]
        if unlisted is not None and wanted - {launch_of(seen.token or "") for seen in found}:
            raise unlisted
        # If a token has two jobs, the active one counts, and comes last.
        return sorted(found, key=lambda seen: seen.status is not Status.STOPPED)

    def _with_ids(self, token_bases: Sequence[LaunchId], locations: Sequence[str]) -> list[Observation]:
        found = []
        for chunk in chunked(token_bases, PAGE):
            for detail in self._describe_page(chunk, TRIES):
                queue = str(detail.get("jobQueue") or "")
                location = next(
                    (location for location in locations if id_of(location or self._job_queue) == id_of(queue)), queue
                )
                seen = self._see(detail, Job(str(detail.get("jobArn") or detail["jobId"]), location))
                found.append(renamed(seen, token_of(detail["jobId"], 0)))
        return found

    def _search_all(
        self, locations: Sequence[str], wanted: set[LaunchId], where: Sequence[Sequence[str]]
    ) -> tuple[dict[str, str], CloudError | None]:
        """The ids of the jobs of these launches, each with its location; the error, if some location was not listed."""
        ids: dict[str, str] = {}
        unlisted: CloudError | None = None
        for location in locations if wanted else ():
            try:
                ids |= dict.fromkeys(self._search(location, wanted, where), location)
            except _UnlistedError as error:
                unlisted = error
        return ids, unlisted

    def _search(self, location: str, wanted: set[LaunchId], where: Sequence[Sequence[str]]) -> list[str]:
        """The ids of the jobs of these launches in one queue; of many, in one group of statuses after the other."""
        lost = set(wanted)
        ids: list[str] = []
        for statuses in where:
            if len(lost) <= BY_NAME:
                return ids + [each for token_base in sorted(lost) for each in self._named(location, token_base)]
            # A launch has at most one job at a time: one that is active, in the first group, is its newest.
            ids += self._listed(location, lost, statuses)
        return ids

    def _listed(self, location: str, lost: set[LaunchId], statuses: Iterable[str]) -> list[str]:
        """The ids of these launches' jobs in these statuses; takes what it finds out of `lost`."""
        found: dict[str, LaunchId] = {}
        for status in statuses:
            for number, page in enumerate(self._list(location, jobStatus=status)):
                for summary in page:
                    token_base = launch_of(token_in(summary["jobName"], self._name_prefix) or "")
                    if token_base in lost:
                        found[summary["jobId"]] = token_base
                if status in FINISHED and (number + 1 == FINISHED_PAGES or lost <= set(found.values())):
                    break
        lost -= set(found.values())
        return list(found)

    def _named(self, location: str, token_base: LaunchId) -> list[str]:
        filters = [{"name": "JOB_NAME", "values": [f"{self._name_prefix}-{token_base}*"]}]
        return [
            summary["jobId"]
            for page in self._list(location, filters=filters)
            for summary in page
            if launch_of(token_in(summary["jobName"], self._name_prefix) or "") == token_base
        ]

    def list_fleet(self, locations: Sequence[str], ended_of: Sequence[LaunchId] = ()) -> Sequence[FleetMember]:
        """The running fleet of this deployment; nothing, with one warning, of what may not or cannot be listed."""
        locations = tuple(dict.fromkeys(locations or ("",)))
        ids: dict[str, str] = {}
        for location in locations:
            with suppress(_UnlistedError):
                ids |= dict.fromkeys(self._active(location), location)
        fleet = [each for each in self._members(ids) if each.seen.status is not Status.STOPPED]
        lost = set(ended_of) - {each.identity.launch_id for each in fleet}
        return [*fleet, *self._members(self._search_all(locations, lost, (FINISHED,))[0])]

    def _members(self, ids: dict[str, str]) -> list[FleetMember]:
        """The jobs with these ids, each with its location, that are of this deployment."""
        return [
            FleetMember(seen, identity)
            for detail, seen in self._described(ids)
            if (identity := identity_in(detail)) is not None and identity.deployment == self._deployment
        ]

    def _active(self, location: str) -> Iterable[str]:
        # In the order in which a job goes through them: one that moves on meanwhile is met again, not missed.
        for status in ACTIVE:
            for page in self._list(location, jobStatus=status):
                yield from (each["jobId"] for each in page if token_in(each["jobName"], self._name_prefix))

    def _described(self, ids: dict[str, str]) -> list[tuple[Detail, Observation]]:
        """The jobs with these ids, each with its location."""
        return [
            (detail, self._see(detail, Job(str(detail.get("jobArn") or detail["jobId"]), ids[detail["jobId"]])))
            for chunk in chunked(ids, PAGE)
            for detail in self._describe_page(chunk, TRIES)
        ]

    def _list(self, location: str, **arguments: Any) -> Iterable[Sequence[Detail]]:
        """Pages of a queue's jobs; none where there is no such queue (any more)."""
        queue = location or self._job_queue
        begun = False
        try:
            for page in self._calls.pages(
                "ListJobs", "list_jobs", "jobSummaryList", "jobId", jobQueue=queue, **arguments
            ):
                begun = True
                yield page
        except CloudError as error:
            failure = error.failure
            if is_not_found(failure):
                self._calls.warn_once(queue, "There is nothing to be found in job queue %s (%s)", queue, failure)
            elif is_denied(failure):
                self._calls.warn_once(
                    "list", "Listing jobs is denied, so they are found by their id only (%s)", failure
                )
                raise _UnlistedError(failure) from error
            elif _is_unfit(failure) and queue != self._job_queue and not begun:
                # A DAG author wrote it (an ARN of another region, ...): it must not blind us to the other queues.
                self._calls.warn_once(queue, "Job queue %s cannot be listed (%s)", queue, failure)
                raise _UnlistedError(failure) from error
            else:
                raise

    # -- stop and check -----------------------------------------------------------------------------------------------

    def stop(self, jobs: Sequence[Job], reason: str) -> Sequence[CallFailure | None]:
        """Terminate jobs, which cancels those that have not started; one that Batch does not know needs no stopping."""
        return self._stopper.stop(jobs, reason)

    def check(self) -> CallFailure | None:
        """Describe a job that cannot exist: an empty answer takes everything but the right to submit."""
        try:
            self._calls.call("DescribeJobs", "describe_jobs", {"jobs": [NO_JOB]})
        except Exception as error:  # noqa: BLE001 -- the failure is the answer
            return failure_of(error, "DescribeJobs")
        return None


class _UnlistedError(CloudError):
    """A queue may not be listed, or cannot be."""


def _is_unfit(failure: CallFailure) -> bool:
    """What was named is none that Batch can have: of an identifier that is not valid it says ClientException."""
    return failure.kind is FailureKind.INVALID or (
        failure.kind is FailureKind.REFUSED and failure.code == "ClientException"
    )


def _is_malformed(failure: CallFailure) -> bool:
    """One id among those asked for is none that Batch can have."""
    return failure.code == "ClientException" and failure.kind is FailureKind.INVALID
