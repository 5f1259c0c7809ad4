"""What commands there are, without importing any of them, or anything else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lazy:
    """A command that has not been imported.

    Attributes:
        module: has a Typer named `app`.
        help: its line in the list; the first of its own help.
    """

    module: str
    help: str


COMMANDS = {
    "demo": Lazy("cli.demo", "See a real Airflow run a DAG on ECS and Batch, on this machine, without an AWS account."),
    "local": Lazy("cli.local", "The embedded AWS: containers run as processes on this machine."),
    "render": Lazy("cli.render", "Show the executor_config of a template, or the exact request that it makes."),
    "schema": Lazy("cli.schema", "Print the JSON Schema of awsexec.yaml, for editors."),
    "templates": Lazy("cli.templates", "List the templates of awsexec.yaml, with their size and cost per hour."),
    "validate-config": Lazy(
        "cli.validate_config", "Check a configuration offline: awsexec.yaml, airflow.cfg, the environment, DAGs."
    ),
}
