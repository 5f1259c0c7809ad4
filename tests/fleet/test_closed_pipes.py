"""A reader that closes the pipe (`| head`) does not change an outcome; without a terminal, nothing is asked."""

import os
import subprocess

import pytest

from awsexec_cli.exit_codes import Exit
from tests.fleet.fleet import Fleet, identity
from tests.fleet.scripts import given, launched
from tests.fleet.shell import AWSEXEC, environment
from tests.tree import ROOT


@pytest.fixture
def unread(service, tmp_path):
    """Run a command whose reader reads so many lines and goes."""

    def unread(*arguments, stream="stdout", lines=0, reaching=None):
        reader, writer = os.pipe()
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writer}
        with os.fdopen(reader) as reading:
            if not lines:
                reading.close()
            process = subprocess.Popen(
                [*AWSEXEC, *arguments],
                **streams,
                stdin=subprocess.DEVNULL,
                text=True,
                cwd=ROOT,
                env=environment(**(reaching or given(service, tmp_path))),
            )
            os.close(writer)
            for _ in range(lines):
                assert reading.readline()
        with process:
            try:
                _, said = process.communicate(timeout=60)
            finally:
                process.kill()
        return process.returncode, said

    return unread


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_jobs_are_stopped_and_counted_whoever_reads(service, unread, stream):
    launched(service, "extract", "load")
    code, said = unread("terminate-all", "--yes", "-o", "json", stream=stream)

    assert code == Exit.OK
    assert len(service.stops()) == 2
    assert stream == "stderr" or "Stop requested for 2 jobs; not waiting" in said


def test_what_check_health_found_counts(unread):
    assert unread("check-health")[0] == Exit.FAILED
    assert unread("check-health", "-o", "json")[0] == Exit.FAILED


def test_waiting_goes_on_to_the_outcome_of_every_job(service, unread):
    first, second = launched(service, "extract", "load")
    service.end(first)
    service.end(second, fails="CannotPullContainerError")

    assert unread("wait", first, second, "-o", "name")[0] == Exit.FAILED


def test_a_list_that_nobody_reads_ends_well(service, unread):
    launched(service, "extract", "load")

    assert unread("list") == (Exit.OK, "")
    assert unread("list", "-o", "json") == (Exit.OK, "")


def test_watching_ends_with_its_reader(service, unread):
    launched(service, "extract", "load")

    assert unread("list", "--watch", "--interval", "0.1s") == (Exit.OK, "")


def test_following_a_log_ends_with_its_reader(aws, unread):
    program = "import threading\nwhile not threading.Event().wait(0.05): print('tick', flush=True)"
    arn = Fleet(aws).task(identity("ticks"), program)
    try:
        aws.wait_for_output(arn, "tick")
        assert unread("logs", "-f", arn, lines=1, reaching=aws.environment()) == (Exit.OK, "")
    finally:
        aws.faults.lose(arn)


def test_nobody_can_be_asked_through_a_closed_standard_input(service, tmp_path):
    launched(service, "extract", "load")
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *AWSEXEC, "terminate-all"],
        capture_output=True, text=True, timeout=60, cwd=ROOT, check=False, env=environment(**given(service, tmp_path)),
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert "cannot confirm stopping 2 jobs without a terminal" in done.stderr
    assert service.stops() == []
