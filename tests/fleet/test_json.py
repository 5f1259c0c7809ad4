"""JSON and YAML output is valid, even if it is empty or interrupted."""

import json

import pytest
import yaml

from awsexec_cli.exit_codes import Exit
from tests.fleet.scripts import given, launched
from tests.fleet.shell import running
from tests.scripted.services import expired, held


@pytest.fixture
def awsexec(shell, service, tmp_path):
    return lambda *arguments: shell(*arguments, **given(service, tmp_path))


def outcomes(done):
    return {each["arn"]: (each["outcome"], each["error"]) for each in json.loads(done.out)}


def test_a_wait_that_times_out_ends_its_document(service, awsexec):
    runs, over = launched(service, "runs", "over")
    service.end(over)
    done = awsexec("wait", over, runs, "--timeout", "5s", "-o", "json")
    none = awsexec("wait", runs, "--timeout", "1s", "-o", "json")

    assert (done.code, [each["arn"] for each in json.loads(done.out)]) == (Exit.TIMED_OUT, [over])
    assert "the time limit passed; not stopped: 1 of 2 jobs" in done.err
    assert (none.code, json.loads(none.out)) == (Exit.TIMED_OUT, [])


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_where_nothing_fits_nothing_is_an_empty_list(awsexec, output, read):
    done = awsexec("terminate-all", "--yes", "-o", output)

    assert (done.code, read(done.out)) == (Exit.OK, [])
    assert done.err.startswith("No jobs match in ")
    assert done.err.endswith("; nothing was stopped.\n")


def test_a_job_that_is_over_is_among_the_outcomes_alone_and_beside_others(service, awsexec):
    runs, over = launched(service, "runs", "over")
    service.end(over)
    alone = awsexec("terminate", over, "--yes", "-o", "json")
    dry = awsexec("terminate", over, runs, "--dry-run", "-o", "json")
    beside = awsexec("terminate", over, runs, "--yes", "-o", "json")
    named = awsexec("terminate", over, "--yes", "-o", "name")

    assert {each.code for each in (alone, dry, beside, named)} == {Exit.OK}
    assert outcomes(alone) == {over: ("over already", None)}
    assert outcomes(dry) == {over: ("over already", None), runs: ("would stop", None)}
    assert outcomes(beside) == {over: ("over already", None), runs: ("stopped", None)}
    assert named.out == ""


@pytest.mark.parametrize(("wait", "state", "exit_code"), [((), "stopping", None), (("--wait",), "failed", 143)])
def test_a_stop_has_the_state_of_its_job_as_it_was_seen_last(service, awsexec, wait, state, exit_code):
    (arn,) = launched(service, "runs")
    done = awsexec("terminate", arn, "--yes", "-o", "json", *wait)
    (found,) = json.loads(done.out)

    assert (done.code, found["outcome"], found["state"], found["exit_code"]) == (Exit.OK, "stopped", state, exit_code)


def test_a_document_is_written_even_if_aws_does_not_say_when_the_container_exits(service, gate, tmp_path):
    (arn,) = launched(service, "runs")
    service.goes_wrong(held(1.0), "StopTask")
    arguments = ("terminate", arn, "--yes", "--wait", "-o", "json")
    with running(*arguments, **given(service, tmp_path)) as process:
        gate.wait_for(1)
        service.goes_wrong(expired(), "DescribeTasks")
        gate.open()
        out, err = process.communicate(timeout=60)
    (found,) = json.loads(out)

    assert (process.returncode, found["outcome"], found["state"]) == (Exit.CREDENTIALS, "stopped", "stopping")
    error, hint = err.splitlines()[-2:]
    assert error.startswith("error: ")
    assert "credentials" in error
    assert hint.startswith("hint: ")
