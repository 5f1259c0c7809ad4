"""What the executors of all services share once they have started: intake, what Airflow takes back, adoption, the end.

Nothing here decides what happens to a job: `aws_exec.lifecycle.machine` does. Nothing raises into the scheduler.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from aws_exec.clouds.cloud import Request
from aws_exec.clouds.errors import CloudError
from aws_exec.executors import airflow_db, compat, messages
from aws_exec.executors.heartbeat import BUDGET
from aws_exec.executors.startup import StartingExecutor
from aws_exec.executors.workload import UUID_FORM, LaunchIds, QueuedRow, UnreadableRow, Workload
from aws_exec.lifecycle import effects, events
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import Owner
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job, Key, LaunchId
from aws_exec.metrics import catalogue
from aws_exec.redaction import redact
from aws_exec.settings import InvalidExecutorConfig

Command: TypeAlias = Sequence[Any]
ExecutorConfig: TypeAlias = dict[str, Any]

#: Seconds that `end()` and `terminate()` keep for calls that are on their way, at most; and the share of their time.
CLOSING = 5.0
CLOSING_SHARE = 0.1

#: Seconds between two looks of theirs, at least: an interval of 0 is no reason to keep a core busy. And at most: an
#: answer of AWS takes about as long.
SHORTEST_LOOK = 0.05
LONGEST_LOOK = 0.1

#: Seconds that `terminate()` waits for the ends of what it stops, at least: a container may take 30 to die of SIGTERM.
TERMINATING = 40.0


class ContainerExecutor(StartingExecutor):
    """An executor that runs every workload in a container of its own; a service is a subclass."""

    supports_multi_team = True
    supports_task_instance_uuid = True
    pre_assigns_external_executor_id = True
    is_local = False
    serve_logs = False

    CommandType = Command
    ExecutorConfigType = ExecutorConfig

    def _job_of(self, external_id: str, location: str) -> Job | None:
        """The job that Airflow's external executor id names; None if it names none."""
        raise NotImplementedError

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._launch_ids = LaunchIds()

    # -- intake ---------------------------------------------------------------------------------------------------

    def _process_workloads(self, workload_items: Sequence[Any]) -> None:
        """Take workloads in, as many as a beat has time for; the rest stay in Airflow's queue for the next."""
        begun = self._clock()
        for item in workload_items:
            try:
                self._take(item)
            except Exception as error:
                self.log.exception("A workload could not be taken in")
                self._refuse(item, error)
            self._spent = self._clock() - begun
            if self._spent >= BUDGET:
                return

    def _take(self, item: Any) -> None:
        key = compat.key_of(item)
        ti = getattr(item, "ti", None)
        self.execute_async(key, [item], getattr(ti, "queue", None), getattr(ti, "executor_config", None))
        self.running.add(key)  # type: ignore[arg-type] # Airflow's annotation knows no callback keys
        compat.forget_queued(self, key)

    def _refuse(self, item: Any, error: Exception) -> None:
        """Fail one workload that nobody can run, and no other."""
        try:
            key: Any = compat.key_of(item)
        except Exception:
            # Of a kind that Airflow does not queue here: it has no key, so there is nothing to be told of it.
            self.log.exception("A workload of type %s has no key", type(item).__name__)
            return
        compat.forget_queued(self, key)
        text = redact(f"awsexec could not take the task in: {type(error).__name__}: {error}")
        self._say_over(key, text, success=False)
        self._tell(key, text)

    def execute_async(
        self,
        key: Any,
        command: Command,
        queue: str | None = None,
        executor_config: ExecutorConfig | None = None,
    ) -> None:
        """Take one workload in; it is launched by a later beat.

        Args:
            key: Airflow's key of it.
            command: `[workload]`, or a command line.
            queue: Airflow's queue; unknown ones mean nothing.
            executor_config: of the task; a wrong one fails this task when it is launched, with the reason.
        """
        workload = command[0] if len(command) == 1 else None
        launch_id = self._launch_ids.of(workload)
        self._forget_what_was_said(key)
        self._handle(
            events.WorkloadQueued(
                launch_id=launch_id, key=key, workload=Workload(key, command, queue, executor_config or None)
            )
        )

    def _compose(self, submit: effects.Submit) -> Request:
        """Make the request of one launch; on a lane's thread, at the moment of launching: the token is minted here."""
        workload: Any = submit.workload
        if isinstance(workload, UnreadableRow):
            text = "the task's row in Airflow's database cannot be read here"
            raise CloudError(CallFailure(FailureKind.REFUSED, "adoption", workload.error, text))
        identity = workload.identity(submit.token, self._deployment, str(self.job_id or ""))
        try:
            plan = self._plan(workload, workload.words(self.jwt_generator), identity)
        except InvalidExecutorConfig as error:
            raise CloudError(CallFailure(FailureKind.INVALID, messages.OURS, message=str(error))) from error
        self._locations.use(plan.location)
        return Request(identity.token, plan.location, plan.arguments)

    def _confirm(
        self, launches: Sequence[tuple[LaunchId, Key]], read: Collection[LaunchId]
    ) -> dict[LaunchId, Workload | UnreadableRow | None]:
        """Which launches are still this scheduler's, and what those to be read run; on a thread of its own."""
        known = [launch for launch in launches if launch[0] not in read]
        adopted = [launch for launch in launches if launch[0] in read]
        return {
            **dict.fromkeys(airflow_db.still_ours(known, self.job_id) if known else ()),
            **(airflow_db.read_workloads(adopted, self.job_id, **compat.made_with(self)) if adopted else {}),
        }

    def _settle(self, launches: Sequence[tuple[LaunchId, Key]]) -> Mapping[LaunchId, bool]:
        """The ends of which launches are news to Airflow, and whether its row runs; on a thread of its own."""
        return airflow_db.awaited(launches, self.job_id)

    def _unwanted(self, launches: Sequence[tuple[LaunchId, Key]]) -> Mapping[LaunchId, str]:
        """Which of these launches Airflow no longer wants, and why; on a thread of its own."""
        if self.CHECK_INTERVAL is None:
            return {}
        return airflow_db.unwanted(launches, partial(compat.named, self))

    def _owners(self, identities: Sequence[Identity]) -> list[Owner]:
        """Whose these containers are; on a thread of its own."""
        return airflow_db.owners(identities, self.job_id)

    def _unfinished_callbacks(self) -> list[LaunchId]:
        """The launch ids of callbacks that are not over, but for those here; on a thread of its own."""
        return [each for each in airflow_db.unfinished_callbacks() if each not in self._had_at_survey]

    # -- what Airflow takes back ----------------------------------------------------------------------------------

    def change_state(self, key: Any, state: Any, info: Any = None, remove_running: bool = True) -> None:
        """Airflow's way to put a state into the event buffer, and to declare a task terminal by itself.

        A terminal state that this executor did not report (a heartbeat timeout, a task stuck in queued) is the end of
        the launch for Airflow: its container is stopped and followed to its end, and nothing more is reported.
        """
        super().change_state(key, state, info, remove_running)
        if not compat.is_terminal(state):
            return
        self._ends.pop(key, None)  # Airflow has spoken: an end of ours that waited is said no more
        try:
            self._handle(events.FailedByAirflow(key=key))
        except Exception:
            self.log.exception("%s could not be given up", compat.named(self, key))

    def revoke_task(self, *, ti: Any) -> None:
        """Free the task's key at once and stop its container; reports nothing, never raises.

        The last known reason why it did not run becomes a task event. A new launch of the same task instance waits
        until the container has ended.
        """
        try:
            key = compat.task_key(ti)
            compat.forget_queued(self, key)
            self._handle(events.Revoked(key=key))
            self._forget_what_was_said(key)
            self.running.discard(key)
        except Exception:
            self.log.exception("A task could not be revoked")

    # -- adoption -------------------------------------------------------------------------------------------------

    def try_adopt_task_instances(self, tis: Sequence[Any]) -> Sequence[Any]:
        """Adopt what another scheduler left; what is returned is reset by Airflow, and loses a try.

        Accepts whatever it can identify, and verifies in the background. Never blocks on AWS, never raises.
        """
        begun = self._clock()
        # By identity: after an error of the database even `ti.id` may be a query that raises.
        adopted: set[int] = set()
        try:
            for ti, row in airflow_db.adoptable(tis):
                if self._try_adopt(row):
                    adopted.add(id(ti))
        except Exception:
            self.log.exception("Adoption stopped after %d of %d task instances", len(adopted), len(tis))
        if adopted:
            self.log.info("Adopted %d task instances from another scheduler", len(adopted))
        self._metering.meter.tell(catalogue.ADOPTION, self._clock() - begun)
        return [ti for ti in tis if id(ti) not in adopted]

    def _try_adopt(self, row: airflow_db.Row) -> bool:
        """Whether it is ours now; a row that cannot be understood must not cost the others their try."""
        try:
            return self._adopt(row)
        except Exception:
            self.log.exception("%s could not be adopted", compat.named(self, row.key))
            return False

    def _adopt(self, row: airflow_db.Row) -> bool:
        location = self._location_of(row.executor_config, row.queue)
        self._locations.use(location)
        job = self._job_of(row.external_id, location)
        if job is not None:
            # Derived from the job, so that every later scheduler gives its replacements the same tokens.
            launch_id = str(uuid5(NAMESPACE_URL, job.arn))
        elif UUID_FORM.fullmatch(row.external_id):
            launch_id = row.external_id
        else:
            return False
        self._launch_ids.remember(launch_id)
        workload = QueuedRow(row.key) if row.queued else None
        self._handle(
            events.Adopted(
                launch_id=launch_id, key=row.key, job=job, workload=workload, location=location, origin=row.origin
            )
        )
        if self.machine.owns(row.key):
            self.running.add(row.key)  # type: ignore[arg-type] # likewise
        else:
            self._adopted_by_nobody.add(row.key)
        return True

    # -- the end --------------------------------------------------------------------------------------------------

    def end(self, heartbeat_interval: float = 10) -> None:
        """Launch and replace nothing more; wait for what no other scheduler could finish, and leave the jobs.

        That is launches whose answer is out, and stops that are decided and not sent. Jobs that run are adopted by the
        next scheduler, which cannot begin before this one is gone; what is reported now is never read
        (docs/adr/0014). Takes at most `shutdown_timeout` in all; 0 leaves at once.

        Args:
            heartbeat_interval: seconds between two looks, at most.
        """
        timeout = self._options.shutdown_timeout if self._options is not None else 0.0
        self._shut(events.Draining(), heartbeat_interval, timeout)

    def terminate(self) -> None:
        """Stop every job this executor owns, bounded in time; one failed stop spares no other."""
        timeout = self._options.shutdown_timeout if self._options is not None else 0.0
        self._shut(events.Terminating(), 1.0, max(timeout, TERMINATING))

    def _shut(self, event: events.Event, interval: float, timeout: float) -> None:
        try:
            self._handle(event)
            end = self._clock() + timeout
            deadline = end - min(CLOSING, CLOSING_SHARE * timeout)
            while self.machine.unfinished(deadline) and (left := deadline - self._clock()) > 0:
                self.sync()
                time.sleep(min(max(interval, SHORTEST_LOOK), left, LONGEST_LOOK))
            self.sync()
            closing = min(CLOSING, max(end - self._clock(), 0.0))
            if self._dispatcher is not None and not self._dispatcher.close(closing):
                self.log.warning("Calls to AWS are still under way; leaving them")
            self._metering.flush(self._levels())
            self._take_in_completions(self._clock() + BUDGET)
            if unanswered := self.machine.unfinished():
                self.log.warning("AWS has not answered %d launches and stops; leaving them", unanswered)
            if watched := len(self.machine.store.watched):
                self.log.info("Leaving %d jobs to be adopted by the next scheduler", watched)
        except Exception:
            self.log.exception("%s could not end in order", type(self).__name__)

    def debug_dump(self) -> None:
        """Log what there is, on SIGUSR2."""
        super().debug_dump()  # type: ignore[no-untyped-call] # Airflow annotates it not
        counts: dict[str, int] = {}
        for launch in self.machine.store.launches.values():
            counts[launch.phase.value] = counts.get(launch.phase.value, 0) + 1
        self.log.info("launches by phase: %s", counts)
