"""The packages whose versions a probe compares: those in its container with those beside the scheduler."""

from __future__ import annotations

import importlib.metadata

AIRFLOW, AWSEXEC, AMAZON = "apache-airflow-core", "awsexec", "apache-airflow-providers-amazon"


def version_of(package: str) -> str | None:
    """Return the version of an installed package; None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
