"""One executor on one scripted service, and a scheduler that sends a heartbeat once a second of a moved clock.

Nothing here waits for time: after each heartbeat the calls that are on their way come back, then the clock is moved on.
A call that does not come back (a read timeout, credentials that are being renewed) holds that up for milliseconds only.
"""

from __future__ import annotations

import logging
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from aws_exec.executors.base import ContainerExecutor
from aws_exec.lifecycle.values import launch_of
from tests.executors.conftest import configure
from tests.executors.harness import Scheduler, task
from tests.executors.rows import Rows, adopt
from tests.faults.checker import Evidence, Story, too_many, untracked, violations
from tests.faults.timeline import Timeline

#: Seconds (real ones) that calls on their way are waited for between two heartbeats.
SETTLING = 0.02
#: Seconds (real ones) after which the client gives an answer up.
READ_TIMEOUT = 0.1
#: Seconds of the clock that anything may take: backoffs are at most two minutes, and an outage is followed by one.
PATIENCE = 1800

KEYS = {"AWS_ACCESS_KEY_ID": "AKIATHROWAWAY0000000", "AWS_SECRET_ACCESS_KEY": "throw/away/secret/key/000000"}


class Complaints(logging.Handler):
    """Errors that were logged: the executor catches what would otherwise end the scheduler, and says so there."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record) -> None:
        self.said.append(f"{record.name}: {record.getMessage()}")


class World:
    """A context manager.

    Args:
        service: `tests.executors.services`.
        executor: the class; None: the service's own.
        seed: of what goes wrong by chance.
        describes: jobs per describe call at most; 0: as many as the executor does.
        rows: Airflow's, for `restart`; cleared at the end.
        **options: of the executor.
    """

    def __init__(
        self,
        service,
        executor: type[ContainerExecutor] | None = None,
        *,
        seed: int = 0,
        describes: int = 0,
        rows: Rows | None = None,
        **options,
    ) -> None:
        self.service = service
        self.timeline = Timeline()
        self.aws = service.scripted(clock=self.timeline, later=self.timeline.later, seed=seed)
        self.patch = pytest.MonkeyPatch()
        self.stories: list[Story] = []
        self.complaints = Complaints()
        self._executor_class = executor or service.executor
        self._own = {"CREDENTIALS_RENEWAL": (0.01, 0.02), "READ_TIMEOUT": READ_TIMEOUT, "CHECK_INTERVAL": None}
        if describes:
            self._own[service.batch_size] = describes
        self.restarts = 0
        #: Launches whose task has told the API server its result.
        self._reported: set[str] = set()
        self._rows = rows
        #: By launch id.
        self._workloads: dict[str, Any] = {}
        #: Executors of dead schedulers, whose last calls may still be on their way.
        self._dead: list[ContainerExecutor] = []
        #: Launch ids that Airflow was done with when their scheduler was killed.
        self._left: set[str] = set()
        self._options = {"conn_id": "", "poll_interval": 5, **options}
        self._pause = threading.Event()

    def __enter__(self):
        logging.getLogger("aws_exec").addHandler(self.complaints)
        self.aws.open()
        for name, value in KEYS.items():
            self.patch.setenv(name, value)
        configure(self.patch, self.service, self.aws.url, **self._options)
        self.scheduler = Scheduler(self.started())
        return self

    def __exit__(self, *exc) -> None:
        self.executor._heartbeat.dispatcher.close(0)
        self.aws.close()
        self.patch.undo()
        if self._rows is not None:
            self._rows.clear()
        logging.getLogger("aws_exec").removeHandler(self.complaints)

    def started(self) -> ContainerExecutor:
        """Another executor."""
        kind = self._executor_class
        executor = type(kind.__name__, (kind,), self._own)(parallelism=10_000, clock=self.timeline)
        executor.job_id = 1
        executor._log = logging.getLogger("aws_exec.executor")  # Airflow's own goes past our handler
        executor.start()
        return executor

    @property
    def executor(self) -> ContainerExecutor:
        return self.scheduler.executor

    # -- Airflow ------------------------------------------------------------------------------------------------------

    def queue(self, *names: str, **story) -> list[Story]:
        """Queue one task for each name."""
        added = []
        for name in names:
            workload = task(name)
            self.scheduler.queue(workload)
            self._workloads[workload.ti.external_executor_id] = workload
            added.append(Story(workload.key, workload.ti.external_executor_id, **story))
        self.stories += added
        return added

    def revoke(self, story: Story) -> None:
        story.taken_back = True
        self.executor.revoke_task(ti=SimpleNamespace(key=story.key))

    def give_up(self, story: Story) -> None:
        story.taken_back = story.given_up = True
        self.executor.fail(story.key)

    # -- the scheduler is killed --------------------------------------------------------------------------------------

    def restart(self, dead_for: int = 30, *, unheard: bool = False) -> None:
        """Kill the scheduler between two bytecodes, and have another one adopt what the rows say.

        What is at AWS by then is carried out; what waits to be sent never is. A task's row is RUNNING from when its
        user code began, and is adopted so, until its container has exited with 0 (`_report_results`) or Airflow was
        told of its end.

        Args:
            dead_for: seconds until there is another.
            unheard: it has just told Airflow what Airflow did not read.
        """
        self.scheduler.listen()
        if unheard:
            self.executor.heartbeat()
        self._dead.append(self.executor)
        self.executor._heartbeat.dispatcher.close(0)
        for _ in range(dead_for):
            self.settle()
            self.timeline.advance(1.0)
        open_ones = [s for s in self.stories if not (s.taken_back or self.scheduler.outcomes(s.key))]
        self._left |= {s.launch_id for s in self.stories} - {s.launch_id for s in open_ones}
        self._rows.replace([self._standing(story) for story in open_ones])
        self._reported.clear()
        self.scheduler.executor = self.started()
        adoption = adopt(self.executor)
        assert adoption.reset == [], "its try is burnt"
        self.restarts += 1

    def _standing(self, story: Story) -> tuple[Any, str, str]:
        """A workload, and its row's state and external id."""
        started = set(self.aws.started())
        ran = any(each.arn in started for each in self.aws.launches() if launch_of(each.token) == story.launch_id)
        external_id = self.scheduler.arn(story.key) or story.launch_id
        return self._workloads[story.launch_id], "running" if ran else "queued", external_id

    # -- time ---------------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """One heartbeat, the calls that it leads to, and one second; what must hold at any time is looked at."""
        self._report_results()
        self.scheduler.heartbeat()
        self.settle()
        wrong = [*untracked(seen := self.evidence()), *too_many(seen, self.stories)]
        assert not wrong, "\n".join(wrong)
        self.timeline.advance(1.0)

    def _report_results(self) -> None:
        """A task tells the API server its result before its container exits with 0. Before a restart it has no row."""
        if not self.restarts:
            return
        exits = self.aws.exits()
        ended = {launch_of(each.token) for each in self.aws.launches() if exits.get(each.arn) == 0} - self._reported
        for launch_id in ended & set(self._workloads):
            self._rows.set(self._workloads[launch_id].ti.task_id, state="success")
        self._reported |= ended

    def settle(self) -> None:
        """Let calls come back that are on their way, but for those that the service holds back."""
        end = time.monotonic() + SETTLING
        dispatchers = [executor._heartbeat.dispatcher for executor in (*self._dead, self.executor)]
        while sum(each.outstanding for each in dispatchers) > self.timeline.waiting and time.monotonic() < end:
            self._pause.wait(0.0003)

    def until(self, condition, patience: float = PATIENCE) -> None:
        """Go on until this holds."""
        end = self.timeline() + patience
        while not condition():
            assert self.timeline() < end, f"not within {patience} s: {self.scheduler.state()}"
            self.step()

    def pass_time(self, seconds: float) -> None:
        end = self.timeline() + seconds
        self.until(lambda: self.timeline() >= end)

    def until_over(self) -> None:
        """Go on until the executor has nothing more to do."""
        self.until(lambda: not (self.executor.machine.store.launches or self.executor.queued_tasks or self._pending()))

    # -- the checker --------------------------------------------------------------------------------------------------

    def evidence(self) -> Evidence:
        store = self.executor.machine.store
        records = list(store.launches.values())
        return Evidence(
            launches=[(launch_of(each.token), each.token, each.arn) for each in self.aws.launches()],
            alive=self.aws.running(),
            exits=self.aws.exits(),
            reports={
                key: [(state, info) for state, info in told if state in ("success", "failed")]
                for key, told in self.scheduler.told.items()
            },
            notes={s.key: self.scheduler.entries_of(s.key) for s in self.stories},
            records=[each.launch_id for each in records],
            tracked={
                *store.by_arn,
                *(each.launch_id for each in records),
                *(each.token_base for each in records),
                *self._left,
            },
            running=self.executor.running,
            pending=self._pending(),
            raised=self.complaints.said,
        )

    def violations(self) -> list[str]:
        return violations(self.evidence(), self.stories)

    def _pending(self) -> int:
        executor, dispatcher = self.executor, self.executor._heartbeat.dispatcher
        return len(executor.machine.store.outbox) + len(executor._reporter.waiting) + dispatcher.outstanding
