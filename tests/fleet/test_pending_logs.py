"""`logs` of a job without a log yet: reported at once; with -f, awaited until the job has ended."""

import pytest

from aws_exec.fleet import LogLocation, logs
from awsexec_cli.exit_codes import Exit
from tests.fleet.fleet import Fleet, identity
from tests.fleet.shell import running

THERE = LogLocation("/group", "stream", "us-east-1")
TELLS = "print('it begins', flush=True)"


class Log:
    """A client of a log of one line, that remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, service, region=""):
        return self

    def get_log_events(self, **arguments):
        assert arguments["limit"] >= 1, "as AWS has it"
        self.asked.append(arguments.get("startTime"))
        return {"events": [], "nextForwardToken": "end"}


def test_of_no_lines_nobody_is_asked():
    log = Log()

    assert (list(logs.read(log, THERE, tail=0)), log.asked) == ([], [])


class Backward:
    """A client of a log that is read from its end, page by page, as these."""

    def __init__(self, *pages):
        self._pages = pages

    def __call__(self, service, region=""):
        return self

    def get_log_events(self, *, nextToken="0", **_):  # noqa: N803 - the name that AWS gives it
        number = int(nextToken)
        page = self._pages[number] if number < len(self._pages) else []
        events = [{"timestamp": 1000, "message": text} for text in page]
        return {"events": events, "nextBackwardToken": str(min(number + 1, len(self._pages)))}


@pytest.mark.parametrize(("tail", "shown"), [(1, "d"), (3, "bcd"), (9, "abcd")])
def test_the_last_lines_of_a_log_are_found_behind_a_page_without_any(tail, shown):
    log = Backward([], ["c", "d"], [], ["a", "b"])

    assert "".join(line.text for line in logs.read(log, THERE, tail=tail)) == shown


def test_no_further_page_is_read_after_enough_characters():
    log = Backward(["c" * 60, "d" * 60], ["a", "b"])

    assert [len(line.text) for line in logs.read(log, THERE, tail=9, enough=100)] == [60, 60]
    assert len(list(logs.read(log, THERE, tail=9, enough=121))) == 4


def test_a_job_that_waits_has_no_log_yet_and_is_followed_from_its_beginning(aws, shell):
    aws.faults.occupy()
    fleet = Fleet(aws)
    try:
        jobs = [fleet.job(identity("later"), TELLS), fleet.task(identity("later"), TELLS)]
        for arn in jobs:
            done = shell("logs", arn, **aws.environment())
            assert (done.code, done.out) == (Exit.FAILED, "")
            assert "no log" in done.err
        first, second = (running("logs", "-f", arn, **aws.environment()) for arn in jobs)
        with first as first, second as second:
            for process in (first, second):
                assert "its log is shown once it begins" in process.stderr.readline()
            aws.faults.vacate()
            told = [process.communicate(timeout=60) for process in (first, second)]
        assert [out[15:] for out, _ in told] == ["it begins\n"] * 2
        assert (first.returncode, second.returncode) == (Exit.OK, Exit.OK)
    finally:
        aws.faults.vacate()


def test_a_job_that_never_started_has_no_log_whether_it_is_named_or_matches(aws, shell):
    aws.faults.occupy()
    try:
        never = Fleet(aws).job(identity("never", dag="halted"), TELLS)
        shell("terminate", never, "--yes", "--wait", "--include-foreign", **aws.environment())
    finally:
        aws.faults.vacate()
    name = never.rpartition("/")[2]
    said = f"error: {name} never started, so it has no log\nhint: awsexec explain {name}\n"

    for arguments in ([never], ["--dag", "halted"], ["-f", never]):
        done = shell("logs", *arguments, **aws.environment())
        assert (done.code, done.out, done.err) == (Exit.FAILED, "", said)

    ran = Fleet(aws).job(identity("ran", dag="halted"), TELLS)
    aws.wait_until(lambda: next(one for one in aws.ledger() if one.arn == ran).over, timeout=30)
    done = shell("logs", "--dag", "halted", **aws.environment())
    assert (done.code, "it begins" in done.out, done.err) == (Exit.PARTIAL, True, said)
