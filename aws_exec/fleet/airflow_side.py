"""What only Airflow knows. No other module of the fleet imports Airflow."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import Any, TypeVar

from aws_exec.fleet.errors import MisusedError
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import Owner, TaskRow
from aws_exec.redaction import redact

T = TypeVar("T")

_HINT = (
    "pass --deployment, or set deployment in awsexec.yaml or AIRFLOW__AWS_ECS_EXECUTOR__DEPLOYMENT (AWS_BATCH_EXECUTOR)"
)


def leave_standard_output() -> None:
    """Send Airflow's log to standard error: commands write data to standard output.

    On import, Airflow 3 logs everything from INFO on to standard output, botocore's every step too
    (`airflow.settings.configure_logging`).
    """
    root = logging.getLogger()
    root.setLevel(max(root.level, logging.WARNING))
    logging.getLogger("airflow").setLevel(logging.ERROR)
    for handler in root.handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)


def default_deployment() -> str:
    """Return the default name of this deployment, from Airflow's configuration (`[database]`, `[api] base_url`).

    Raises:
        MisusedError: Airflow cannot be imported or configured.
    """
    try:
        with redirect_stdout(sys.stderr):  # messages of its import are no data
            from aws_exec.executors import compat  # noqa: PLC0415 - takes seconds

        leave_standard_output()
        return compat.default_deployment()
    except Exception as error:
        message = f"cannot tell which jobs are this deployment's ({type(error).__name__})"
        raise MisusedError(message, hint=_HINT) from error


def token_of_no_task(subject: str, seconds: float) -> tuple[str, str]:
    """Return a token for a task instance that does not exist, and why there is none: one of the two is empty."""
    try:
        with redirect_stdout(sys.stderr):  # as above
            from aws_exec.executors import compat  # noqa: PLC0415 - takes seconds

        leave_standard_output()
        return compat.mint_token_of_no_task(subject, seconds), ""
    except Exception as error:  # noqa: BLE001 - of any part of Airflow: the probe does without
        return "", redact(str(error).partition("\n")[0], longest=200)


def owners(identities: Sequence[Identity]) -> list[Owner]:
    """Return the owner of each container by Airflow's database, in their order.

    Raises:
        MisusedError: it cannot be read, or Airflow is not configured here.
    """
    return _from_rows("--orphans", lambda airflow_db: airflow_db.owners(identities, None))


def last_changes(identities: Sequence[Identity]) -> list[float | None]:
    """Return when each container's task instance last changed, seconds since the epoch; None without a row.

    Raises:
        MisusedError: as `owners`.
    """
    return _from_rows("--orphans", lambda airflow_db: airflow_db.last_changes(identities))


def task_rows(identities: Sequence[Identity]) -> list[TaskRow | None]:
    """Return the row of each container's task instance; None without one.

    Raises:
        MisusedError: as `owners`.
    """
    return _from_rows("the preview", lambda airflow_db: airflow_db.task_rows(identities))


def try_states(identities: Sequence[Identity]) -> list[str]:
    """Return the state of each container's try, in their order; empty where Airflow's database has none.

    Raises:
        MisusedError: as `owners`.
    """
    return _from_rows("--airflow", lambda airflow_db: airflow_db.try_states(identities))


def _from_rows(user: str, query: Callable[[Any], list[T]]) -> list[T]:
    try:
        with redirect_stdout(sys.stderr):  # as above
            from aws_exec.executors import airflow_db  # noqa: PLC0415 - takes seconds

        leave_standard_output()
        return query(airflow_db)
    except Exception as error:
        text = redact(str(error).partition("\n")[0], longest=200)
        message = f"{user} needs Airflow's database, which cannot be read ({type(error).__name__}: {text})"
        raise MisusedError(message, hint="run it where the scheduler's configuration is") from error
