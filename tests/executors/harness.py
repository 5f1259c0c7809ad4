"""Workloads as the scheduler makes them, and a scheduler that only sends heartbeats."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from pathlib import Path
from uuid import uuid4

from aws_exec.executors import compat
from tests.executors.versions import BundleInfo, CallbackDTO, ExecuteCallback, ExecuteTask, TaskInstanceDTO, ti_id

#: Seconds that anything awaited may take, on a machine that is busy with other things.
PATIENCE = 30.0

#: What tells one try of a task instance from all others, as the tests have them: none has a loop.
NAMES = ("dag_id", "task_id", "run_id", "map_index", "try_number")


class FastClock:
    """Time that passes faster: backoffs of seconds cost a test milliseconds."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._from = time.monotonic()

    def __call__(self) -> float:
        now = time.monotonic()
        return self._from + (now - self._from) * self._speed


def task(name="load", *, number=1, launch_id="fresh", **fields):
    """One workload, as the scheduler queues it: no token, the launch id pre-assigned."""
    ti = {
        "dag_version_id": uuid4(),
        "dag_id": "etl",
        "task_id": name,
        "run_id": "manual__2026-11-22T00:00:00+00:00",
        "try_number": number,
        "map_index": -1,
        "pool_slots": 1,
        "queue": "default",
        "priority_weight": 1,
        "external_executor_id": str(uuid4()) if launch_id == "fresh" else launch_id,
        **fields,
    }
    return ExecuteTask(
        ti=TaskInstanceDTO(**{"id": ti_id(*(ti[name] for name in NAMES)), **ti}),
        token="",
        dag_rel_path=Path("etl.py"),
        bundle_info=BundleInfo(name="dags-folder"),
        log_path="dag_id=etl/run_id=manual/task_id=load/attempt=1.log",
    )


def callback():
    """One callback, as the scheduler queues it."""
    return ExecuteCallback(
        callback=CallbackDTO(id=str(uuid4()), fetch_method="import_path", data={"path": "alerts.late", "kwargs": {}}),
        token="",
        dag_rel_path=Path("etl.py"),
        bundle_info=BundleInfo(name="dags-folder"),
        log_path="executor_callbacks/etl/run/1",
    )


def again(workload, **fields):
    """The same task instance queued anew, as after a deferral or a reschedule: same id and try, another launch id.

    With another try number as after a retry: another id, too.
    """
    ti = workload.ti.model_copy(update={"external_executor_id": str(uuid4()), **fields})
    return workload.model_copy(update={"ti": ti.model_copy(update={"id": ti_id(*(getattr(ti, n) for n in NAMES))})})


class Scheduler:
    """Beats an executor, and remembers what it was told; in the order of Airflow's scheduler loop."""

    def __init__(self, executor) -> None:
        self.executor = executor
        #: Every event, by key, in order: (state, info).
        self.told = defaultdict(list)
        #: Every entry of task event logs, by key.
        self.notes = defaultdict(list)
        #: Seconds that each heartbeat took.
        self.heartbeats = []
        self._pause = threading.Event()

    def queue(self, *workloads):
        """As `_enqueue_task_instances_with_queued_state` does; returns the first workload's key."""
        for workload in workloads:
            self.executor.queue_workload(workload, session=None)
        return workloads[0].key

    def heartbeat(self):
        begin = time.perf_counter()
        self.executor.heartbeat()
        self.heartbeats.append(time.perf_counter() - begin)
        self.listen()

    def listen(self):
        """Read the event buffer and the task events, as the scheduler does after a heartbeat."""
        for key, (state, info) in self.executor.get_event_buffer().items():
            self.told[key].append((str(getattr(state, "value", state)), info))
        while self.executor._task_event_logs:
            entry = self.executor._task_event_logs.popleft()
            coordinates = entry.dag_id, entry.task_id, entry.run_id, entry.map_index
            self.notes[getattr(entry, "task_instance_id", None) or coordinates].append(entry.extra)

    def until(self, condition, deadline=PATIENCE):
        """Beat until the condition holds; fails the test if it never does."""
        end = time.monotonic() + deadline
        while not condition():
            assert time.monotonic() < end, f"not within {deadline} s: {self.state()}"
            self.heartbeat()
            self._pause.wait(0.005)

    def rest(self, seconds):
        """Beat for a while, to show that nothing (more) happens."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end, seconds + PATIENCE)

    def until_over(self, *keys, deadline=PATIENCE):
        """Beat until all these keys have had a terminal event."""
        self.until(lambda: all(self.outcome(key) for key in keys), deadline)

    def outcomes(self, key):
        """The terminal states that a key was given."""
        return [state for state, _ in self.told[key] if compat.is_terminal(state)]

    def outcome(self, key):
        """The last terminal state of a key; None: not over."""
        return next(reversed(self.outcomes(key)), None)

    def info(self, key):
        """What was said with its last event."""
        return self.told[key][-1][1]

    def arn(self, key):
        """What `running_state` said last; None: nothing yet."""
        return next((info for state, info in reversed(self.told[key]) if state == "running"), None)

    def notes_of(self, key):
        """The task's event log, as one text."""
        return "\n".join(self.entries_of(key))

    def entries_of(self, key):
        """The task's event log, entry by entry; a key of Airflow 3.4 is the id of the task instance."""
        return self.notes[key.primary if hasattr(key, "primary") else key.id]

    def state(self):
        """For the message of a failure."""
        phases = [launch.phase.value for launch in self.executor.machine.store.launches.values()]
        counts = {phase: phases.count(phase) for phase in set(phases)}
        over = sum(bool(self.outcomes(key)) for key in self.told)
        return f"launches {counts}, {over} of {len(self.told)} keys over, {len(self.executor.running)} in running"


def with_part(executor_class, name, part_class):
    """A subclass of an executor whose part of this name is of another class; it is called as that class is."""

    def init(self, *args, **kwargs):
        executor_class.__init__(self, *args, **kwargs)
        getattr(self, name).__class__ = part_class

    return type(part_class.__name__, (executor_class,), {"__init__": init})


def killed(scheduler, *workloads):
    """Have a scheduler launch these, and kill it: their ARNs. Nothing of what it would still say is heard."""
    scheduler.queue(*workloads)
    scheduler.until(lambda: all(scheduler.arn(workload.key) for workload in workloads))
    scheduler.executor._heartbeat.dispatcher.close(5)
    return [scheduler.arn(workload.key) for workload in workloads]
