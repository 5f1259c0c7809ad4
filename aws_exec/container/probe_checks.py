"""The checks of the probe that need Airflow or AWS, in a process of their own: each does what a task would do.

Each check reports one fact when it ends: a document with `seconds`, and with `error` if it failed.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from aws_exec.container.facts import Facts

#: Seconds that an address has for its answer: within a network it takes milliseconds, and a packet that a firewall
#: drops is never answered.
_PATIENCE = 10
#: Characters of an error that are reported.
_LONGEST = 500
#: Seconds between two reports on how far the DAG files are parsed.
_TICK = 0.5

Check = Callable[[dict[str, Any], Facts], dict[str, Any]]


def run(facts: Facts, options: dict[str, Any]) -> None:
    """Run all checks, one after the other; the DAG files last, since they may take all of the time and the memory."""
    os.environ["AIRFLOW__WORKERS__EXECUTION_API_RETRIES"] = "1"
    os.environ["AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT"] = str(_PATIENCE)
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    for name, check in CHECKS.items():
        begun = time.monotonic()
        try:
            found = check(options, facts)
        except Exception as error:  # noqa: BLE001 - an error is what is looked for
            found = {"error": _text(error)}
        facts.report(**{name: {**found, "seconds": round(time.monotonic() - begun, 2)}})


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:_LONGEST]


# -------------------------------------------------------------------------------------------------------------- Airflow


def _imports(_options: dict[str, Any], _facts: Facts) -> dict[str, Any]:
    """Import what a task's supervisor imports."""
    import airflow.executors.base_executor
    import airflow.sdk.execution_time.supervisor  # noqa: F401 - for its time and its errors

    return {}


# ---------------------------------------------------------------------------------------------------- the Execution API


def _api(options: dict[str, Any], _facts: Facts) -> dict[str, Any]:
    """Ask the Execution API to start a task that does not exist, as a container asks for its own."""
    url, is_configured = _api_url()
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        error = "it needs http:// or https:// and a host"
        return {"url": url.rpartition("@")[2], "is_configured": is_configured, "step": "URL", "error": error}
    host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    found = {"url": f"{parts.scheme}://{host}:{port}{parts.path}", "is_configured": is_configured}
    begun = time.monotonic()
    try:
        response = _ask(url, options)
    except Exception as error:  # noqa: BLE001 - of any library on the way
        return {**found, **_step_that_failed(host, port, error)}
    return {**found, "milliseconds": round((time.monotonic() - begun) * 1000), **_answer(response)}


def _api_url() -> tuple[str, bool]:
    """Return the URL that a task's container uses (Airflow's `get_execution_api_server_url`), and if it is set."""
    from airflow.configuration import conf

    if url := conf.get("core", "execution_api_server_url", fallback=None):
        return url, True
    base = conf.get("api", "base_url", fallback="/") or "/"
    base = f"http://localhost:8080{base}" if base.startswith("/") else base
    return f"{base.rstrip('/')}/execution/", False


def _ask(url: str, options: dict[str, Any]) -> Any:
    """Return the answer of the API; raise what kept it from answering."""
    from datetime import UTC, datetime
    from uuid import UUID

    from airflow.sdk.api.client import Client

    client = Client(base_url=url, token=options["bearer"] or "none")
    try:
        client.task_instances.start(UUID(options["subject"]), os.getpid(), datetime.now(UTC))
    except Exception as error:
        # Airflow's own errors and those of its HTTP library have it.
        if (response := getattr(error, "response", None)) is None:
            raise
        return response
    raise ValueError("the API has started a task that does not exist")


def _step_that_failed(host: str, port: int, error: Exception) -> dict[str, str]:
    """Return at which step the way to the API ends."""
    try:
        socket.getaddrinfo(host, port)
    except OSError as unknown:
        return {"step": "DNS", "error": str(unknown)}
    try:
        socket.create_connection((host, port), _PATIENCE).close()
    except OSError as refused:
        return {"step": "TCP", "error": str(refused)}
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    refusal = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
    return {"step": "HTTP", "error": _text(error)} if refusal is None else {"step": "TLS", "error": str(refusal)}


def _answer(response: Any) -> dict[str, Any]:
    from email.utils import parsedate_to_datetime

    try:
        detail = response.json()["detail"]
    except (ValueError, LookupError, TypeError, RuntimeError):  # Airflow's client reads an answer only if it is JSON
        detail = ""
    found: dict[str, Any] = {"status": response.status_code, "reason": "", "detail": str(detail)[:_LONGEST]}
    if isinstance(detail, dict):
        found |= {"reason": str(detail.get("reason")), "detail": str(detail.get("message"))[:_LONGEST]}
    try:
        # The header has whole seconds, cut off.
        found["ahead_seconds"] = round(parsedate_to_datetime(response.headers["date"]).timestamp() + 0.5 - time.time())
    except (LookupError, ValueError):
        found["ahead_seconds"] = None
    return found


# ------------------------------------------------------------------------------------------------------------------ AWS


def _client(service: str, options: dict[str, Any]) -> Any:
    from aws_exec.container.store import client_of

    return client_of(service, options["region"] or None, tries=2)


