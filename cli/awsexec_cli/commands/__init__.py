"""The commands by name; importing this module imports none of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lazy:
    """A command that is not imported yet.

    Attributes:
        module: has a Typer named `app`.
        help: its line in the list of commands; the first line of its own help.
    """

    module: str
    help: str


COMMANDS = {
    "check-health": Lazy(
        "awsexec_cli.commands.check_health",
        "Check that the executors can work; report what is missing and how to fix it.",
    ),
    "demo": Lazy(
        "awsexec_cli.commands.demo",
        "Run DAGs on ECS and Batch with a real Airflow on this machine; needs no AWS account.",
    ),
    "describe": Lazy(
        "awsexec_cli.commands.describe", "Show everything known about a job: owner, state, timeline, log."
    ),
    "explain": Lazy("awsexec_cli.commands.explain", "Explain why a job failed or does not start, and what to do."),
    "list": Lazy("awsexec_cli.commands.list_jobs", "List running ECS tasks and Batch jobs in one table, newest first."),
    "local": Lazy("awsexec_cli.commands.local", "Run the local AWS emulator: ECS and Batch on this machine."),
    "logs": Lazy("awsexec_cli.commands.logs", "Show the CloudWatch logs of jobs, by name or by filters."),
    "render": Lazy(
        "awsexec_cli.commands.render", "Show the executor_config of a template, or the exact request that it makes."
    ),
    "schema": Lazy("awsexec_cli.commands.schema", "Print the JSON Schema of awsexec.yaml, for editors."),
    "templates": Lazy(
        "awsexec_cli.commands.templates", "List the templates of awsexec.yaml with their size and cost per hour."
    ),
    "terminate": Lazy("awsexec_cli.commands.terminate", "Stop jobs after a preview and a confirmation."),
    "terminate-all": Lazy(
        "awsexec_cli.commands.terminate_all", "Stop every job of this deployment that matches, on both services."
    ),
    "validate-config": Lazy(
        "awsexec_cli.commands.validate_config",
        "Check a configuration offline: awsexec.yaml, airflow.cfg, the environment, DAGs.",
    ),
    "wait": Lazy("awsexec_cli.commands.wait", "Wait until jobs run or have ended; exit with their outcome."),
}
