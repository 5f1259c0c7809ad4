"""The line that a probe prints in its container (`aws_exec.container.probe`), as values. Pure.

An image without awsexec, or with an older one, prints `python` and `airflow` only.
"""

from __future__ import annotations

import json
from datetime import datetime

from pydantic import BaseModel, ValidationError

from aws_exec.container.bootstrap import PROBE_EVENT


class Result(BaseModel):
    """The result of one check.

    Attributes:
        seconds: that it took; None: it did not come to an end.
        error: why it failed; empty if it did not.
    """

    seconds: float | None = None
    error: str = ""


class Api(Result):
    """The Execution API's answer to the start of a task that does not exist.

    Attributes:
        url: without user and password.
        is_configured: whether the container has `[core] execution_api_server_url`.
        step: at which the way ends if there is no answer: `URL`, `DNS`, `TCP`, `TLS` or `HTTP`.
        status: of the answer; None: there is none.
        reason, detail: of the answer, in Airflow's words.
        milliseconds: that the answer took.
        ahead_seconds: the API server's clock minus the container's; None: the answer has no date.
    """

    url: str = ""
    is_configured: bool = True
    step: str = ""
    status: int | None = None
    reason: str = ""
    detail: str = ""
    milliseconds: int = 0
    ahead_seconds: int | None = None


class TaskRole(Result):
    """The identity at AWS."""

    arn: str = ""


class RemoteLogs(Result):
    """Whether the remote log folder can be written.

    Attributes:
        is_remote: whether `[logging] remote_logging` is on.
        folder: `[logging] remote_base_log_folder`.
        unchecked: why that was not tried; empty if it was.
        left: the key of the object that could not be deleted; empty if it could.
    """

    is_remote: bool = False
    folder: str = ""
    unchecked: str = ""
    left: str = ""


class Store(Result):
    """Whether the workload store can be used; `is_used`: the probe had an object there."""

    is_used: bool = False


class Bundle(BaseModel):
    """One DAG bundle.

    Attributes:
        name, path: of it.
        dags: that its files have.
        import_errors: files that cannot be imported.
        first_error: the last line of the first of these errors.
        error: why the bundle is not there; empty if it is.
    """

    name: str
    path: str = ""
    dags: int = 0
    import_errors: int = 0
    first_error: str = ""
    error: str = ""


class Bundles(Result):
    """All DAG bundles; `is_partial`: not all files were parsed."""

    bundles: list[Bundle] = []
    is_partial: bool = True


class ProbeRecord(BaseModel):
    """What a container saw; the members are those of docs/container.md.

    Attributes:
        version: of the record; None: the image has no awsexec that knows the probe.
        imports, api, identity, logs, store, dags: None: it did not come to that.
    """

    version: int | None = None
    python: str = ""
    airflow: list[str] = []
    packages: dict[str, str | None] = {}
    ended: str = ""
    cpus: int = 0
    cpu_limit: float | None = None
    memory_used_bytes: int = 0
    memory_limit_bytes: int | None = None
    oom_kills: int | None = None
    disk_free_bytes: int = 0
    pull_started_at: datetime | None = None
    pull_stopped_at: datetime | None = None
    imports: Result | None = None
    api: Api | None = None
    identity: TaskRole | None = None
    logs: RemoteLogs | None = None
    store: Store | None = None
    dags: Bundles | None = None


def read_record(line: str) -> ProbeRecord | None:
    """Return the record that a line of a container's log is; None if it is none."""
    try:
        document = json.loads(line)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.get("event") != PROBE_EVENT:
        return None
    try:
        return ProbeRecord.model_validate(document)
    except ValidationError:
        return None
