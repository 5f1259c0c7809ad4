"""A scripted Execution API: what a container's supervisor asks of Airflow's API server, and nothing more."""

from __future__ import annotations

import json
import re
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from airflow.sdk.api.datamodels import _generated as models

_TASK = re.compile(r"/execution/task-instances/([0-9a-f-]+)/(run|state|heartbeat|rtif)$")

#: Airflow 3.4 has the token of a callback exchanged.
_CALLBACK = re.compile(r"/execution/callbacks/[0-9a-f-]+/run$")

#: The answer to `/run` of all supported versions: members that one does not know are left out by `_context`.
_DAG_RUN: dict[str, Any] = {
    "dag_id": "etl",
    "run_id": "manual__1",
    "logical_date": None,
    "data_interval_start": None,
    "data_interval_end": None,
    "run_after": "2026-01-01T00:00:00Z",
    "start_date": "2026-01-01T00:00:00Z",
    "end_date": None,
    "run_type": "manual",
    "conf": {},
    "consumed_asset_events": [],
}


class ScriptedExecutionApi:
    """An Execution API on loopback.

    Attributes:
        asked: (operation, body) of every request about a task instance, in order; operations are `run`, `state`,
            `heartbeat` and `rtif`.
        answers: the HTTP status of an operation; 200 for all others.
        retries: whether tasks have a try left.
        ahead: seconds that its clock is ahead.
        over: when the task reported its state, by `time.monotonic`; None until then.
        running: set when the task was let in.
        held: an operation that is not answered until the API closes; empty: none.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, int] = {}
        self.retries = False
        self.ahead = 0
        self.over: float | None = None
        self.running = threading.Event()
        self.held = ""
        self._closing = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, document = api._answer(self.path.partition("?")[0], json.loads(body or b"null"))
                data = b"" if document is None else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PATCH = do_PUT = do_POST = answer  # noqa: N815 - http.server calls them

            def date_time_string(self, timestamp: float | None = None) -> str:
                """Return the date of an answer."""
                return super().date_time_string((timestamp or time.time()) + api.ahead)

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        """As `[core] execution_api_server_url` has it."""
        return f"http://127.0.0.1:{self._server.server_port}/execution/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def states(self) -> list[str]:
        """Return the states that the task reported."""
        return [body["state"] for operation, body in self.asked if operation == "state"]

    def _answer(self, path: str, body: dict[str, Any]) -> tuple[int, object]:
        if _CALLBACK.search(path):
            return 204, None
        found = _TASK.search(path)
        if found is None:
            return HTTPStatus.NOT_FOUND, {"detail": "Not Found"}
        operation = found[2]
        self.asked.append((operation, body))
        if operation == self.held:
            self._closing.wait()
        if operation == "state":
            self.over = time.monotonic()
        status = self.answers.get(operation, 200)
        if status >= 400:
            reason = "not_found" if status == HTTPStatus.NOT_FOUND else "scripted"
            return status, {"detail": {"reason": reason, "message": "as the test wants it"}}
        if operation == "run":
            self.running.set()
            return 200, self._context()
        return (200, "ok") if operation == "rtif" else (204, None)

    def _context(self) -> dict[str, Any]:
        run = dict.fromkeys(models.DagRun.model_fields) | _DAG_RUN
        run |= {"state": "running", "clear_number": 0}
        run = {name: value for name, value in run.items() if name in models.DagRun.model_fields}
        context = {"dag_run": run, "max_tries": int(self.retries), "should_retry": self.retries}
        return {name: value for name, value in context.items() if name in models.TIRunContext.model_fields}
