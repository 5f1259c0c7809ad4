"""Each command as a process, against the local AWS emulator with a running fleet of both services."""

import getpass
import json
import re
from contextlib import closing

import pytest
import yaml

from awsexec_cli.exit_codes import Exit
from tests.fleet.fleet import FAILS, OURS, SECRETS, Fleet, identity, workload
from tests.fleet.shell import process
from tests.scripted.http import Answer, HttpServer

STUCK = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement is higher than that can be met"


@pytest.fixture(scope="module")
def jobs(aws):
    """The fleet, by name."""
    fleet = Fleet(aws)
    jobs = {
        "task": fleet.task(identity("serve", dag="shop")),
        "job": fleet.job(identity("train", dag="shop", map_index="3")),
        "theirs": fleet.task(identity("serve", dag="shop", deployment="theirs", run="r2")),
        "legacy": fleet.job(None, command=workload("legacy")),
        "failed": fleet.task(identity("fails", dag="shop"), FAILS),
    }
    aws.faults.hold_next(STUCK)
    jobs["stuck"] = fleet.job(identity("stuck", dag="shop"))

    def status(name):
        return next(one for one in aws.ledger() if one.arn == jobs[name])

    aws.wait_until(lambda: status("failed").over, timeout=30)
    aws.wait_until(
        lambda: all(status(name).status == "RUNNING" for name in ("task", "job", "theirs", "legacy")), timeout=30
    )
    for name in ("task", "job"):
        aws.wait_for_output(jobs[name], "token=")
    yield jobs
    for name, arn in jobs.items():
        if not status(name).over:
            aws.faults.lose(arn)


@pytest.fixture(scope="module")
def awsexec(aws, jobs):
    """Runs a command; nothing of what it says may hold a secret."""
    deployments = {f"AIRFLOW__AWS_{name}_EXECUTOR__DEPLOYMENT": OURS for name in ("ECS", "BATCH")}

    def awsexec(*arguments, **more):
        done = process(*arguments, **aws.environment(), **deployments, **more)
        assert [secret for secret in SECRETS if secret in done.out + done.err] == []
        assert "Traceback" not in done.err
        return done

    return awsexec


def test_list_shows_both_services_in_every_format(awsexec, jobs):
    wide = awsexec("list", "-o", "wide", "--dag", "shop", "--dag", "leg*", "--all-states")
    rows = {line.split()[-1]: line.split() for line in wide.out.splitlines()[1:]}

    assert wide.code == Exit.OK
    assert rows.keys() == {arn.rpartition("/")[2][:8] for arn in jobs.values()}
    assert rows[jobs["failed"].rpartition("/")[2][:8]][5] == "failed"
    assert [word for word in ("train[3]", "theirs") if word not in wide.out] == []

    documents = json.loads(awsexec("list", "--dag", "shop", "--state", "running", "-o", "json").out)
    assert {each["arn"] for each in documents} == {jobs["task"], jobs["job"], jobs["theirs"]}
    assert {each["state"] for each in documents} == {"running"}


def test_describe_shows_everything_and_a_timeline(awsexec, jobs):
    text = awsexec("describe", "shop/train[3]@r1")
    document = yaml.safe_load(awsexec("describe", jobs["task"], "-o", "yaml").out)

    assert (text.code, document["arn"]) == (Exit.OK, jobs["task"])
    assert f"ARN:         {jobs['job']}" in text.out
    assert "/aws/batch/job awsexec-job/" in text.out
    assert [line.split()[-1] for line in text.out.partition("Timeline:")[2].splitlines() if line] == [
        "queued",
        "started",
        "running",
    ]
    pairs = document["aws"]["overrides"]["containerOverrides"][0]["environment"]
    shown = {pair["name"]: pair["value"] for pair in pairs}
    assert (shown["DB_PASSWORD"], shown["PLAIN"]) == ("***", "to be seen")


def test_explain_says_why_it_failed_with_the_end_of_the_log(awsexec, jobs):
    done = awsexec("explain", jobs["failed"])

    assert done.code == Exit.FAILED
    assert "Exit code:   3" in done.out
    assert "Hint:" in done.out
    assert done.out.endswith("From its log:\n  before the end\n  it went wrong\n")


def test_explain_says_why_it_does_not_start_with_what_surrounds_it(awsexec):
    done = awsexec("explain", "shop/stuck", "-o", "json")
    said = json.loads(done.out)

    assert (done.code, said["healthy"]) == (Exit.FAILED, False)
    assert said["diagnosis"]["said"].startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
    about = [fact["about"] for fact in said["facts"]]
    assert about == ["job queue awsexec-queue", "jobs before it", "compute environment awsexec-ce", "Fargate quota"]


def test_logs_shows_what_was_printed_and_masks_tokens(awsexec, jobs):
    assert awsexec("logs", jobs["job"], "--raw").out == "up and running\ntoken=***\n"
    assert re.fullmatch(
        r"(\d\d:){2}\d\d       up and running\n.{8}       token=\*\*\*\n", awsexec("logs", jobs["job"]).out
    )


