"""What Airflow is told of this package, through the entry point `apache_airflow_provider`.

For a section that two packages declare, the one whose name sorts last replaces the other's as a whole, and `awsexec`
sorts after the amazon provider: so each section here has every option of the amazon provider's, under the same name and
with the same default. An exception in here would break every `airflow` command: it only reads our own models.
"""

from __future__ import annotations

from typing import Any

from aws_exec.settings import BatchOptions, EcsOptions, ExecutorOptions, option_catalogue


def get_provider_info() -> dict[str, Any]:
    """The metadata, by the schema `airflow/provider_info.schema.json` of Airflow."""
    return {
        "package-name": "awsexec",
        "name": "awsexec",
        "description": "Executors for Amazon ECS and AWS Batch, and the command line that operates them.",
        "executors": ["aws_exec.AwsBatchExecutor", "aws_exec.AwsEcsExecutor"],
        "cli": ["cli.airflow_group.get_commands"],
        "config": {
            EcsOptions.section: _section(EcsOptions, "aws_exec.AwsEcsExecutor"),
            BatchOptions.section: _section(BatchOptions, "aws_exec.AwsBatchExecutor"),
        },
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
        "description": f"Only read by ``{executor}``, or the amazon provider's executor of that name.",
        "options": options,
    }
