"""The few things that only Airflow knows, and its one way in: nothing else of the fleet imports it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from aws_exec.fleet.errors import FleetError, MisusedError
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import Owner
from aws_exec.redaction import redact

_REMEDY = "set deployment in awsexec.yaml or AIRFLOW__AWS_ECS_EXECUTOR__DEPLOYMENT (and AWS_BATCH), use --deployment"


def default_deployment() -> str:
    """What this Airflow is called where nobody named it, by its configuration (`[database]`, `[api] base_url`).

    Raises:
        MisusedError: Airflow cannot be asked.
    """
    logging.getLogger("airflow").setLevel(logging.ERROR)
    try:
        from aws_exec.executors import compat  # noqa: PLC0415 - takes seconds

        return compat.default_deployment()
    except Exception as error:
        raise MisusedError(
            f"cannot tell which jobs are this deployment's ({type(error).__name__}): {_REMEDY}"
        ) from error


def owners(identities: Sequence[Identity]) -> list[Owner]:
    """What Airflow's database says of each container's task instance or callback, in their order.

    Raises:
        FleetError: it cannot be reached, or Airflow is not configured here.
    """
    logging.getLogger("airflow").setLevel(logging.ERROR)
    try:
        from aws_exec.executors import ownership  # noqa: PLC0415 - takes seconds

        return ownership.owners(identities, None)
    except Exception as error:
        said = redact(" ".join(str(error).split("\n")[:1]), longest=200)
        message = f"--orphans needs Airflow's database, which cannot be reached ({type(error).__name__}: {said})"
        raise FleetError(f"{message}; run it where the scheduler's configuration is") from error
