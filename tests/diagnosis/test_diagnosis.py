"""What AWS said is recognised, told in plain words, and never makes the diagnosis fail."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from aws_exec.diagnosis import (
    Blame,
    Replacement,
    can_replace,
    diagnose,
    diagnose_call_failure,
    format_diagnosis,
    format_termination,
    redact,
    rules,
)
from aws_exec.diagnosis import call_failures as fault_table
from aws_exec.diagnosis import terminations as stop_table
from aws_exec.lifecycle.values import CallFailure, FailureKind, Termination

RECORDED = Path(__file__).with_name("recorded")


def recorded(*names):
    """The entries of the files `recorded/<name>.yaml`, or of all but `calls`."""
    files = [RECORDED / f"{name}.yaml" for name in names] or [
        path for path in sorted(RECORDED.glob("*.yaml")) if path.stem != "calls"
    ]
    return [entry for path in files for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]


def stop_of(entry):
    values = {"service": "ecs", **entry, "sidecars": tuple(entry.get("sidecars", ()))}
    del values["rule"]
    return Termination(**values)


def failure_of(entry):
    values = {**entry, "kind": FailureKind(entry["kind"])}
    del values["rule"]
    return CallFailure(**values)


STOPS = [(entry["rule"], stop_of(entry)) for entry in recorded()]
FAULTS = [(entry["rule"], failure_of(entry)) for entry in recorded("calls")]

TOKEN = "eyJhbGciOiJIUzUxMiJ9.eyJzdWIiOiIwMTkifQ.c2lnbmF0dXJl"

stops = st.builds(
    Termination,
    service=st.sampled_from(["ecs", "batch", ""]) | st.text(),
    exit_code=st.none() | st.integers(-300, 300),
    started=st.booleans(),
    code=st.text(),
    reason=st.text(),
    container_reason=st.text(),
    user_initiated=st.booleans(),
    sidecars=st.lists(st.text(), max_size=2).map(tuple),
)
faults = st.builds(
    CallFailure,
    kind=st.sampled_from(FailureKind),
    operation=st.text(),
    code=st.text(),
    message=st.text(),
)


@pytest.mark.parametrize(("rule", "stop"), STOPS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_recorded_stop_is_recognised(rule, stop):
    found = diagnose(stop)
    assert found.rule == rule
    assert found.said == "\n".join(
        dict.fromkeys(part for part in (stop.code, stop.reason, stop.container_reason) if part),
    )


@pytest.mark.parametrize(("rule", "fault"), FAULTS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_recorded_refusal_is_recognised(rule, fault):
    assert diagnose_call_failure(fault).rule == rule


def test_every_rule_is_hit_by_a_recorded_answer():
    assert {rule.id for rule in stop_table.RULES} == {name for name, _ in STOPS}
    assert {rule.id for rule in fault_table.RULES} == {name for name, _ in FAULTS}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_every_rule_is_complete_and_points_to_aws(rule):
    assert rule.page.startswith(("https://docs.aws.amazon.com/", "https://repost.aws/"))
    assert rule.cause.endswith(".")
    assert rule.cause[0].isupper()
    assert rule.remedy.endswith(".")
    assert rule.id == rule.id.lower().replace(" ", "-")


def test_ids_are_unique_over_both_tables():
    ids = [rule.id for rule in rules()]
    assert len(ids) == len(set(ids))


@given(stops)
def test_any_stop_has_a_diagnosis(stop):
    found = diagnose(stop)
    assert found.cause
    assert isinstance(can_replace(stop), Replacement)
    assert found.replaceable is (can_replace(stop) is not Replacement.NO)
    assert format_termination(stop, arn="arn:aws:ecs:us-east-1:1:task/c/0")


@given(faults)
def test_any_fault_has_a_diagnosis(fault):
    assert format_diagnosis(diagnose_call_failure(fault))


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (Termination("ecs", reason="RESOURCE:MEMORY"), Replacement.FREE),
        (Termination("ecs", code="SpotInterruption", reason="Your Spot Task was interrupted."), Replacement.FREE),
        (Termination("ecs", reason="Capacity is unavailable at this time."), Replacement.FREE),
        (Termination("batch", reason="Host EC2 (instance i-0) terminated."), Replacement.FREE),
        (Termination("ecs", reason="CannotPullContainerError: api:v1: not found"), Replacement.NO),
        (Termination("ecs", reason="CannotPullContainerError: dial tcp 10.0.0.1:443: i/o timeout"), Replacement.YES),
        (Termination("ecs", reason="Timeout waiting for network interface provisioning to complete."), Replacement.YES),
        (Termination("ecs", reason="nobody has ever seen this"), Replacement.YES),
        (Termination("ecs"), Replacement.YES),
        (Termination("ecs", reason="RESOURCE:MEMORY", user_initiated=True), Replacement.NO),
    ],
)
def test_whether_a_new_container_can_help(stop, expected):
    assert can_replace(stop) is expected


def test_an_unknown_reason_is_shown_as_aws_said_it():
    stop = Termination("ecs", code="NewCode", reason="A sentence nobody knows", container_reason="and more")
    found = diagnose(stop)
    assert (found.rule, found.blame) == ("unknown", Blame.UNKNOWN)
    assert found.said == "NewCode\nA sentence nobody knows\nand more"
    assert "NewCode / A sentence nobody knows / and more" in format_diagnosis(found)


def test_a_word_of_prose_is_not_a_reason_code():
    """`AGENT`, `ATTRIBUTE`, `LOCATION`, `MISSING` and `INACTIVE` are codes in capitals only."""
    for word in ("agent", "attribute", "location", "missing", "inactive", "resource:"):
        assert diagnose(Termination("ecs", reason=f"the {word} of something")).rule == "unknown"


def test_exit_137_with_a_reason_is_what_the_reason_says():
    killed = {"exit_code": 137, "started": True}
    assert diagnose(Termination("ecs", **killed)).rule == "exit-137"
    assert diagnose(Termination("ecs", **killed, container_reason="OutOfMemoryError: ...")).rule == "out-of-memory"
    assert diagnose(Termination("batch", **killed, reason="Your Spot Task was interrupted.")).rule == "spot-interrupted"
    assert (
        diagnose(Termination("batch", **killed, reason="Job attempt duration exceeded timeout")).rule == "batch-timeout"
    )


def test_the_text_says_everything_once():
    stop = Termination(
        "ecs",
        exit_code=137,
        started=True,
        code="EssentialContainerExited",
        reason="Essential container in task exited",
        container_reason="OutOfMemoryError: Container killed due to memory usage",
        sidecars=("proxy: 143",),
    )
    assert format_termination(stop, arn="arn:aws:ecs:us-east-1:111122223333:task/web/0") == (
        "The container used more memory than it was given, and was killed.\n"
        "Responsible: the task\n"
        "Exit code: 137\n"
        "AWS said: EssentialContainerExited / Essential container in task exited / "
        "OutOfMemoryError: Container killed due to memory usage\n"
        "Other containers: proxy: 143\n"
        "Job: arn:aws:ecs:us-east-1:111122223333:task/web/0\n"
        "Hint: Give the task more memory, or make it use less.\n"
        "See: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/out-of-memory.html [out-of-memory]"
    )


def test_the_text_leaves_out_what_is_not_known_and_fits_one_line():
    text = format_diagnosis(diagnose(Termination("ecs")), separator=" | ")
    assert "\n" not in text
    assert "Exit code" not in text
    assert "AWS said" not in text
    assert "Job:" not in text


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        TOKEN[:30],
        "AKIAIOSFODNN7EXAMPLE",
        '"token": "hunter2"',
        "AIRFLOW__CORE__SQL_PASSWORD=hunter2",
        "postgres://airflow:hunter2@db/airflow",
        "aws_secret_access_key = hunter2",
    ],
)
def test_neither_diagnosis_nor_text_shows_a_credential(secret):
    stop = Termination("ecs", reason=f"CannotStartContainerError: exec: {secret}: no such file", sidecars=(secret,))
    shown = diagnose(stop).said + format_termination(stop)
    assert secret not in shown
    assert "hunter2" not in shown
    assert secret not in format_diagnosis(
        diagnose_call_failure(CallFailure(FailureKind.REFUSED, "RunTask", "X", f"in {secret}"))
    )


def test_a_name_of_a_secret_is_no_secret():
    said = "failed to fetch secret arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf"
    assert redact(said) == said


def test_a_reason_without_end_is_cut():
    assert len(diagnose(Termination("ecs", reason="x " * 5000)).said) <= 2000


def test_a_text_made_to_be_slow_is_not():
    """Rules read a bounded part: a megabyte that nearly matches everything costs no more than a long reason."""
    said = "CannotPull ResourceInitializationError logger args mount volume EFS pull secrets task definition " * 10000
    assert diagnose(Termination("ecs", reason=said)).rule
    assert diagnose_call_failure(CallFailure(FailureKind.INVALID, "RunTask", message=said)).rule


@pytest.mark.parametrize("partition", Loader().load_data("partitions")["partitions"], ids=lambda each: each["id"])
def test_amazon_s3_is_known_by_its_host_in_every_partition(partition):
    host = f"layers.s3.some-region-1.{partition['outputs']['dnsSuffix']}"
    reason = (
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: "
        f'failed to do request: Get "https://{host}/0f": dial tcp: i/o timeout'
    )
    assert (
        diagnose(Termination(service="ecs", code="TaskFailedToStart", reason=reason)).rule == "pull-layers-unreachable"
    )
