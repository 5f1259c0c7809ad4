"""The control URLs, beside AWS's own: what tests in another process script, and what they read.

| request | body (JSON) | |
|---|---|---|
| `GET /awsexec/ledger` | | everything ever launched, in order: the fields of `Launch` |
| `GET /awsexec/calls` | | how often each operation of ECS and Batch was asked for |
| `GET /awsexec/environment` | | what to export, by name |
| `POST /awsexec/refuse` | `{"reason": "RESOURCE:MEMORY", "times": 1, "detail": ""}` | RunTask answers `failures` |
| `POST /awsexec/fail-to-start` | `{"reason": "CannotPullContainerError: ...", "times": 1}` | a task never starts |
| `POST /awsexec/remove-image` | `{"image": "team/etl:2.8"}` | tasks and jobs of this image never start |
| `POST /awsexec/raise` | `{"operation": "RunTask", "code": "...", "message": "..."}` | an API error |
| `POST /awsexec/stall` | `{"operation": "RunTask", "acted": false, "times": 1}` | calls wait, before or after acting |
| `POST /awsexec/let-go` | `{}` | such calls go on |
| `POST /awsexec/pause`, `resume` | `{"task": "<arn>"}` | its containers stop in their tracks (SIGSTOP), go on |
| `POST /awsexec/forget` | `{"task": "<arn>"}` | of a task or job: unknown from now on |
| `POST /awsexec/lose` | `{"task": "<arn>", "stop_code": "SpotInterruption", "reason": "..."}` | its host is gone |
| `POST /awsexec/hold` | `{"reason": "CAPACITY:...", "times": 1}` | a job stays RUNNABLE |
| `POST /awsexec/release` | `{}` | such jobs go on |
| `POST /awsexec/occupy`, `vacate` | `{}` | nothing more gets room to start, until it does |
| `POST /awsexec/lag` | `{"seconds": 5}`, or `{}` | new jobs are in no answer for so long, or until `catch-up` |
| `POST /awsexec/catch-up` | `{}` | every job is in the answers |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

PREFIX = "/awsexec/"

#: Answers a GET.
Read: TypeAlias = Callable[[], Any]
#: Carries out a POST with the arguments of its body.
Write: TypeAlias = Callable[..., None]


class Control:
    """A WSGI application over verbs."""

    def __init__(self, reads: Mapping[str, Read], writes: Mapping[str, Write]) -> None:
        """Offer verbs under their names."""
        self._reads = reads
        self._writes = writes

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request: 200 with JSON, 400 for arguments that do not fit, 404 for no such verb."""
        verb = environ["PATH_INFO"].removeprefix(PREFIX)
        body = environ["wsgi.input"].read()
        status, answer = self._answer(environ["REQUEST_METHOD"], verb, body)
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    def _answer(self, method: str, verb: str, body: bytes) -> tuple[str, Any]:
        if method == "GET" and verb in self._reads:
            return "200 OK", self._reads[verb]()
        if method != "POST" or verb not in self._writes:
            known = [f"GET {PREFIX}{name}" for name in self._reads] + [f"POST {PREFIX}{name}" for name in self._writes]
            return "404 Not Found", {"error": f"no such verb; there are: {', '.join(known)}"}
        try:
            self._writes[verb](**json.loads(body or b"{}"))
        except (TypeError, ValueError, KeyError) as error:
            return "400 Bad Request", {"error": f"{verb}: {error}"}
        return "200 OK", {}
