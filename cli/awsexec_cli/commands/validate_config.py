"""`awsexec validate-config`: find what is wrong with a configuration, without Airflow or AWS."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from awsexec_cli.errors import LOG_IN, NO_CREDENTIALS, errors_reported
from awsexec_cli.exit_codes import Exit
from awsexec_cli.findings import Report, live_lines, report
from awsexec_cli.options import Options, accepting, deprecated
from awsexec_cli.output import Format, clean, printer, write, write_rows
from awsexec_cli.usage import Misuse, similar

if TYPE_CHECKING:
    from aws_exec.aws_checks.checks import AwsReport
    from aws_exec.settings.rules.sources import Sources

#: Checked files that are named; of more, the others are counted.
_NAMED = 5

app = typer.Typer(add_completion=False)


class Output(StrEnum):
    """The values of `-o` here: those for findings, and with --effective and --list-rules those for tables."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    WIDE = "wide"
    YAML = "yaml"
    NAME = "name"


@app.command(cls=accepting("region", "profile", "endpoint_url", "config"))
def validate_config(
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", show_default=False)] = None,
    *,
    environment: Annotated[
        bool | None,
        typer.Option(
            "--environment/--no-environment",
            help="Read this shell's AIRFLOW__... variables",
            show_default="only without FILE",
        ),
    ] = None,
    dags: Annotated[
        list[Path] | None,
        typer.Option(help="DAG file or folder whose executor_configs to check (repeatable)"),
    ] = None,
    output: Annotated[
        Output | None,
        typer.Option(
            "--output",
            "-o",
            help="Output format; wide, yaml and name are for --effective and --list-rules",
            show_default="table",
        ),
    ] = None,
    report_format: Annotated[Report | None, typer.Option("--format", hidden=True)] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="RULE", help="Rule to ignore (repeatable)")] = None,
    fail_on: Annotated[str, typer.Option(metavar="error|warning", help="Lowest severity that exits with 1")] = "error",
    live: Annotated[
        bool, typer.Option("--live", help="Also check against AWS, with read-only calls; skip what is not allowed")
    ] = False,
    effective: Annotated[
        bool, typer.Option("--effective", help="Show the value and the source of every option instead")
    ] = False,
    list_rules: Annotated[bool, typer.Option("--list-rules", help="Show every rule instead")] = False,
) -> None:
    """Check a configuration offline: awsexec.yaml, airflow.cfg, the environment, DAGs.

    The files together are one configuration: an awsexec.yaml (.yaml, .yml,
    .json), under an airflow.cfg (.cfg), under files of variables (.env).
    Without FILE: the awsexec.yaml that an executor would read (or that of
    --config), Airflow's own airflow.cfg, and this shell's environment.

    Examples:
      awsexec validate-config
      awsexec validate-config awsexec.yaml --dags dags --fail-on warning
      awsexec validate-config awsexec.yaml -o sarif > found.sarif
      awsexec validate-config --effective

    --live also checks that everything the configuration names exists in AWS
    and fits together. A finding names the option and the AWS call; checks
    that your permissions do not allow are skipped. --region, --profile and
    --endpoint-url apply to --live.

    Exits with 0 if all checks passed, 1 on findings (with --effective: if a
    file cannot be read), 2 if no executor is configured, or core.executor or
    a command-line option is wrong, 4 if --live has no credentials.
    """
    options: Options = context.obj
    as_ = output or Output(options.format)
    if report_format is not None:
        deprecated("--format", f"-o {report_format.replace('text', 'table')}")
        as_ = as_ if effective or list_rules else Output(report_format.replace("text", "table"))
    if list_rules:
        _list_rules(_table_format(as_))
        return
    data = _table_format(as_) if effective else Format.TABLE
    chosen = Report.TEXT if effective else _report_format(as_)
    _check_usage(ignore or [], fail_on, dags or [])
    from aws_exec.settings.rules import check_sources as library  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.settings.rules.catalogue import Severity  # noqa: PLC0415 - likewise
    from aws_exec.settings.rules.sources import by_suffix, found_here, read_sources  # noqa: PLC0415 - likewise

    named = by_suffix(files) if files else found_here(os.environ, options.config)
    with_environment = not files if environment is None else environment
    sources = read_sources(named, os.environ, with_environment=with_environment)
    if effective:
        unread = [one for one in sources.complaints if one.rule not in (ignore or [])]
        _show_effective(sources, data, is_failed=library.at_least(unread, Severity(fail_on)))
        return
    checked = _check_aws(sources, options) if live else []
    outcomes = [outcome for each in checked for outcome in each.outcomes]
    of_aws = [complaint for each in checked for complaint in each.complaints]
    everything = [*library.check_sources(sources, dags or []), *of_aws]
    found = [one for one in everything if one.rule not in (ignore or [])]
    write(report(found, chosen, sources.lines, outcomes))
    if chosen in (Report.SARIF, Report.GITHUB):
        for line in live_lines(outcomes):
            printer.say(line)
    errors = sum(library.severity_of(one) is Severity.ERROR for one in found)
    if not errors and not dags and (missing := sources.without_executor()):
        _fail_without_executor(missing)
    _report_counts(sources, errors, len(found) - errors)
    if any(one.rule == "executor-name" for one in found):  # Airflow does not start: nothing else matters yet
        raise typer.Exit(Exit.USAGE)
    if library.at_least(found, Severity(fail_on)):
        raise typer.Exit(Exit.FAILED)