def test_following_a_job_that_failed_exits_as_wait_does(awsexec, jobs):
    followed = awsexec("logs", "-f", "-n", "1", "--raw", jobs["failed"])

    assert (followed.code, followed.out) == (Exit.FAILED, "it went wrong\n")


def test_logs_of_several_jobs_begin_with_the_job(awsexec, jobs):
    both = awsexec("logs", "--raw", jobs["job"], jobs["failed"])

    assert both.code == Exit.OK
    first, second = (
        {line.partition("  ")[0] for line in both.out.splitlines() if text in line} for text in ("up", "it")
    )
    assert [len(first), len(second), first & second] == [1, 1, set()]
    assert awsexec("logs").code == Exit.USAGE
    assert awsexec("logs", "--dag", "nothing*").err.startswith("No jobs match the filters in us-east-1 (cluster ")


def test_logs_of_what_could_not_be_listed_do_not_say_that_no_jobs_match(awsexec):
    done = awsexec("logs", "--dag", "etl", "--cluster", "nowhere")

    assert (done.code, "No jobs match" in done.err) == (awsexec("list", "--cluster", "nowhere").code, False)
    assert done.code != Exit.OK


def test_logs_that_must_not_be_read_are_reported_one_by_one(awsexec, jobs):
    denied = b'{"__type":"AccessDeniedException","message":"not authorized to perform: logs:GetLogEvents"}'
    with closing(HttpServer(lambda _path, _body: Answer(denied, 400))) as logs:
        logs.start()
        url = f"http://127.0.0.1:{logs.port}"
        done = awsexec("logs", jobs["task"], jobs["failed"], AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=url)

    ids = [jobs[name].rpartition("/")[2] for name in ("task", "failed")]
    assert [done.err.count(f"({each}): access denied") for each in ids] == [1, 1]
    assert done.code == Exit.CREDENTIALS


def test_logs_without_a_matching_line_say_so(awsexec, jobs):
    done = awsexec("logs", jobs["failed"], "--grep", "nowhere in it")

    assert (done.code, done.out, done.err) == (Exit.OK, "", "no line of 2 matches --grep nowhere in it\n")


def test_a_log_as_json_is_a_record_a_line(awsexec, jobs):
    done = awsexec("logs", jobs["failed"], "-o", "json", "--grep", "wrong")
    [line] = map(json.loads, done.out.splitlines())

    assert (line["arn"], line["event"], line["level"]) == (jobs["failed"], "it went wrong", None)


def test_wait_exits_with_the_outcome(awsexec, jobs):
    failed = awsexec("wait", jobs["failed"], "-o", "name")
    runs = awsexec("wait", jobs["task"], "--for", "running", "-o", "name")

    assert (failed.code, failed.out) == (Exit.FAILED, f"{jobs['failed']}\n")
    assert (runs.code, runs.out) == (Exit.OK, f"{jobs['task']}\n")


def test_nobody_is_stopped_unasked(awsexec, aws, jobs):
    refused = awsexec("terminate", jobs["task"])
    foreign = awsexec("terminate", "--yes", jobs["task"], jobs["theirs"])
    dry = awsexec("terminate-all", "--dag", "shop", "--dry-run", "-o", "name")

    assert (refused.code, refused.out) == (Exit.USAGE, "")
    assert "cannot confirm stopping 1 job without a terminal\nhint: pass --yes" in refused.err
    assert (foreign.code, foreign.out) == (Exit.USAGE, "")
    assert "1 of 2 jobs belong to another deployment" in foreign.err
    assert dry.code == Exit.OK
    assert set(dry.out.split()) == {jobs["task"], jobs["job"], jobs["stuck"]}
    assert not next(one for one in aws.ledger() if one.arn == jobs["task"]).over


def test_terminate_all_stops_what_fits_of_this_deployment_and_nothing_else(awsexec, aws):
    fleet = Fleet(aws)
    ours = [fleet.task(identity("bulk", dag="bulk")), fleet.job(identity("bulk", dag="bulk"))]
    theirs = fleet.task(identity("bulk", dag="bulk", deployment="theirs", run="r2"))

    done = awsexec("terminate-all", "--dag", "bulk", "--yes", "--reason", "wrong source")

    assert (done.code, done.out) == (Exit.OK, "")
    assert "2 jobs by state" in done.err
    assert done.err.endswith("Stop requested for 2 jobs; not waiting for their containers to exit (up to 30s)\n")
    aws.wait_until(lambda: all(one.over for one in aws.ledger() if one.arn in ours), timeout=30)
    assert {one.stopped_reason for one in aws.ledger() if one.arn in ours} == {
        f"{getpass.getuser()}: wrong source (awsexec terminate)"
    }
    assert not next(one for one in aws.ledger() if one.arn == theirs).over
    aws.faults.lose(theirs)
