"""wait and logs -f continue while AWS cannot be reached, and report it once; --timeout limits both."""

import threading

import pytest

from aws_exec.clouds.errors import CloudError
from aws_exec.fleet import FleetJob, RetryUntilDeadline, State, Until, wait, within
from aws_exec.fleet.errors import UnknownJobError
from aws_exec.fleet.waiting import UNSEEN_POLLS
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job
from awsexec_cli.exit_codes import Exit
from tests.fleet.scripts import given, launched
from tests.fleet.shell import running
from tests.scripted.services import held


class AtOnce(threading.Event):
    """Whoever waits for it is not kept."""

    def wait(self, timeout=None):
        return self.is_set()


class Scripted:
    """A service, and a client of its log, that say one thing after the other."""

    def __init__(self, *answers):
        self._answers = list(answers)

    def __call__(self, service, region=""):
        return self

    def describe(self, location, arns):
        return [self._next()]

    def get_log_events(self, **arguments):
        return self._next()

    def _next(self):
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def job(state, arn="arn"):
    return FleetJob("ecs", Job(arn, "fleet"), Identity("ours", "t-1"), state, "")


def fails(kind):
    return CloudError(CallFailure(kind, "DescribeTasks", "Code", "said"))


def test_a_wait_goes_on_after_everything_that_passes_and_tells_of_the_first():
    told = []
    passing = [fails(kind) for kind in (FailureKind.UNREACHED, FailureKind.NO_ANSWER, FailureKind.THROTTLED)]
    service = Scripted(*passing, job(State.RUNNING), fails(FailureKind.UNREACHED), job(State.SUCCEEDED))
    outlasting = RetryUntilDeadline(told.append, AtOnce())

    ended = wait({"ecs": service}, [job(State.RUNNING)], Until.STOPPED, stop=AtOnce(), retries=outlasting)

    assert [each.state for each in ended] == [State.SUCCEEDED]
    assert told == [passing[0].failure]


@pytest.mark.parametrize("kind", [FailureKind.CREDENTIALS, FailureKind.REFUSED])
def test_what_does_not_pass_ends_a_wait(kind):
    service = Scripted(fails(kind))
    ended = wait(
        {"ecs": service},
        [job(State.RUNNING)],
        Until.STOPPED,
        stop=AtOnce(),
        retries=RetryUntilDeadline(print, AtOnce()),
    )

    with pytest.raises(CloudError):
        list(ended)


class Sees:
    """A service that sees, at each look, those jobs, in those states."""

    def __init__(self, sees):
        self._sees = sees
        self.looks = 0

    def describe(self, location, arns):
        self.looks += 1
        seen = self._sees(self.looks)
        return [job(seen[arn], arn) for arn in arns if arn in seen]

    def waited(self, *arns):
        jobs = [job(State.RUNNING, arn) for arn in arns]
        return wait({"ecs": self}, jobs, Until.STOPPED, stop=AtOnce())


def test_what_aws_has_forgotten_is_not_waited_for_without_end():
    service = Sees(lambda look: {"one": State.RUNNING, "two": State.RUNNING} if look <= 2 else {})

    with pytest.raises(UnknownJobError, match=r"^AWS no longer knows one, two: how it ended is unknown$"):
        list(service.waited("one", "two"))
    assert service.looks == 2 + UNSEEN_POLLS


def test_what_is_seen_again_was_not_forgotten():
    service = Sees(
        lambda look: {UNSEEN_POLLS: {"one": State.RUNNING}, 2 * UNSEEN_POLLS - 1: {"one": State.FAILED}}.get(look, {})
    )

    assert [each.state for each in service.waited("one")] == [State.FAILED]


def test_the_others_are_waited_for_all_the_same():
    service = Sees(lambda look: {"two": State.SUCCEEDED if look > 2 * UNSEEN_POLLS else State.RUNNING})
    waited = service.waited("one", "two")

    assert next(waited).job.arn == "two"
    with pytest.raises(UnknownJobError, match=r"^AWS no longer knows one:"):
        next(waited)


def test_what_comes_within_the_time_is_given_as_it_comes_and_what_hangs_is_left():
    hangs = threading.Event()

    def work():
        yield 1
        yield 2
        hangs.wait()

    given = within(60.0, work, lambda: "late")
    assert [next(given), next(given)] == [1, 2]
    with pytest.raises(TimeoutError, match="late"):
        list(within(0.0, work, lambda: "late"))
    hangs.set()
    assert list(given) == []


def test_what_fails_within_the_time_fails():
    def work():
        yield 1
        raise fails(FailureKind.REFUSED)

    with pytest.raises(CloudError):
        list(within(60.0, work, lambda: "late"))


def test_a_wait_with_a_timeout_is_begun_before_aws_is_there(service, tmp_path):
    (arn,) = launched(service, "load")
    service.down()
    with running(
        "wait", arn, "--timeout", "60s", "--outcome", "container", "-o", "name", **given(service, tmp_path)
    ) as process:
        said = process.stderr.readline()
        service.end(arn)
        service.up()
        out, err = process.communicate(timeout=60)

    assert said.startswith("warning: AWS cannot be reached")
    assert said.endswith("trying again\n")
    assert (process.returncode, out, err) == (Exit.OK, f"{arn}\n", "")


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_timeout_bounds_a_wait_at_an_aws_that_never_answers(service, gate, shell, tmp_path, output):
    (arn,) = launched(service, "load")
    service.goes_wrong(held(1.0))
    done = shell("wait", arn, "--timeout", "1s", "-o", output, **given(service, tmp_path))
    gate.open()

    assert (done.code, done.out) == (Exit.TIMED_OUT, {"table": "", "json": "[]\n"}[output])
    assert done.err.startswith("error: AWS did not answer within 1s\nhint: ")