def _fail_without_executor(missing: str) -> NoReturn:
    printer.fail(missing, hint="set [core] executor = aws_exec.AwsEcsExecutor and its options")
    raise typer.Exit(Exit.USAGE)


def _report_format(output: Output) -> Report:
    """Return the format of findings."""
    if output in (Output.TABLE, Output.WIDE):
        return Report.TEXT
    if output.value not in {each.value for each in Report}:
        raise Misuse(f'invalid --output "{output}" for findings', "use table, json, sarif or github")
    return Report(output)


def _table_format(output: Output) -> Format:
    """Return the format of a table."""
    if output.value not in {each.value for each in Format}:
        raise Misuse(f'invalid --output "{output}" for a table', "use table, wide, json, yaml or name")
    return Format(output)


def _check_usage(ignore: list[str], fail_on: str, dags: list[Path]) -> None:
    from aws_exec.settings.rules.catalogue import RULES, Severity  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.settings.rules.check_sources import python_files  # noqa: PLC0415 - likewise

    if unknown := [rule for rule in ignore if rule not in RULES]:
        raise Misuse(f'invalid --ignore "{unknown[0]}"', similar(unknown[0], RULES) or "--list-rules shows every rule")
    if fail_on not in {str(severity) for severity in Severity}:
        raise Misuse(f'invalid --fail-on "{fail_on}"', "use error or warning")
    for path in dags:
        if not python_files(path):
            raise Misuse(f"no DAG file in --dags {path}", "name a DAG file (*.py), or a folder of them")


def _check_aws(sources: Sources, options: Options) -> list[AwsReport]:
    from aws_exec.aws_checks.calls import CredentialsError  # noqa: PLC0415 - the CLI starts fast; imports boto3
    from aws_exec.aws_checks.checks import check_against_aws, clients_of  # noqa: PLC0415 - likewise

    try:
        with errors_reported():
            clients = clients_of(options.region, options.profile, options.endpoint_url, may_prompt=options.may_prompt)
            return [check_against_aws(configuration, clients) for configuration in sources.configurations]
    except CredentialsError as error:
        printer.fail(f"{NO_CREDENTIALS} ({error})", hint=LOG_IN)
        raise typer.Exit(Exit.CREDENTIALS) from error


def _report_counts(sources: Sources, errors: int, warnings: int) -> None:
    checked, computed = sources.checked, sources.computed
    if computed:
        where = ", ".join(f"{one.source}:{one.line}" for one in computed[:_NAMED])
        more = f" and {len(computed) - _NAMED} more" if len(computed) > _NAMED else ""
        which = "1 executor_config is" if len(computed) == 1 else f"{len(computed)} executor_configs are"
        printer.say(clean(f"Not checked: {which} computed ({where}{more})"))
    more = f" and {len(checked) - _NAMED} more files" if len(checked) > _NAMED else ""
    what = f"{', '.join(checked[:_NAMED])}{more}" or "the environment"
    if not errors + warnings:
        printer.say(f"{what}: all checks passed")
        return
    counts = [f"{n} {word}{'s' if n > 1 else ''}" for n, word in ((errors, "error"), (warnings, "warning")) if n]
    printer.say(f"{' and '.join(counts)} in {what}")


def _list_rules(output: Format) -> None:
    from aws_exec.settings.rules.catalogue import RULES  # noqa: PLC0415 - the CLI starts fast

    rows = [{"rule": rule.id, "severity": str(rule.severity), "holds": rule.holds} for rule in RULES.values()]
    write_rows(rows, output, {"rule": "RULE", "severity": "SEVERITY", "holds": "WHAT HOLDS"}, name="rule")


def _show_effective(sources: Sources, output: Format, *, is_failed: bool) -> None:
    """Show every option; exit with an error if a file cannot be read, or if no executor is configured."""
    rows = [
        {"section": one.section, "option": one.option, "value": one.value, "origin": one.origin}
        for configuration in sources.configurations
        for service, team in configuration.configured
        for one in configuration.effective(service, team)
    ]
    columns = {"section": "SECTION", "option": "OPTION", "value": "VALUE", "origin": "ORIGIN"}
    write_rows(rows, output, columns, name="option")
    for complaint in sources.complaints:
        printer.say(clean(str(complaint)))
    if is_failed:
        raise typer.Exit(Exit.FAILED)
    if not rows and (missing := sources.without_executor()):
        _fail_without_executor(missing)
