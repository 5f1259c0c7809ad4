"""Apache Airflow executors for Amazon ECS and AWS Batch.

Importing this package imports neither Airflow nor boto3: a DAG file may import it, and the command line starts fast.
The executors, and `template`, are looked up when they are first named.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_exec.executors.batch import AwsBatchExecutor
    from aws_exec.executors.ecs import AwsEcsExecutor
    from aws_exec.settings.file.in_dags import template

__all__ = ["AwsBatchExecutor", "AwsEcsExecutor", "__version__", "template"]
__version__ = "0.1.0"

_LAZY = {
    "AwsBatchExecutor": "aws_exec.executors.batch",
    "AwsEcsExecutor": "aws_exec.executors.ecs",
    "template": "aws_exec.settings.file.in_dags",
}


def __getattr__(name: str) -> Any:
    """Import an executor, or `template`, on first use (PEP 562)."""
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
