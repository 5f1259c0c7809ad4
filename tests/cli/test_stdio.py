"""Standard streams that are closed, full, unread or not UTF-8: output continues, and the exit code stays."""

import json
import os
import subprocess
import sys

import pytest

from awsexec_cli.exit_codes import Exit
from tests.cli.helpers import AWSEXEC
from tests.fleet.shell import environment
from tests.tree import ROOT

BOTH = str(ROOT / "config-samples" / "both.yaml")


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("templates: {s: {cpus: 1}}\n")
    return str(path)


@pytest.fixture
def foreign(tmp_path):
    path = tmp_path / "foreign.yaml"
    path.write_text("ecs: {cluster: c, container_name: ü😀, task_definition: t}\n", encoding="utf-8")
    return str(path)


def redirected(how, *arguments, **given):
    """Run `awsexec` as a shell does, with a redirection of its; what it said, as bytes."""
    command = ["sh", "-c", f'exec "$@" {how}', "sh", *AWSEXEC, *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, cwd=ROOT, check=False, env=environment(**given))


def unread(*arguments, stream="stdout"):
    """Run `awsexec` with a reader who is gone before it begins."""
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writer}
    try:
        return subprocess.run(
            [*AWSEXEC, *arguments], **streams, text=True, timeout=60, cwd=ROOT, check=False, env=environment()
        )
    finally:
        os.close(writer)


NO_UTF8 = {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.mark.parametrize("given", NO_UTF8, ids=["latin-1", "C"])
def test_what_an_encoding_has_no_letter_for_is_escaped(foreign, given):
    done = redirected("", "validate-config", foreign, "--effective", **given)

    assert (done.returncode, done.stderr) == (Exit.OK, b"")
    assert rb"\U0001f600" in done.stdout


@pytest.mark.parametrize("how", ["json", "yaml"])
def test_json_and_yaml_are_escaped_as_they_have_it(foreign, how):
    import yaml  # noqa: PLC0415 - for this test only

    done = redirected("", "validate-config", foreign, "--effective", "-o", how, **NO_UTF8[1])
    rows = (json.loads if how == "json" else yaml.safe_load)(done.stdout)

    assert {row["option"]: row["value"] for row in rows}["container_name"] == "ü😀"


def test_what_knows_utf8_gets_it(foreign):
    done = redirected("", "validate-config", foreign, "--effective", "-o", "json", PYTHONIOENCODING="utf-8")

    assert '"ü😀"'.encode() in done.stdout


@pytest.mark.parametrize("how", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_error(bad, how):
    done = redirected(how, "validate-config", bad)

    assert done.returncode == Exit.FAILED, "as it would with all of them"
    assert b"template-unknown-term" in done.stdout or ">&-" in how.split()
    assert done.stderr.count(b"\n") == ("2>&-" not in how)
    assert redirected(how, "render", "nightly", "--config", BOTH).returncode == Exit.OK


def test_no_other_file_takes_the_number_of_a_closed_stream():
    program = "from awsexec_cli.stdio import make_ready; make_ready(); assert open('/dev/zero').fileno() > 2"
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-c", program],
        capture_output=True, timeout=60, cwd=ROOT, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("command", [["schema"], ["--help"], ["--version"], ["validate-config", "--list-rules"]])
def test_a_full_disk_is_told_in_one_line(command):
    done = redirected(">/dev/full", *command)

    assert done.returncode == Exit.FAILED
    assert done.stderr == b"error: standard output cannot be written: No space left on device\n"


def test_nothing_is_told_where_nothing_can_be_told(bad):
    assert redirected("2>/dev/full", "validate-config", bad).returncode == Exit.FAILED
    assert redirected(">/dev/full 2>/dev/full", "render", "nightly", "--config", BOTH).returncode == Exit.FAILED


@pytest.mark.parametrize("command", [["schema"], ["--help"], ["--version"], ["validate-config", "--list-rules"]])
def test_a_reader_who_has_seen_enough_is_no_failure(command):
    done = unread(*command)

    assert (done.returncode, done.stderr) == (Exit.OK, "")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_was_found_counts_though_nobody_reads_it(bad, stream):
    assert unread("validate-config", bad, stream=stream).returncode == Exit.FAILED
    assert unread("render", "nope", "--config", BOTH, stream=stream).returncode == Exit.NOT_FOUND
