"""`list --watch` in a pipe: a line for each change, until the reader exits."""

import json
import signal

import pytest

from awsexec_cli.exit_codes import Exit
from tests.cli.helpers import labels
from tests.fleet.scripts import given, launched
from tests.fleet.shell import running
from tests.scripted.services import no_cluster


@pytest.fixture
def watching(service, tmp_path):
    shell = given(service, tmp_path)
    return lambda *arguments: running("list", "--watch", "--interval", "0.2s", *arguments, **shell)


def test_rows_come_as_they_change_and_what_goes_is_told(service, watching):
    (extract,) = launched(service, "extract")
    with watching() as process:
        header, first = process.stdout.readline(), process.stdout.readline()
        assert (header.split()[0], first.split()[1]) == ("DAG", "extract")
        launched(service, "load")
        assert process.stdout.readline().split()[1] == "load"
        service.end(extract)
        assert process.stdout.readline().split() == ["etl/extract@r1", extract.rpartition("/")[2][:8], "gone"]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == Exit.INTERRUPTED
        assert process.stderr.read() == "interrupted\n"


def test_as_json_each_line_is_a_job(service, watching):
    (arn,) = launched(service, "extract")
    with watching("-o", "json") as process:
        first = json.loads(process.stdout.readline())
        service.end(arn)
        last = json.loads(process.stdout.readline())

    assert (first["arn"], first["state"]) == (arn, "running")
    assert (last["arn"], last["state"]) == (arn, "gone")


def test_whoever_has_read_enough_ends_it(service, watching):
    (arn,) = launched(service, "extract")
    with watching() as process:
        process.stdout.readline()
        process.stdout.close()
        service.end(arn)
        assert process.wait(60) == Exit.OK
        assert process.stderr.read() == ""


def test_what_cannot_be_looked_at_from_the_beginning_is_not_watched(service, watching):
    service.goes_wrong(no_cluster())
    with watching() as process:
        assert process.wait(60) == Exit.NOT_FOUND
        assert labels(process.stderr.read()) == ["error", "hint"]
