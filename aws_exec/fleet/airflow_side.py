"""The few things that only Airflow knows, and its one way in: nothing else of the fleet imports it."""

from __future__ import annotations

import logging

from aws_exec.fleet.errors import MisusedError

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
