"""Every member of the JSON that commands show is in docs/cli.md."""

import json
from pathlib import Path

import pytest

from aws_exec.diagnosis import diagnose
from aws_exec.fleet import Explanation, Fact, plain
from aws_exec.live.asking import Outcome, Status
from cli import check_health, explain, stopping
from cli.common import Format, Options
from tests.fleet.test_screens_of_one_job import FAILED

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8").partition("<!-- begin cli")[0]


def terminated(capsys):
    stopping._report(Options(output=Format.JSON), [(FAILED, "stopped", "")])
    return json.loads(capsys.readouterr().out)[0]


def explained(_):
    said = Explanation("It failed.", diagnose(FAILED.stop), [Fact("queue", "VALID")], ["Killed"], healthy=False)
    document = explain._document(FAILED, said)
    return {**document, **document["diagnosis"], **document["facts"][0]}


def checked(_):
    return check_health._plain(Outcome(Status.PASS, "sts:GetCallerIdentity", "identity", "it"))


def shown(_):
    return plain(FAILED, 0.0, None)


@pytest.mark.parametrize("document", [shown, explained, terminated, checked])
def test_every_member_is_on_the_page(document, capsys):
    assert [name for name in document(capsys) if f"`{name}`" not in PAGE] == []


def test_every_outcome_is_on_the_page():
    assert [each for each in ("stopped", "would stop", *stopping._LEFT) if f"`{each}`" not in PAGE] == []