def _identity(options: dict[str, Any], _facts: Facts) -> dict[str, Any]:
    return {"arn": _client("sts", options).get_caller_identity()["Arn"]}


def _logs(options: dict[str, Any], _facts: Facts) -> dict[str, Any]:
    """Write a small object beside the logs of tasks, and delete it."""
    from airflow.configuration import conf

    folder = conf.get("logging", "remote_base_log_folder", fallback="") or ""
    found = {"is_remote": conf.getboolean("logging", "remote_logging", fallback=False), "folder": folder}
    connection = conf.get("logging", "remote_log_conn_id", fallback="") or ""
    if not found["is_remote"]:
        return found
    if not folder.startswith("s3://"):
        return {**found, "unchecked": f"only s3:// is checked, and this is {folder.partition(':')[0]}://"}
    if connection not in ("", "aws_default"):
        return {**found, "unchecked": f"[logging] remote_log_conn_id is {connection}, which only a task can read"}
    try:
        encrypted = {"ServerSideEncryption": "AES256"} if conf.getboolean("logging", "encrypt_s3_logs") else {}
        return {**found, "left": _write(_client("s3", options), folder, encrypted)}
    except Exception as error:  # noqa: BLE001 - likewise
        return {**found, "error": _text(error)}


def _write(client: Any, folder: str, more: dict[str, str]) -> str:
    """Write the object, and return its key if it cannot be deleted."""
    from aws_exec.container.store import split

    bucket, prefix = split(folder)
    where = {"Bucket": bucket, "Key": f"{prefix.rstrip('/')}/{_OBJECT}".lstrip("/")}
    client.put_object(**where, Body=b"awsexec check-health --probe", **more)
    try:
        client.delete_object(**where)
    except Exception:  # noqa: BLE001 - tasks do without this right
        return where["Key"]
    return ""


def _store(options: dict[str, Any], _facts: Facts) -> dict[str, Any]:
    """Read the token in the workload store, and delete it there, as a container does with its workload."""
    if not options["stored"]:
        return {"is_used": False}
    from aws_exec.container.store import read, split

    bucket, key = split(options["stored"])
    client = _client("s3", options)
    options["bearer"] = read(client, bucket, key)
    client.delete_object(Bucket=bucket, Key=key)
    return {"is_used": True}


#: The name of the object; always the same, so that at most one is left where it cannot be deleted.
_OBJECT = "awsexec-probe"


# ----------------------------------------------------------------------------------------------------------------- DAGs


def _dags(_options: dict[str, Any], facts: Facts) -> dict[str, Any]:
    """Parse the DAG files of each bundle with the code that parses a task's own file."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    manager: Any = DagBundlesManager
    bundles: list[dict[str, Any]] = []
    for bundle in manager().get_all_dag_bundles():
        found: dict[str, Any] = {"name": bundle.name}
        bundles.append(found)
        try:
            bundle.initialize()
            _parse(bundle, found, lambda: facts.report(dags={"bundles": bundles, "is_partial": True}))
        except Exception as error:  # noqa: BLE001 - likewise
            found["error"] = _text(error)
    return {"bundles": bundles, "is_partial": False}


def _parse(bundle: Any, found: dict[str, Any], report: Callable[[], None]) -> None:
    """Count DAGs and import errors of a bundle, and report the counts while it is parsed."""
    found["path"] = str(bundle.path)
    if not os.path.isdir(bundle.path):
        raise FileNotFoundError(f"there is no folder {bundle.path}")
    bag, over = _empty_bag(bundle), threading.Event()

    def count() -> None:
        errors = dict(bag.import_errors)
        first = next((text.strip().splitlines()[-1] for text in errors.values() if text.strip()), "")
        found.update(dags=len(bag.dags), import_errors=len(errors), first_error=first[:_LONGEST])

    def tick() -> None:
        while not over.wait(_TICK):
            count()
            report()

    ticking = threading.Thread(target=tick, daemon=True)
    ticking.start()
    try:
        bag.collect_dags(bag.dag_folder, **_without_examples(bag))
    finally:
        over.set()
        ticking.join()
    count()


def _empty_bag(bundle: Any) -> Any:
    more: dict[str, Any] = {"dag_folder": str(bundle.path), "load_op_links": False, "collect_dags": False}
    try:
        from airflow.dag_processing.dagbag import BundleDagBag
    except ImportError:  # Airflow 3.1
        from airflow.models.dagbag import DagBag

        return DagBag(**more)
    return BundleDagBag(**more, bundle_path=bundle.path, bundle_name=bundle.name)


def _without_examples(bag: Any) -> dict[str, bool]:
    """Return the argument that leaves Airflow's example DAGs out, which only Airflow 3.1 has."""
    import inspect

    return {"include_examples": False} if "include_examples" in inspect.signature(bag.collect_dags).parameters else {}


CHECKS: Mapping[str, Check] = {
    "imports": _imports,
    "store": _store,  # has the token for the next
    "api": _api,
    "identity": _identity,
    "logs": _logs,
    "dags": _dags,
}
