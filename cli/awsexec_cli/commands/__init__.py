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
    "check-health": Lazy(
        "awsexec_cli.commands.check_health",
        "Check whether the executors could work, and say what is missing, and the remedy.",
    ),
    "demo": Lazy(
        "awsexec_cli.commands.demo",
        "See a real Airflow run a DAG on ECS and Batch, on this machine, without an AWS account.",
    ),
    "describe": Lazy(
        "awsexec_cli.commands.describe", "Show everything known of a job: whose, how far, its timeline, its log."
    ),
    "explain": Lazy(
        "awsexec_cli.commands.explain", "Explain why a job failed, or does not start, and what to do about it."
    ),
    "list": Lazy("awsexec_cli.commands.list_jobs", "List the running fleet, ECS tasks and Batch jobs in one table."),
    "local": Lazy("awsexec_cli.commands.local", "The embedded AWS: containers run as processes on this machine."),
    "logs": Lazy(
        "awsexec_cli.commands.logs", "Show a job's CloudWatch log, as its task or job definition has it sent there."
    ),
    "render": Lazy(
        "awsexec_cli.commands.render", "Show the executor_config of a template, or the exact request that it makes."
    ),
    "schema": Lazy("awsexec_cli.commands.schema", "Print the JSON Schema of awsexec.yaml, for editors."),
    "templates": Lazy(
        "awsexec_cli.commands.templates", "List the templates of awsexec.yaml, with their size and cost per hour."
    ),
    "terminate": Lazy(
        "awsexec_cli.commands.terminate", "Stop jobs: shows what will be stopped, asks, stops it, says what is left."
    ),
    "terminate-all": Lazy(
        "awsexec_cli.commands.terminate_all", "Stop every job that fits, of this deployment, on both services."
    ),
    "validate-config": Lazy(
        "awsexec_cli.commands.validate_config",
        "Check a configuration offline: awsexec.yaml, airflow.cfg, the environment, DAGs.",
    ),
    "wait": Lazy("awsexec_cli.commands.wait", "Wait until jobs run, or are over; exit with their outcome."),
}
