"""Every member of the JSON output is in docs/cli.md, in the row of its command."""

import json
import re

import pytest

from aws_exec.aws_checks.calls import Outcome, Status
from aws_exec.diagnosis import diagnose
from aws_exec.fleet import ContextLine, Explanation
from aws_exec.fleet.log_records import parse_record
from aws_exec.fleet.logs import Line
from aws_exec.settings.common.prices import Prices
from aws_exec.settings.file.reading import read_file
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.costs import summaries
from awsexec_cli import log_rendering
from awsexec_cli.commands import check_health, explain
from awsexec_cli.output import Format
from awsexec_cli.termination import _NOT_STOPPED, StopCommand, StopOptions
from tests.fleet.test_job_screens import FAILED
from tests.tree import ROOT

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8").partition("## What else is JSON")[2]


def row(command):
    """What is named in the row of a command, its own name among it."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith("|") and f"`{command}`" in line.split("|")[1]]
    return set(re.findall(r"`([^`]+)`", line))


def terminated(capsys):
    how = StopOptions(dry_run=False, yes=True, reason="", foreign=False)
    StopCommand(Format.JSON, may_prompt=False, options=how).report([(FAILED, "stopped", "")])
    return json.loads(capsys.readouterr().out)[0]


def explained(_):
    said = Explanation("It failed.", diagnose(FAILED.stop), [ContextLine("queue", "VALID")], ["Killed"], healthy=False)
    document = explain._document(FAILED, said)
    return {**document, **document["diagnosis"], **document["facts"][0]}


def checked(_):
    return check_health._plain(Outcome(Status.PASS, "sts:GetCallerIdentity", "identity", "it"))


def listed(_):
    file, _ = read_file(b"templates: {small: {cpu: 1, memory: 2GiB}}", "f", {})
    return summaries(Configuration(file), Prices())[0]


def logged(_):
    line = json.dumps({"event": "x", "error_detail": [{"exc_type": "E", "frames": [{"filename": "f", "lineno": 1}]}]})
    found = log_rendering.document(FAILED, Line(0, line), parse_record(line))
    return {**found, **found["exceptions"][0], **found["exceptions"][0]["frames"][0]}


@pytest.mark.parametrize(
    ("command", "document"),
    [
        ("explain", explained),
        ("logs", logged),
        ("terminate", terminated),
        ("terminate-all", terminated),
        ("check-health", checked),
        ("templates", listed),
    ],
)
def test_every_member_is_in_its_row(command, document, capsys):
    assert document(capsys).keys() - row(command) == set()


def test_every_outcome_is_in_the_row():
    assert {"stopped", "would stop", *_NOT_STOPPED} - row("terminate") == set()
