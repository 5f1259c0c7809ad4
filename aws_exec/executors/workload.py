"""Workloads: launch id, identity, command, and the request of one launch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aws_exec.clouds.cloud import Request
from aws_exec.clouds.errors import CloudError
from aws_exec.container.bootstrap import airflow_command, entry_command, stored_command
from aws_exec.executors import compat, messages
from aws_exec.executors.locations import Locations
from aws_exec.lifecycle import effects
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import CallFailure, FailureKind, Key, LaunchId, Token
from aws_exec.recent import Recent
from aws_exec.settings import InvalidExecutorConfig
from aws_exec.settings.common.problems import RequestTooLarge

if TYPE_CHECKING:
    from aws_exec.executors.base import ContainerExecutor
    from aws_exec.executors.startup import Setup

UUID_FORM = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

#: Launch ids that are remembered, to recognise one that was used before: a stale one is used again within a few
#: queueings of the same task instance, so this many launches of a whole deployment are enough.
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload with its queue and executor_config; the machine keeps it until the container has started.

    Attributes:
        key: Airflow's.
        command: one Airflow workload, or a command line as a list of words.
        queue: Airflow's queue of it; None for a callback.
        executor_config: as the DAG author wrote it; never changed.
    """

    key: Key
    command: Sequence[Any]
    queue: str | None
    executor_config: Mapping[str, Any] | None

    def __repr__(self) -> str:
        """Without parts that may have secrets: the command line, and the executor_config with its environment."""
        return f"Workload(key={self.key!r}, queue={self.queue!r})"

    @property
    def is_command_line(self) -> bool:
        """Whether it is a command line, not an Airflow workload."""
        return len(self.command) != 1 or isinstance(self.command[0], str)

    def text(self, generator: Any) -> str:
        """Return the Airflow workload as JSON, with an Execution API token minted now. Never log it."""
        workload = self.command[0]
        fresh = workload.model_copy(update={"token": compat.mint_token(workload, generator)})
        return str(fresh.model_dump_json())

    def identity(self, token: Token, deployment: str, scheduler: str = "") -> Identity:
        """Return the identity of this workload's container; `scheduler` is the job that launches it."""
        if not compat.is_task_key(self.key):
            return Identity(deployment, token, callback_id=str(getattr(self.key, "id", self.key)), scheduler=scheduler)
        # From the workload, which has the map index that users know. A command line has only the key, which has none of
        # these in Airflow 3.4.
        named: Any = getattr(self.command[0], "ti", self.key)
        names = ("dag_id", "task_id", "run_id", "map_index", "try_number")
        coordinates = {name: str(getattr(named, name, "")) for name in names}
        task_instance = compat.task_instance_id(self.key)
        return Identity(deployment, token, scheduler=scheduler, task_instance=task_instance, **coordinates)


@dataclass(frozen=True, slots=True)
class QueuedRow:
    """A task instance that a dead scheduler queued: its row is read right before it is launched."""

    key: Key


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A task instance whose row cannot be made into a workload: it cannot be unpickled here, or its DAG is gone.

    Attributes:
        key: Airflow's.
        error: the class of the exception.
    """

    key: Key
    error: str


class LaunchIds:
    """Assigns launch ids: the one that Airflow committed with the QUEUED state, if it did.

    With several executors the scheduler can leave a stale value in `external_executor_id` (an ARN from before a
    deferral, or the UUID of an earlier launch): a value that is no UUID, or was used before, is ignored.

    Args:
        pre_assigned: whether this Airflow commits launch ids; if not, the value is from before a deferral.
    """

    def __init__(self, *, pre_assigned: bool = compat.PRE_ASSIGNS) -> None:
        self._pre_assigned = pre_assigned
        self._used: Recent[LaunchId, None] = Recent(_REMEMBERED)

    def assign(self, workload: Any) -> LaunchId:
        """Return the launch id for one queueing of a workload; never the same one twice."""
        if compat.is_callback(workload):
            given = str(workload.callback.id)
        elif self._pre_assigned:
            given = str(getattr(getattr(workload, "ti", None), "external_executor_id", None) or "")
        else:
            given = ""
        if not UUID_FORM.fullmatch(given) or given in self._used:
            given = str(uuid4())
        self.remember(given)
        return given

    def remember(self, launch_id: LaunchId) -> None:
        """Never assign this one again."""
        self._used[launch_id] = None


class RequestComposer:
    """Makes the request of one launch, when it is launched: the Execution API token is minted here. On a lane's thread.

    A workload that goes to the store is written after its request is validated and before it is sent.

    Raises:
        CloudError: the task cannot be launched as it is configured, its row cannot be read, or the store cannot be
            written.
    """

    def __init__(self, executor: ContainerExecutor, setup: Setup, locations: Locations) -> None:
        self._executor = executor
        self._setup = setup
        self._locations = locations

    def __call__(self, submit: effects.Submit) -> Request:
        """Return the request of this launch."""
        workload: Any = submit.workload
        if isinstance(workload, UnreadableRow):
            text = "the task's row in Airflow's database cannot be read here"
            raise CloudError(CallFailure(FailureKind.REFUSED, "adoption", workload.error, text))
        identity = workload.identity(submit.token, self._setup.deployment, str(self._executor.job_id or ""))
        try:
            plan = self._plan(workload, identity)
        except InvalidExecutorConfig as error:
            raise CloudError(CallFailure(FailureKind.INVALID, messages.INVALID_CONFIG, message=str(error))) from error
        self._locations.use(plan.location)
        return Request(identity.token, plan.location, plan.arguments)

    def _plan(self, workload: Workload, identity: Identity) -> Any:
        build = partial(self._executor.build_plan, self._setup, workload, identity=identity)
        if workload.is_command_line:
            return build([str(word) for word in workload.command])
        text = workload.text(self._executor.jwt_generator)
        options, store = self._setup.options, self._setup.store
        if store is None or options.workload_store_when == "too-long":
            try:
                return build((entry_command if options.container_entry else airflow_command)(text))
            except RequestTooLarge:
                if store is None:
                    raise
        address = store.address(identity.launch_id)
        plan = build(stored_command(address, store.region()))
        store.put(address, text)
        return plan
