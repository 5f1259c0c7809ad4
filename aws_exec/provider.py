"""What Airflow is told of this package, through the entry point `apache_airflow_provider`.

For a section that two packages declare, the one whose name sorts last replaces the other's as a whole, and `awsexec`
sorts after the Amazon provider: so each section here has every option of the Amazon provider's, under the same name and
with the same default. Airflow 3.1 refuses every command where two packages declare a section: there the Amazon
provider's stands alone, if it is installed (our own options are read all the same, and keep their defaults).

An exception in here would break every `airflow` command: it only reads our own models, and asks what is installed. That
one difference between versions is not in `aws_exec.executors.compat`, which imports what is not there yet.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from aws_exec.settings import BatchOptions, EcsOptions, ExecutorOptions, option_catalogue


def get_provider_info() -> dict[str, Any]:
    """The metadata, by the schema `airflow/provider_info.schema.json` of Airflow."""
    return {
        "package-name": "awsexec",
        "name": "awsexec",
        "description": "Executors for Amazon ECS and AWS Batch, and the command line that operates them.",
        "executors": ["aws_exec.AwsBatchExecutor", "aws_exec.AwsEcsExecutor"],
        "cli": ["awsexec_cli.airflow_group.get_commands"],
        "config": {} if _forbids_twins() and _amazon_declares_sections() else sections(),
    }


def _forbids_twins() -> bool:
    """Whether this Airflow raises where a section is declared twice (3.1: `load_providers_configuration`)."""
    try:
        major, minor, *_ = version("apache-airflow-core").split(".")
        return (int(major), int(minor)) < (3, 2)
    except (PackageNotFoundError, ValueError):
        return False


def _amazon_declares_sections() -> bool:
    """Whether the Amazon provider is installed as a distribution: from its entry point Airflow learns its sections."""
    try:
        version("apache-airflow-providers-amazon")
    except PackageNotFoundError:
        return False
    return True


def sections() -> dict[str, Any]:
    """The sections of Airflow's configuration that are ours, by name."""
    return {
        EcsOptions.section: _section(EcsOptions, "aws_exec.AwsEcsExecutor"),
        BatchOptions.section: _section(BatchOptions, "aws_exec.AwsBatchExecutor"),
    }


def _section(model: type[ExecutorOptions], executor: str) -> dict[str, Any]:
    options = {
        info.name: {
            "description": info.description + (" In seconds." if info.unit == "s" else ""),
            "version_added": info.version_added,
            "type": info.type,
            "example": info.example,
            "default": info.default,
        }
        for info in option_catalogue(model)
    }
    return {
        "description": f"Only read by ``{executor}``, or the Amazon provider's executor of that name.",
        "options": options,
    }
