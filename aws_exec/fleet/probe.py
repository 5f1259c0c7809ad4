"""Probes: one container for each executor, launched as a task is, which reports what it sees from inside.

A probe's request comes from the same builder as a task's, and its command is harmless (`aws_exec.container.probe`). Its
deployment is `DEPLOYMENT`, so that no scheduler takes it for one of its own. It is stopped in every case; what cannot
be stopped ends by itself, `CHECK_SECONDS` after its start.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from aws_exec.aws_checks.batch import definition_of
from aws_exec.aws_checks.calls import CachedCalls, CallFailed, CredentialsError, Outcome, Status
from aws_exec.clouds.batch.adapter import BatchCloud
from aws_exec.clouds.cloud import Cloud, Request
from aws_exec.clouds.ecs.adapter import EcsCloud
from aws_exec.clouds.errors import CloudError
from aws_exec.clouds.session import ClientSource
from aws_exec.clouds.workload_store import ACTION, WorkloadStore
from aws_exec.container.bootstrap import probe_command
from aws_exec.container.versions import AIRFLOW, AMAZON, AWSEXEC, version_of
from aws_exec.diagnosis import diagnose, diagnose_call_failure
from aws_exec.durations import format_duration
from aws_exec.fleet import logs
from aws_exec.fleet.airflow_side import token_of_no_task
from aws_exec.fleet.batch import BatchFleet
from aws_exec.fleet.ecs import EcsFleet
from aws_exec.fleet.errors import FleetError, NoLogError
from aws_exec.fleet.explanation import explain
from aws_exec.fleet.health import LAUNCHING, WRITING, Branch, executor_config_of, executor_name, executors
from aws_exec.fleet.model import PULL, PULLED, FleetJob, State
from aws_exec.fleet.opening import PRICES, Fleet
from aws_exec.fleet.probe_findings import Expected, findings
from aws_exec.fleet.probe_record import ProbeRecord, read_record
from aws_exec.fleet.retries import RetryUntilDeadline
from aws_exec.fleet.service import Service
from aws_exec.fleet.waiting import Until
from aws_exec.fleet.waiting import wait as wait_for
from aws_exec.lifecycle.identity import Identity, started_by
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job, Observation, token_of
from aws_exec.metrics.meter import NoMeter
from aws_exec.settings.common.launch import TYPICAL, LaunchPlan
from aws_exec.settings.common.prices import Size, hourly
from aws_exec.settings.common.problems import InvalidExecutorConfig
from aws_exec.settings.file.terms import Service as ServiceName
from aws_exec.settings.rules.check import Checked, Section
from aws_exec.settings.rules.costs import SIZE_OF

#: The deployment of every probe.
DEPLOYMENT = "awsexec-probe"
#: Seconds that the checks may take in the container: importing Airflow takes ten on 0.25 vCPU, the rest are DAG files.
CHECK_SECONDS = 120.0
#: Seconds in which the log must have the record: CloudWatch has a line a second or two after it was printed.
LOG_SECONDS = 20.0
#: Lines of the log in which the record is: it is the last one.
_LAST_LINES = 20
#: How often a container is looked for whose launch was not answered, and seconds between two looks.
_LOOKS, _LOOK_SECONDS = 5, 2.0
#: Seconds that the stops have after an interruption: one call (`clouds.session`).
STOP_SECONDS = 25.0

#: Takes a sentence about what happens, for people.
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PlannedProbe:
    """One probe before its launch.

    Attributes:
        executor: the name of its executor.
        service: of it.
        section: its options and builder.
        region: where it runs.
        executor_config: of a task with the probe's template.
        location: its cluster or job queue.
        definition: its task or job definition.
        size: its resources.
    """

    executor: str
    service: ServiceName
    section: Section
    region: str
    executor_config: Mapping[str, str]
    location: str
    definition: str
    size: Size

    @property
    def hourly(self) -> float | None:
        """The cost of an hour, in US dollars; None without a price."""
        return hourly(PRICES, self.size)

    def plan(self, identity: Identity, command: Sequence[str], **more: Any) -> LaunchPlan:
        """Return the request of a container with this identity and command."""
        plan: LaunchPlan = self.section.builder.build(identity, command, self.executor_config, **more)
        return plan


def planned_probes(fleet: Fleet, branches: Sequence[Branch], template: str = "") -> list[PlannedProbe]:
    """Return what a probe launches: a container for each executor without a failed check.

    Raises:
        LookupError: the template does not exist.
        CloudError: no call is possible.
    """
    sound = {branch.executor for branch in branches if not branch.failed}
    pairs = [(service, team) for service, team in executors(fleet, template) if executor_name(service, team) in sound]
    return [_planned(fleet, service, team, template) for service, team in pairs]


def _planned(fleet: Fleet, service: ServiceName, team: str | None, template: str) -> PlannedProbe:
    section = Checked(fleet.configured.configuration, service, team).section()
    region = fleet.region_of(section.options)
    config = executor_config_of(template)
    plan = section.builder.build(TYPICAL, ["x"], config)
    size = _size(service, CachedCalls(lambda api: fleet.client(api, region)), plan.arguments)
    definition = str(plan.arguments["taskDefinition" if service == "ecs" else "jobDefinition"])
    return PlannedProbe(executor_name(service, team), service, section, region, config, plan.location, definition, size)


def _size(service: ServiceName, calls: CachedCalls, request: dict[str, Any]) -> Size:
    """Return the resources of a request; those that it leaves open are of the definition."""
    given = SIZE_OF[service](request)
    try:
        if service == "ecs":
            name = request["taskDefinition"]
            answer = calls.call("ecs", "DescribeTaskDefinition", f"task definition {name}", taskDefinition=name)
            definition = SIZE_OF["ecs"]({"overrides": answer["taskDefinition"]})
        else:
            found = definition_of(calls, request) or {}
            definition = SIZE_OF["batch"]({"containerOverrides": found.get("containerProperties")})
    except (CallFailed, CredentialsError):  # the checks report it
        return given
    vcpu, memory = given.vcpu or definition.vcpu, given.memory_mib or definition.memory_mib
    return Size(vcpu, memory, given.gpu or definition.gpu, given.storage_gib, given.fargate, given.spot)


def merged(branches: Sequence[Branch], probed: Mapping[str, Sequence[Outcome]]) -> list[Branch]:
    """Return the results of the health check with those of the probes."""
    return [replace(branch, outcomes=_merged(branch, probed.get(branch.executor))) for branch in branches]


def _merged(branch: Branch, probed: Sequence[Outcome] | None) -> list[Outcome]:
    if probed is None and not branch.failed:  # not probed: the template is not for it
        return list(branch.outcomes)
    if probed is None:
        return [*branch.outcomes, Outcome(Status.SKIP, "", "probe", "not launched: correct what failed first")]
    return [*(each for each in branch.outcomes if each.subject not in (LAUNCHING, WRITING)), *probed]


class Probing:
    """Runs planned probes side by side.

    Args:
        fleet: of the command.
        limit: seconds for all of them.
        report: takes what happens, on any thread.

    Attributes:
        over: set when nothing more is to be waited for.
        timed_out: whether that is because the limit has passed.
    """

    def __init__(self, fleet: Fleet, limit: float, report: Report) -> None:
        self.fleet = fleet
        self.limit = limit
        self.report = report
        self.over = threading.Event()
        self.timed_out = False

    def run(self, wanted: Sequence[PlannedProbe]) -> dict[str, list[Outcome]]:
        """Launch a container for each, follow them, stop what has not ended, and return the outcomes by executor.

        An exception (Ctrl-C) stops what was launched, too.
        """
        if not wanted:
            return {}
        probes = [_Probe(self, each) for each in wanted]
        timer = threading.Timer(self.limit, self._time_out)
        timer.daemon = True
        timer.start()
        pool = ThreadPoolExecutor(len(wanted), "awsexec-probe")
        futures: list[Future[list[Outcome]]] = []
        try:
            for probe in probes:
                futures.append(pool.submit(probe.run))  # noqa: PERF401 - an interruption must find those that began
            return {one.executor: future.result() for one, future in zip(wanted, futures, strict=True)}
        finally:
            timer.cancel()
            self.over.set()
            wait(futures, STOP_SECONDS)
            pool.shutdown(wait=False)

    def _time_out(self) -> None:
        self.timed_out = True
        self.over.set()


class _Probe:
    """One container, from its launch to its end; `run` on a thread of its own."""

    def __init__(self, probing: Probing, wanted: PlannedProbe) -> None:
        self._probing = probing
        self._fleet = probing.fleet
        self._over = probing.over
        self._wanted = wanted
        self._subject = str(uuid4())
        self._bearer, self._no_token = token_of_no_task(self._subject, probing.limit)
        token = token_of(str(uuid4()), 1)
        self._identity = Identity(DEPLOYMENT, token, "awsexec", "probe", "check-health", "-1", "1")
        self._cloud = self._adapter()
        self._service = self._followed_by()
        self._job: FleetJob | None = None

    def run(self) -> list[Outcome]:
        """Probe, and return the outcomes."""
        try:
            return list(self._outcomes())
        except CloudError as error:
            return [self._failed_call(error.failure)]
        except InvalidExecutorConfig as error:
            return [Outcome(Status.FAIL, "", "launch", str(error), "awsexec validate-config shows where it is wrong")]
        except FleetError as error:
            return [Outcome(Status.FAIL, "", "container", str(error), "Probe again")]
        finally:
            self._stop()

    def _outcomes(self) -> Iterator[Outcome]:
        stored, unwritten = self._store()
        if unwritten is not None:
            yield unwritten
        job = self._launch(stored)
        if isinstance(job, CallFailure):
            yield self._failed_call(job)
            return
        self._job = job = self._follow(job)
        if job.is_active:
            yield from [self._not_ended(job)] if self._probing.timed_out else ()
            return
        record, unread = self._read(job)
        yield _container(job, record, unread)
        if record is not None:
            versions = {name: version_of(name) for name in (AIRFLOW, AWSEXEC, AMAZON)}
            store = "" if unwritten else self._wanted.section.options.workload_store or ""
            unread_token = bool(record.store and record.store.error)
            no_token = "the container cannot read it from the workload store" if unread_token else self._no_token
            expected = Expected(sys.version, versions, no_token, store)
            yield from findings(record, expected)
        cost = self._fleet.cost(job)
        text = "unknown: it did not run on Fargate" if cost is None else f"${cost:.4f}, {self._fleet.prices}"
        yield Outcome(Status.PASS, "", "cost", text)

    # -- the way of the container -------------------------------------------------------------------------------------

    def _store(self) -> tuple[str, Outcome | None]:
        """Put the token into the workload store, and return its address; or why it is not there."""
        url = self._wanted.section.options.workload_store
        if not url:
            return "", None
        store = WorkloadStore(url, ClientSource(lambda: self._client("s3")), NoMeter())
        address = store.address(self._identity.launch_id)
        try:
            store.put(address, self._bearer)
        except CloudError as error:
            self._bearer, self._no_token = "", "the workload store cannot be written from here"
            hint = f"Allow {ACTION} on {url}/* here, as for the scheduler"
            message = f"{url} cannot be written from here: {error.failure}"
            return "", Outcome(Status.FAIL, ACTION, "workload store", message, hint)
        return address, None

    def _launch(self, stored: str) -> FleetJob | CallFailure:
        """Launch it; if the answer is lost, look for it, so that nothing runs unseen."""
        options = {
            "seconds": min(CHECK_SECONDS, self._probing.limit),
            "subject": self._subject,
            "bearer": "" if stored else self._bearer,
            "region": self._wanted.region,
            "stored": stored,
        }
        plan = self._wanted.plan(self._identity, probe_command(json.dumps(options)), **self._launch_type())
        if self._over.is_set():
            return CallFailure(FailureKind.NO_ANSWER, "launch", "", "there was no time left to launch it")
        [answer] = self._cloud.submit([Request(self._identity.token, plan.location, plan.arguments)])
        if isinstance(answer, CallFailure) and answer.kind is FailureKind.NO_ANSWER:
            answer = self._find(plan.location) or answer
        if isinstance(answer, CallFailure):
            return answer
        job = Job(answer.job.arn, plan.location)
        self._job = launched = FleetJob(self._wanted.service, job, self._identity, State.WAITING, "")
        self._report(f"launched {launched.id}")
        return launched

    def _find(self, location: str) -> Observation | None:
        """Return the container whose launch was not answered; AWS may show it only seconds later."""
        for _ in range(_LOOKS):
            if found := self._cloud.find([self._identity.launch_id], [location]):
                return found[0]
            self._over.wait(_LOOK_SECONDS)
        return None

    def _launch_type(self) -> dict[str, Any]:
        """Return the launch type that the cluster needs if nothing names one, as for a task."""
        builder, config = self._wanted.section.builder, self._wanted.executor_config
        if not isinstance(self._cloud, EcsCloud) or builder.names_launch_type(config):
            return {}
        return {"default_launch_type": self._cloud.default_launch_type(self._wanted.location)}

    def _follow(self, job: FleetJob) -> FleetJob:
        """Return it in its last state: ended, unless the time is over."""
        retries = RetryUntilDeadline(lambda failure: self._report(f"{failure}; trying again"), self._over)
        for until in Until.RUNNING, Until.STOPPED:
            if job.is_active:
                waiting = wait_for({job.service: self._service}, [job], until, stop=self._over, retries=retries)
                job = next(waiting, job)
                self._report(f"{job.state} after {format_duration(job.age(time.time()))}")
        seen = [job] if not job.is_active else self._service.describe(job.job.location, [job.job.arn])
        return next(iter(seen), job)

    def _read(self, job: FleetJob) -> tuple[ProbeRecord | None, str]:
        """Return the record in its log; or why there is none."""
        if job.stop is None or not job.stop.started:
            return None, ""
        until, last = time.monotonic() + LOG_SECONDS, ""
        while True:
            try:
                location = logs.location_of(self._service, job)
                # A driver may make one event of several lines (`awslogs-multiline-pattern`).
                events = [event.text for event in logs.read(self._client, location, tail=_LAST_LINES)]
                lines = [line for text in events for line in text.splitlines()]
            except NoLogError as error:
                lines, last = [], str(error)
            except FleetError as error:
                return None, str(error)
            except CloudError as error:
                return None, str(error.failure)
            for line in reversed(lines):
                if (record := read_record(line)) is not None:
                    return record, ""
            last = next((line for line in reversed(lines) if line.strip()), last)
            if time.monotonic() > until or self._over.wait(logs.FOLLOW_SECONDS):
                return None, f"it has no record; its last line: {last}"

    def _report(self, text: str) -> None:
        self._probing.report(f"{self._wanted.executor}: {text}")

    def _stop(self) -> None:
        """Stop it unless it has ended."""
        if self._job is None or not self._job.is_active:
            return
        try:
            [failure] = self._cloud.stop([self._job.job], "awsexec check-health --probe is over")
        except CloudError as error:
            failure = error.failure
        what = f"{self._job.id} in {self._wanted.location}"
        ends = f"; it ends by itself {format_duration(CHECK_SECONDS)} after its start"
        self._report(f"requested the stop of {what}" if failure is None else f"cannot stop {what}: {failure}{ends}")

    # -- what went wrong ----------------------------------------------------------------------------------------------

    def _failed_call(self, failure: CallFailure) -> Outcome:
        found = diagnose_call_failure(failure)
        call, subject = f"{self._wanted.service}:{failure.operation}", "container" if self._job else "launch"
        return Outcome(Status.FAIL, call, subject, f"{found.cause} ({failure})", found.remedy)

    def _not_ended(self, job: FleetJob) -> Outcome:
        found = explain(self._service, self._client, job, time.time())
        context = [f"{line.about}: {line.said}" for line in found.context if line.bad]
        cause = [found.diagnosis.cause] if found.diagnosis else []
        # "Nothing is wrong" would read oddly here.
        headline = "It is running." if job.state is State.RUNNING else found.headline
        message = " ".join([f"did not end within {format_duration(self._probing.limit)}.", headline, *cause, *context])
        hint = found.diagnosis.remedy if found.diagnosis else "Pass a longer --timeout"
        return Outcome(Status.FAIL, "", "container", message, hint)

    # -- AWS ----------------------------------------------------------------------------------------------------------

    def _client(self, service: str, region: str = "") -> Any:
        return self._fleet.client(service, region or self._wanted.region)

    def _adapter(self) -> Cloud:
        wanted, options = self._wanted, self._wanted.section.options
        if wanted.service == "ecs":
            return EcsCloud(
                lambda: self._client("ecs"),
                cluster=wanted.location,
                container_name=options.container_name,
                started_by=started_by(DEPLOYMENT),
            )
        return BatchCloud(
            lambda: self._client("batch"),
            job_queue=wanted.location,
            name_prefix=wanted.section.builder.name_prefix,
            deployment=DEPLOYMENT,
            container_name=options.container_name,
        )

    def _followed_by(self) -> Service:
        wanted, name = self._wanted, self._wanted.section.options.container_name
        kind = EcsFleet if wanted.service == "ecs" else BatchFleet
        return kind(self._client, self._fleet.retries[wanted.service], [wanted.location], name)


def _container(job: FleetJob, record: ProbeRecord | None, unread: str) -> Outcome:
    """Return how the container was: its start if it wrote a record, else why it did not."""
    if record is not None:
        return Outcome(Status.PASS, "", "container", _start(job, record))
    stop = job.stop
    if stop is not None and stop.exit_code == 0 and unread:
        hint = "Use the awslogs driver, and allow logs:GetLogEvents here: the container reports to its log"
        return Outcome(Status.FAIL, "logs:GetLogEvents", "container log", unread, hint)
    if stop is None:
        return Outcome(Status.FAIL, "", "container", f"ended ({job.status}), and AWS does not say why", "Probe again")
    found = diagnose(stop)
    code = "" if stop.exit_code is None else f" Exit code {stop.exit_code}."
    said = f" {found.said}" if found.said else ""
    last = f" {unread}" if unread else ""
    start = "failed" if stop.started else "never started"
    return Outcome(Status.FAIL, "", "container", f"{start}: {found.cause}{code}{said}{last}", found.remedy)


def _start(job: FleetJob, record: ProbeRecord) -> str:
    """Return how long the steps up to its start took."""
    at = {entry.what: entry.at for entry in job.timeline}
    pulls, pulled = at.get(PULL), at.get(PULLED)
    if pulls is None and record.pull_started_at and record.pull_stopped_at:
        pulls, pulled = record.pull_started_at.timestamp(), record.pull_stopped_at.timestamp()
    steps = {"provisioning": (job.created, pulls), "image pull": (pulls, pulled), "start": (pulled, job.started)}
    parts = [f"{name} {end - begin:.0f}s" for name, (begin, end) in steps.items() if begin and end]
    whole = format_duration((job.started or job.created or 0.0) - (job.created or 0.0))
    return f"started {whole} after its launch" + (f": {', '.join(parts)}" if parts else "")
