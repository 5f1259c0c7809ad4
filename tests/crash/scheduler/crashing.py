"""Our executors with points at which they kill their own scheduler, and with bugs that the checker must find.

On the scheduler's PYTHONPATH in the crash matrix; the product knows nothing of it. `$CRASH_CONTROL` is a directory:
the file `point` names the point at which to die once both services have got there (or to stop in its tracks, if there
is a file `stop`); `bug` names a bug to have.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from airflow.utils.state import TaskInstanceState

import aws_exec
from aws_exec.clouds.cloud import Request
from aws_exec.executors.heartbeat import Heartbeat
from aws_exec.lifecycle import events

CONTROL = Path(os.environ["CRASH_CONTROL"])
_ENDS = {TaskInstanceState.SUCCESS, TaskInstanceState.FAILED}

_arrived: set[str] = set()
_lock = threading.Lock()


def _asked_for(name: str) -> str:
    """What a file of the control directory says; empty if there is none."""
    try:
        return (CONTROL / name).read_text()
    except FileNotFoundError:
        return ""


def _now() -> None:
    """What is to happen at the point happens."""
    number = signal.SIGSTOP if _asked_for("stop") else signal.SIGKILL
    (CONTROL / "point").rename(CONTROL / "passed")
    os.kill(os.getpid(), number)


class CrashingHeartbeat(Heartbeat):
    """Dies before the answer to a launch is taken in."""

    def handle_completions(self, deadline):
        # One at a time: the answer to a launch may stand behind another completion.
        while not (isinstance(self._next_completion(), events.Accepted) and self._executor._is_at("answered")):
            super().handle_completions(0.0)
            if self._next_completion() is None or self._clock() >= deadline:
                return

    def _next_completion(self):
        return self.dispatcher.peek() if self.dispatcher is not None else None


class Crashing:
    """Comes before one of our executors: dies at the point that is armed, and does not pass it before."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._heartbeat.__class__ = CrashingHeartbeat

    def _is_at(self, point: str) -> bool:
        """Whether this is the point, and is not to be passed yet."""
        with _lock:
            if _asked_for("point") != point:
                return False
            _arrived.add(self.SERVICE)
            if _arrived != {"ecs", "batch"}:
                return True
            _now()
            return False

    def _process_workloads(self, workload_items):
        if not (workload_items and self._is_at("taken")):
            super()._process_workloads(workload_items)

    def build_plan(self, setup, workload, words, identity):
        plan = super().build_plan(setup, workload, words, identity)
        while self._is_at("composed"):
            time.sleep(0.05)  # on a lane's thread, which may
        if _asked_for("bug") == "launches twice":
            other = replace(identity, token=f"{uuid4()}-1")
            twin = super().build_plan(setup, workload, words, other)
            setup.cloud.submit([Request(other.token, twin.location, twin.arguments)])
        return plan

    def get_event_buffer(self, dag_ids=None):
        states = {state for state, _ in self.event_buffer.values()}
        told = TaskInstanceState.RUNNING in states and self._is_at("told")
        ended = states & _ENDS and self._is_at("ended")
        return {} if told or ended else super().get_event_buffer(dag_ids)

    def try_adopt_task_instances(self, tis):
        left = list(tis) if _asked_for("bug") == "resets rows" else super().try_adopt_task_instances(tis)
        self._is_at("adopting")
        return left

    def execute_async(self, key, command, queue=None, executor_config=None):
        if _asked_for("bug") == "forgets its launch id":
            ti = command[0].ti.model_copy(update={"external_executor_id": None})
            command = [command[0].model_copy(update={"ti": ti})]
        super().execute_async(key, command, queue, executor_config)


class AwsEcsExecutor(Crashing, aws_exec.AwsEcsExecutor):
    """Ours, on ECS."""


class AwsBatchExecutor(Crashing, aws_exec.AwsBatchExecutor):
    """Ours, on Batch."""
