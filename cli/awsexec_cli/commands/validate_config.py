"""`awsexec validate-config`: what is wrong with a configuration, where, and how to mend it; without Airflow or AWS."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from awsexec_cli.documents import show_rows, write
from awsexec_cli.exit_codes import Exit
from awsexec_cli.findings import Report, live_lines, report
from awsexec_cli.options import NO_CREDENTIALS, Format, before, errors_told
from awsexec_cli.output import clean, printer

if TYPE_CHECKING:
    from aws_exec.aws_checks.checks import AwsReport
    from aws_exec.settings.rules.sources import Sources

COMMAND = "awsexec validate-config"

app = typer.Typer(add_completion=False)


@app.command()
def validate_config(
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", show_default=False)] = None,
    *,
    config: Annotated[Path | None, typer.Option(help="The awsexec.yaml, where no FILE is named.")] = None,
    environment: Annotated[
        bool | None,
        typer.Option(
            "--environment/--no-environment",
            help="Whether this shell's AIRFLOW__... variables count; only without FILE by default.",
        ),
    ] = None,
    dags: Annotated[
        list[Path] | None, typer.Option(help="A DAG file, or a folder of them: their executor_configs are checked too.")
    ] = None,
    told_as: Annotated[
        Report | None, typer.Option("--format", help="How to tell what was found.", show_default="text")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="RULE", help="A rule that shall not count.")] = None,
    fail_on: Annotated[str, typer.Option(metavar="error|warning", help="What exits with 1.")] = "error",
    live: Annotated[
        bool, typer.Option("--live", help="Ask AWS too: read-only calls. What may not be asked is skipped.")
    ] = False,
    region: Annotated[str | None, typer.Option(help="Of --live, in place of the configured one.")] = None,
    profile: Annotated[str | None, typer.Option(help="Of --live: the AWS profile.")] = None,
    endpoint_url: Annotated[str | None, typer.Option(help="Of --live: an AWS of one's own.")] = None,
    effective: Annotated[
        bool, typer.Option("--effective", help="Show the value of every option, and who says it.")
    ] = False,
    list_rules: Annotated[bool, typer.Option("--list-rules", help="Show every rule.")] = False,
    output: Annotated[
        Format | None,
        typer.Option("--output", "-o", help="Of --effective, --list-rules; else json is --format json."),
    ] = None,
) -> None:
    """Check a configuration offline: awsexec.yaml, airflow.cfg, the environment, DAGs.

    What is named is one configuration: an awsexec.yaml (.yaml, .yml,
    .json), under an airflow.cfg (.cfg), under files of variables (.env).
    Without FILE: the awsexec.yaml that an executor would read, Airflow's
    own airflow.cfg, and this shell's environment.

    Examples:
      awsexec validate-config
      awsexec validate-config awsexec.yaml --dags dags --fail-on warning
      awsexec validate-config awsexec.yaml --format sarif > found.sarif
      awsexec validate-config --effective

    With --live it also asks AWS whether what is named exists and fits
    together: findings too, with the option that is wrong and the call
    that told it; what may not be asked is skipped.

    Exits with 0 if all checks passed, 1 if something is wrong (of
    --effective: in reading the files), 2 if no executor is configured or
    an option is wrong, 4 if --live has no credentials.
    """
    data = output or before.options.format
    if list_rules:
        _list_rules(data)
        return
    how = _report_of(told_as, data, effective=effective)
    _check_usage(ignore or [], fail_on)
    from aws_exec.settings.rules import check_sources as library  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.settings.rules.catalogue import Severity  # noqa: PLC0415 - likewise
    from aws_exec.settings.rules.sources import by_suffix, found_here, read_sources  # noqa: PLC0415 - likewise

    named = by_suffix(files) if files else found_here(os.environ, config)
    with_environment = not files if environment is None else environment
    sources = read_sources(named, os.environ, with_environment=with_environment)
    if effective:
        _show_effective(sources, data)
        unread = [one for one in sources.complaints if one.rule not in (ignore or [])]
        raise typer.Exit(Exit.FAILED if library.at_least(unread, Severity(fail_on)) else Exit.OK)
    said = _ask_aws(sources, region, profile, endpoint_url) if live else []
    outcomes = [outcome for each in said for outcome in each.outcomes]
    of_aws = [complaint for each in said for complaint in each.complaints]
    everything = [*library.check_sources(sources, dags or []), *of_aws]
    found = [one for one in everything if one.rule not in (ignore or [])]
    write(report(found, how, sources.lines, outcomes))
    if how in (Report.SARIF, Report.GITHUB):
        for line in live_lines(outcomes):
            printer.err.print(line, highlight=False, markup=False, soft_wrap=True)
    errors = sum(library.severity_of(one) is Severity.ERROR for one in found)
    if not errors and not dags and (missing := sources.without_executor()):
        printer.err.print(f"error: {missing}", soft_wrap=True)
        printer.err.print("hint: set [core] executor = aws_exec.AwsEcsExecutor and its options", soft_wrap=True)
        raise typer.Exit(Exit.USAGE)
    _sum_up(sources.checked, errors, len(found) - errors)
    if library.at_least(found, Severity(fail_on)):
        raise typer.Exit(Exit.FAILED)


def _report_of(told_as: Report | None, data: Format, *, effective: bool) -> Report:
    """How to tell what was found, where `--format` does not say it: `-o json` does, `-o yaml` cannot."""
    if told_as is not None or effective or data in (Format.TABLE, Format.WIDE):
        return told_as or Report.TEXT
    if data is Format.JSON:
        return Report.JSON
    message = f"{str(data)!r} is for --effective and --list-rules: what is found is told as --format says"
    raise typer.BadParameter(message, param_hint="--output")


def _check_usage(ignore: list[str], fail_on: str) -> None:
    from aws_exec.settings.rules.catalogue import RULES, Severity  # noqa: PLC0415 - the CLI starts fast

    if unknown := [rule for rule in ignore if rule not in RULES]:
        raise typer.BadParameter(f"there is no rule {unknown[0]!r}; see --list-rules", param_hint="--ignore")
    if fail_on not in {str(severity) for severity in Severity}:
        raise typer.BadParameter(f"{fail_on!r} is neither error nor warning", param_hint="--fail-on")


def _ask_aws(sources: Sources, region: str | None, profile: str | None, endpoint_url: str | None) -> list[AwsReport]:
    from aws_exec.aws_checks.calls import CredentialsError  # noqa: PLC0415 - the CLI starts fast; imports boto3
    from aws_exec.aws_checks.checks import check_against_aws, clients_of  # noqa: PLC0415 - likewise

    asked = before.options
    try:
        with errors_told(COMMAND):
            url = endpoint_url or asked.endpoint_url
            clients = clients_of(region or asked.region, profile or asked.profile, url, may_prompt=asked.may_ask)
            return [check_against_aws(configuration, clients) for configuration in sources.configurations]
    except CredentialsError as error:
        printer.fail(COMMAND, f"{NO_CREDENTIALS} ({error})")
        raise typer.Exit(Exit.CREDENTIALS) from error


def _sum_up(checked: list[str], errors: int, warnings: int) -> None:
    what = ", ".join(checked) or "the environment"
    if not errors + warnings:
        printer.err.print(f"{what}: all checks passed", highlight=False, markup=False, soft_wrap=True)
        return
    counts = [f"{n} {word}{'s' if n > 1 else ''}" for n, word in ((errors, "error"), (warnings, "warning")) if n]
    printer.err.print(f"{' and '.join(counts)} in {what}", highlight=False, markup=False, soft_wrap=True)


def _list_rules(how: Format) -> None:
    from aws_exec.settings.rules.catalogue import RULES  # noqa: PLC0415 - the CLI starts fast

    rows = [{"rule": rule.id, "severity": str(rule.severity), "holds": rule.holds} for rule in RULES.values()]
    show_rows(rows, how, {"rule": "RULE", "severity": "SEVERITY", "holds": "WHAT HOLDS"}, name="rule")


def _show_effective(sources: Sources, how: Format) -> None:
    rows = [
        {"section": one.section, "option": one.option, "value": one.value, "origin": one.origin}
        for configuration in sources.configurations
        for service, team in configuration.configured
        for one in configuration.effective(service, team)
    ]
    columns = {"section": "SECTION", "option": "OPTION", "value": "VALUE", "origin": "ORIGIN"}
    show_rows(rows, how, columns, name="option")
    for complaint in sources.complaints:
        printer.err.print(clean(str(complaint)), soft_wrap=True)
