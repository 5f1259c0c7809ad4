"""list, describe, explain and wait show how a task ended, apart from how its container did, on both services."""

import json

import pytest

from aws_exec.container.bootstrap import stored_command
from awsexec_cli.exit_codes import Exit
from tests.fleet.fleet import Fleet, identity

#: What Airflow's supervisor logs last, and the container of an image without awsexec exits with 0 in any case.
ENDS = """
import json
print(json.dumps({"logger": "supervisor", "event": "Workload finished", "exit_code": 0, "final_state": "STATE"}))
"""
PROGRAMS = {
    "failed": ENDS.replace("STATE", "failed"),
    "fine": ENDS.replace("STATE", "success"),
    "told": "raise SystemExit(80)",
    "refused": "raise SystemExit(87)",
    "unknown": "print('no record')",
}
#: A container that fetched its workload from a store: its image has awsexec.
STORED = ["python", "-c", "pass", *stored_command("s3://bucket/key", "us-east-1")[3:]]


@pytest.fixture(scope="module")
def jobs(aws):
    """An ended job for each way to end, by its name and service."""
    fleet = Fleet(aws)
    stored = identity("stored", dag="outcomes")
    jobs = {(name, "ecs"): fleet.task(identity(name, dag="outcomes"), code) for name, code in PROGRAMS.items()}
    jobs |= {(name, "batch"): fleet.job(identity(name, dag="outcomes"), code) for name, code in PROGRAMS.items()}
    jobs |= {
        ("stored", "ecs"): fleet.task(stored, command=STORED),
        ("stored", "batch"): fleet.job(stored, command=STORED),
    }
    aws.wait_until(lambda: all(one.over for one in aws.ledger() if one.arn in jobs.values()), timeout=60)
    return jobs


@pytest.fixture
def awsexec(aws, shell, jobs):
    return lambda *arguments: shell(*arguments, **aws.environment())


def told(document):
    return document["task_state"], document["task_state_source"], document["outcome"]


def test_list_shows_what_the_exit_code_says_and_guesses_nothing(awsexec, jobs):
    listed = json.loads(awsexec("list", "-a", "--dag", "outcomes", "-o", "json").out)
    rows = awsexec("list", "-a", "--dag", "outcomes").out.splitlines()

    names = {arn: name for name, arn in jobs.items()}
    assert {names[each["arn"]]: (each["state"], *told(each)) for each in listed} == {
        (name, service): said
        for service in ("ecs", "batch")
        for name, said in {
            "failed": ("succeeded", None, None, None),
            "fine": ("succeeded", None, None, None),
            "told": ("failed", "failed", "exit code", "failed"),
            "refused": ("failed", None, None, "refused"),
            "unknown": ("succeeded", None, None, None),
            "stored": ("succeeded", None, None, "done"),
        }.items()
    }
    column = rows[0].split().index("TASK-STATE")
    assert {(row.split()[1], row.split()[column]) for row in rows[1:]} == {
        ("failed", "-"),
        ("fine", "-"),
        ("told", "failed"),
        ("refused", "refused"),
        ("unknown", "-"),
        ("stored", "done"),
    }


@pytest.mark.parametrize("service", ["ecs", "batch"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("failed", (Exit.FAILED, Exit.OK, "")),
        ("fine", (Exit.OK, Exit.OK, "")),
        ("told", (Exit.FAILED, Exit.FAILED, "")),
        ("refused", (Exit.FAILED, Exit.FAILED, "the container's outcome is refused")),
        ("stored", (Exit.OK, Exit.OK, "")),
        ("unknown", (Exit.OK, Exit.OK, "its log does not show it")),
    ],
)
def test_wait_exits_with_the_outcome_of_the_task_or_of_the_container(awsexec, jobs, service, name, expected):
    *codes, warning = expected
    arn = jobs[name, service]
    of_task = awsexec("wait", arn, "-o", "name")
    of_container = awsexec("wait", arn, "--outcome", "container", "-o", "name")

    assert [of_task.code, of_container.code] == codes
    assert of_container.err == ""
    assert (f"({warning}); using the container's outcome: " in of_task.err) if warning else (of_task.err == "")


@pytest.mark.parametrize(("name", "code"), [("failed", Exit.FAILED), ("fine", Exit.OK), ("unknown", Exit.OK)])
def test_following_a_log_exits_with_the_outcome_of_the_task(awsexec, jobs, name, code):
    assert awsexec("logs", "-f", jobs[name, "ecs"]).code == code


def test_wait_prints_the_state_that_it_read(awsexec, jobs):
    (document,) = json.loads(awsexec("wait", jobs["failed", "ecs"], "-o", "json").out)

    assert (document["state"], *told(document)) == ("succeeded", "failed", "log", None)


def test_a_wait_for_running_reads_no_log(awsexec, jobs):
    done = awsexec("wait", jobs["unknown", "ecs"], "--for", "running", "-o", "name")

    assert (done.code, done.err) == (Exit.OK, "")


def test_wait_refuses_an_outcome_that_is_none(awsexec, jobs):
    done = awsexec("wait", jobs["fine", "ecs"], "--outcome", "dag")

    assert done.code == Exit.USAGE
    assert "hint: use task or container" in done.err


@pytest.mark.parametrize("service", ["ecs", "batch"])
def test_describe_shows_the_state_of_the_task_or_that_it_is_unknown(awsexec, jobs, service):
    failed = awsexec("describe", jobs["failed", service])
    unknown = awsexec("describe", jobs["unknown", service])
    documents = awsexec("describe", jobs["failed", service], jobs["unknown", service], "-o", "json")

    assert "\nTask state:  failed (from the log)\n" in failed.out
    assert "\nTask state:  unknown: its log does not show it\n" in unknown.out
    assert [told(each) for each in json.loads(documents.out)] == [("failed", "log", None), (None, None, None)]
    assert documents.err.endswith("ended (its log does not show it)\n")


@pytest.mark.parametrize("service", ["ecs", "batch"])
def test_explain_shows_the_state_of_the_task(awsexec, jobs, service):
    failed = awsexec("explain", jobs["failed", service], "-o", "json")
    fine = awsexec("explain", jobs["fine", service])

    document = json.loads(failed.out)
    assert (failed.code, *told(document)) == (Exit.FAILED, "failed", "log", None)
    assert document["headline"].startswith("Task failed. The container exited normally after ")
    assert (fine.code, "\nTask succeeded. The container exited normally after " in fine.out) == (Exit.OK, True)
