"""Who stopped a job with `awsexec terminate`, and why, in the reason that AWS records."""

import pytest

from aws_exec.diagnosis import Blame, diagnose
from aws_exec.diagnosis.reasons import StopRequest, stop_reason, stop_request
from aws_exec.lifecycle.values import Termination

#: As versions before 1.0 wrote it, and as it still is where no reason is given.
WITHOUT_REASON = "Stopped by anna (awsexec terminate)"


@pytest.mark.parametrize(
    ("who", "why", "recorded"),
    [
        ("anna", "wrong source", "anna: wrong source (awsexec terminate)"),
        ("anna", "", WITHOUT_REASON),
        ("anna", "see: ticket 12 (urgent)\nnow", "anna: see: ticket 12 (urgent) now (awsexec terminate)"),
    ],
)
def test_the_recorded_reason_names_the_person_and_is_read_back(who, why, recorded):
    assert stop_reason(who, why) == recorded
    assert stop_request(recorded) == StopRequest(who, " ".join(why.split()))


def test_a_long_reason_is_cut_and_the_person_stays():
    recorded = stop_reason("anna", "x" * 1000)

    assert len(recorded) == 255
    assert stop_request(recorded) == StopRequest("anna", "x" * (255 - len("anna: ... (awsexec terminate)")) + "...")


def test_a_long_name_leaves_room_for_the_reason():
    found = stop_request(stop_reason("a:" + "b" * 300, "wrong source"))

    assert found == StopRequest("a" + "b" * 63, "wrong source")


@pytest.mark.parametrize("reason", ["", "wrong source", "Task stopped by user", "awsexec terminate", "a: b"])
def test_other_reasons_name_nobody(reason):
    assert stop_request(reason) is None


@pytest.mark.parametrize(("service", "rule"), [("ecs", "stopped-by-user"), ("batch", "batch-terminated-by-user")])
@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("anna: wrong source (awsexec terminate)", 'Stopped with awsexec terminate by anna: "wrong source".'),
        (WITHOUT_REASON, "Stopped with awsexec terminate by anna."),
    ],
)
def test_the_diagnosis_names_the_person_under_the_same_rule(service, rule, reason, cause):
    found = diagnose(Termination(service, 143, started=True, reason=reason, user_initiated=True))

    assert (found.rule, found.cause, found.blame, found.replaceable) == (rule, cause, Blame.PERSON, False)
    assert found.remedy == "Clear the task in Airflow to run it again."
    assert found.said == reason


def test_a_reason_that_no_user_gave_names_nobody():
    found = diagnose(Termination("ecs", 1, started=True, reason="anna: wrong source (awsexec terminate)"))

    assert "anna" not in found.cause
