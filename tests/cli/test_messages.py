"""Every error path of every command prints what is wrong and what to do: `messages.txt` is what they print.

`WRITE_MESSAGES=write` writes it anew, to be read: from its first line to its last, as an editor would.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
from pathlib import Path

import pytest

from awsexec_cli.exit_codes import Exit
from tests.cli.message_cases import CASES
from tests.fleet.fleet import SECRETS
from tests.fleet.scripts import given, launched
from tests.fleet.shell import Shell, process
from tests.scripted.services import ScriptedBatch, ScriptedEcs

MESSAGES = Path(__file__).with_name("messages.txt")

#: What differs from run to run, and what is in the file instead.
_VARYING = [
    (re.compile(r"127\.0\.0\.1:\d{4,5}"), "127.0.0.1:PORT"),
    (re.compile(r"\b(?!0123)[0-9a-f]{32}\b"), "TASK-ID"),
    (re.compile(r"(?m)^DAG .*\n(?:.* [0-9a-f]{8}\n)*"), "(the table)\n"),
    (re.compile(r'"[0-9a-f]{12}"'), '"DERIVED"'),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
]
#: Words that this project once used, and no reader knows.
_PRIVATE = re.compile(
    r"\b(mend|beats?|forerun|doomed|shall|embedded AWS|nobody|of one's own|settled?|sighting|telling|told|patience"
    r"|surroundings|blame|passed over|disown|heir|fault|trouble|asked|survey|amazon provider)\b"
)


@pytest.fixture(scope="module")
def ecs():
    """An ECS with jobs of each kind, by cluster."""
    with ScriptedEcs() as ecs:
        launched(ecs, "load", cluster="ours")
        for index in "01":
            launched(ecs, "load", cluster="twice", map_index=index)
        for run in ("r1", "r2"):
            launched(ecs, "load", cluster="runs", run=run)
        launched(ecs, "load", "theirs", cluster="theirs", deployment="demo")
        launched(ecs, "load", cluster="provider", deployment="")
        for arn in launched(ecs, "load", cluster="ended"):
            ecs.end(arn)
        yield ecs


@pytest.fixture(scope="module")
def batch():
    with ScriptedBatch() as batch:
        yield batch


@pytest.fixture(scope="module")
def busy():
    """A port that is in use."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


@pytest.fixture
def shell(monkeypatch, capsys):
    return Shell(monkeypatch, capsys)


@pytest.fixture
def run(ecs, batch, busy, shell, tmp_path, monkeypatch):  # noqa: PLR0917 - fixtures
    """Run a case."""

    def run(case):
        for service, wrong, call in ((ecs, case.wrong, case.wrong_call), (batch, case.batch_wrong, "")):
            service.goes_right()
            if wrong is not None:
                service.goes_wrong(wrong, call)
        for name, text in case.files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        monkeypatch.chdir(tmp_path)
        around = {**given(ecs, tmp_path), "AWS_ENDPOINT_URL_BATCH": batch.url, **case.given}
        around = {name: value.replace("{folder}", str(tmp_path)) for name, value in around.items() if value}
        # After a time limit a thread is left behind, which would write into what the next case prints; and a process
        # chooses its directory of temporary files once.
        start = process if case.code is Exit.TIMED_OUT or "TMPDIR" in case.given else shell
        return start(*shlex.split(case.line.replace("{busy}", busy)), **around)

    def normal(text):
        text = text.replace(str(tmp_path), "/home/anna").replace(busy, "PORT")
        for varying, instead in _VARYING:
            text = varying.sub(instead, text)
        return text

    run.normal = normal
    return run


def sections():
    """What the file has of each case, by name."""
    text = MESSAGES.read_text(encoding="utf-8") if MESSAGES.exists() else ""
    return dict(each.split("\n", 1) for each in re.split(r"^\$ awsexec ", text, flags=re.MULTILINE)[1:])


@pytest.fixture(scope="module")
def written():
    """The messages in the file; written anew at the end, if wanted."""
    found = sections()
    yield found
    if os.environ.get("WRITE_MESSAGES") == "write":
        parts = [f"$ awsexec {case.name}\n{found[case.name]}" for case in CASES if case.name in found]
        MESSAGES.write_text("".join(parts), encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_message_has_a_cause_and_a_hint(case, run, written):
    done = run(case)
    said = run.normal(done.err + done.out)
    if os.environ.get("WRITE_MESSAGES") == "write":
        written[case.name] = f"{said}(exit code {done.code})\n\n"

    assert done.code == case.code, said
    assert f"{said}(exit code {done.code})\n\n" == written[case.name]
    assert [text for text in ("Traceback", "--debug", *SECRETS) if text in said] == []
    assert _PRIVATE.findall(said) == []
    if done.code and case.advises:
        assert re.search(r"^(\S+: )?error: \S", said, re.MULTILINE)
        assert re.search(r"^ *(hint|see): +\S", said, re.MULTILINE)


def test_every_case_is_in_the_file_and_no_other():
    names = [case.name for case in CASES]

    assert list(sections()) == names
    assert len(set(names)) == len(names)
    assert {case.code for case in CASES} == set(Exit) - {Exit.INTERRUPTED}
