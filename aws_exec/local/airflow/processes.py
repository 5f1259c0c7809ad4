"""A real Airflow as child processes: API server, DAG processor, scheduler, triggerer, over SQLite, on loopback.

    with LocalAirflow(home, executor="aws_exec.AwsEcsExecutor", environment=aws.environment(), dags=[...]) as airflow:
        run_id = airflow.trigger("my_dag")
        airflow.wait_until(lambda: airflow.records.run_state("my_dag", run_id) == "success", timeout=120)

Every component runs as a container does (`containers`): in a session of its own, under a `pid1` that ends all of it
when this process is gone, by `kill -9` too.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

from aws_exec.local.airflow.component import Component
from aws_exec.local.airflow.home import USER, AirflowHome, Settings, make_home
from aws_exec.local.airflow.records import Records, sqlite_file
from aws_exec.local.errors import LocalError
from aws_exec.local.http import free_port
from aws_exec.local.interrupts import uninterrupted

Found = TypeVar("Found")

#: How often a condition is looked at again, seconds: a read of SQLite is cheap, a beat of the scheduler is a second.
_LOOK = 0.25

#: Importing Airflow and making the tables takes ten seconds of one core; four components at once as long each.
START_PATIENCE = 180.0

#: What `airflow` is asked to be. Nothing serves logs: they are files that the API server reads.
_COMMANDS = {
    "api-server": ("api-server",),
    "dag-processor": ("dag-processor",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
COMPONENTS = tuple(_COMMANDS)

#: How often a run is asked for while the API server answers that it has an error of its own.
_ASKS = 3

#: Takes ten seconds to see that its runner has ended, and has nothing to lose: its triggers are in the database.
_SLOW_TO_END = "triggerer"


class TookTooLongError(LocalError):
    """What was waited for did not come in time."""


class AnsweredError(LocalError):
    """The API server answered with an error."""

    def __init__(self, status: int, path: str, said: str) -> None:
        super().__init__(f"Airflow's API server answers {status} to {path}: {said}")
        self.status = status


class ComponentDiedError(LocalError):
    """A part of Airflow ended although nobody asked it to.

    Attributes:
        last_words: the end of its log; empty if it was killed.
    """

    def __init__(self, component: Component) -> None:
        super().__init__(component.obituary())
        self.last_words = component.last_words()


class LocalAirflow:
    """One Airflow. A context manager that leaves no process behind; its files stay in `home`.

    Attributes:
        home: its files, its URL, its password.
        records: what its database says.
    """

    def __init__(
        self,
        directory: Path,
        *,
        executor: str = "LocalExecutor",
        environment: Mapping[str, str] | None = None,
        dags: Sequence[Path] = (),
        port: int = 0,
        settings: Settings | None = None,
    ) -> None:
        """Write its configuration; `start`, or entering it, starts it.

        Args:
            directory: AIRFLOW_HOME.
            executor: as `[core] executor`.
            environment: what the components get besides (where AWS is, for instance).
            dags: directories with DAG files, copied.
            port: of the API server; 0 for any free one.
            settings: options of airflow.cfg that win over the quick ones of `airflow_home`.

        Raises:
            PortInUseError: the port cannot be had.
        """
        self.home: AirflowHome = make_home(directory, free_port(port), executor, dags, settings or {})
        self.records = Records(sqlite_file(self.home.database))
        self._environment = {
            **(environment or {}),
            "AIRFLOW_HOME": str(self.home.directory),
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": "*",
        }
        self._components: dict[str, Component] = {}
        self._pause = threading.Event()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.stop()
        else:
            self.kill()

    def start(
        self,
        timeout: float = START_PATIENCE,
        step: Callable[[str], AbstractContextManager[object]] = contextlib.nullcontext,
    ) -> None:
        """Make the tables, start every component, and return when all of them are well.

        Args:
            timeout: seconds.
            step: is entered for each part of it, with what is awaited, for people.

        Raises:
            ComponentDiedError: one of them ended.
            TimeoutError: they were not all well in time.
        """
        with step("Creating Airflow's database"):
            migration = self._run("db-migrate", ("db", "migrate"))
            self._waited(lambda: migration.exit_code is not None, timeout, "airflow db migrate")
            if migration.exit_code != 0:
                raise ComponentDiedError(migration)
            del self._components["db-migrate"]  # the one that is to end by itself
        with step("Starting Airflow's API server, DAG processor, scheduler and triggerer"):
            for name in COMPONENTS:
                self.restart(name)
            self.wait_until(self._well, timeout, "all components of Airflow are well")

    def stop(self, grace: float = 10.0) -> None:
        """Ask every component to end (SIGTERM), and kill what has not after a grace period, in seconds."""
        for name, component in self._components.items():
            if name == _SLOW_TO_END:
                component.kill()
            else:
                component.terminate()
        deadline = time.monotonic() + grace
        while any(c.exit_code is None for c in self._components.values()) and time.monotonic() < deadline:
            self._pause.wait(_LOOK)
        self.kill()

    def kill(self) -> None:
        """Kill every component, now; harmless a second time."""
        for component in self._components.values():
            component.kill()
        for component in self._components.values():
            component.join()

    def kill9(self, name: str) -> None:
        """Kill one component with all its processes, as `kill -9` or a lost host does; returns when it is gone."""
        self._components[name].kill()
        self._components[name].join()

    def end(self, name: str, timeout: float) -> None:
        """Ask one component to end (SIGTERM), and wait until it has.

        Raises:
            TimeoutError: it has not after so many seconds.
        """
        component = self._components[name]
        component.terminate()
        self.wait_until(lambda: component.exit_code is not None, timeout, f"Airflow's {name} ends")
        component.join()

    def pause(self, name: str) -> None:
        """Stop one component in its tracks (SIGSTOP), until `resume`."""
        self._components[name].pause()

    def resume(self, name: str) -> None:
        """Let a paused component go on as if nothing had been."""
        self._components[name].resume()

    def restart(self, name: str) -> None:
        """Start one component, again if it ran before; its log goes on in the same file.

        Args:
            name: one of `COMPONENTS`, or one more of that kind: `scheduler#2`.
        """
        if (before := self._components.get(name)) is not None:
            before.kill()
            before.join()
        self._run(name, _COMMANDS[name.partition("#")[0]])

    def check(self) -> None:
        """See whether all components live.

        Raises:
            ComponentDiedError: one ended although nobody asked it to; with its last words.
        """
        for component in self._components.values():
            if component.died:
                raise ComponentDiedError(component)

    def wait_until(
        self,
        predicate: Callable[[], Found | None],
        timeout: float,
        what: str = "it",
        every: float = _LOOK,
    ) -> Found:
        """Look again and again until a predicate is true; returns what it returned.

        Args:
            predicate: asked every so often.
            timeout: seconds.
            what: is waited for, in words.
            every: seconds between two looks.

        Raises:
            ComponentDiedError: a component ended meanwhile.
            TimeoutError: it did not come true in time.
        """

        def look() -> Found | None:
            self.check()
            return predicate()

        return self._waited(look, timeout, what, every)

    def container_environment(self) -> dict[str, str]:
        """What containers need to find this Airflow, no secret among it."""
        return {"AIRFLOW_HOME": str(self.home.for_containers), "PYTHONUNBUFFERED": "1", "NO_PROXY": "*"}

    def wait_for_dag(self, dag_id: str, timeout: float = 60.0) -> None:
        """Wait until a DAG can be triggered.

        Raises:
            LocalError: its file cannot be imported.
            TimeoutError: it was not parsed in time.
        """

        def known() -> bool:
            if errors := self.records.import_errors():
                file, trace = next(iter(errors.items()))
                raise LocalError(f"the DAG file {file} cannot be imported: {trace.strip().splitlines()[-1]}")
            return dag_id in self.records.known_dags()

        self.wait_until(known, timeout, f"the DAG {dag_id} is parsed")

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Unpause a DAG and start a run of it; returns the run id.

        On SQLite the API server can meet a lock of its own making and answer 500 (seen with Airflow 3.3.2: it logs the
        action on its event loop, where the request that holds the lock waits to go on). The run has an id of ours, so
        that it can be asked for again and is made once.

        Raises:
            LocalError: the API server refuses.
        """
        run_id = f"manual__{datetime.now(UTC).isoformat()}_{uuid4().hex[:8]}"
        self._api(f"dags/{dag_id}", {"is_paused": False}, method="PATCH")
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf or {})}
        for asked in range(_ASKS):
            try:
                self._api(f"dags/{dag_id}/dagRuns", body)
            except AnsweredError as error:
                if error.status == HTTPStatus.CONFLICT and asked:
                    break  # it was made although the answer was an error
                if error.status < HTTPStatus.INTERNAL_SERVER_ERROR or asked == _ASKS - 1:
                    raise
            else:
                break
        return run_id

    def log_of(self, name: str) -> Path:
        """The file that a component writes its log to."""
        return self.home.logs / "components" / f"{name}.log"

    def _run(self, name: str, arguments: tuple[str, ...]) -> Component:
        command = ("python", "-m", "airflow", *arguments)
        with uninterrupted():  # a signal between its start and this note of it would leave it to nobody
            component = Component(name, command, self._environment, self.home.directory, self.log_of(name))
            self._components[name] = component
        return component

    def _waited(self, predicate: Callable[[], Found | None], timeout: float, what: str, every: float = _LOOK) -> Found:
        deadline = time.monotonic() + timeout
        while not (found := predicate()):
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{what}: not so within {timeout:g} seconds")
            self._pause.wait(every)
        return found

    def _well(self) -> bool:
        try:
            with _open(urllib.request.Request(f"{self.home.url}/api/v2/monitor/health")) as answer:  # noqa: S310 - ours
                health = json.load(answer)
            # Containers wait 5 s for an answer, five times, and the first one takes as long as it takes to build the
            # routes of all versions of this API: 24 s on a busy machine (Airflow 3.3.2, FastAPI 0.136).
            _open(urllib.request.Request(f"{self.home.url}/execution/health")).close()  # noqa: S310 - likewise
        except OSError:  # it does not listen yet
            return False
        parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return all((health.get(part) or {}).get("status") == "healthy" for part in parts)

    def _api(self, path: str, body: Mapping[str, Any], method: str = "POST") -> Any:
        token = self._sent("auth/token", {"username": USER, "password": self.home.password}, {})["access_token"]
        return self._sent(f"api/v2/{path}", body, {"Authorization": f"Bearer {token}"}, method)

    def _sent(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str], method: str = "POST") -> Any:
        request = urllib.request.Request(  # noqa: S310 - the URL is ours
            f"{self.home.url}/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
            method=method,
        )
        try:
            with _open(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:500]
            raise AnsweredError(error.code, path, said) from error
        except OSError as error:
            raise LocalError(f"Airflow's API server does not answer: {error}") from error


def _open(request: urllib.request.Request) -> Any:
    """Ask, past any proxy that the environment names: it is on loopback."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(request, timeout=30)
