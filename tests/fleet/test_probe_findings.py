"""What a probe's record means: a finding for each check, a remedy for whatever is wrong."""

import json

import pytest

from aws_exec.fleet.probe_findings import Expected, findings
from aws_exec.fleet.probe_record import read_record

MIB = 1 << 20
HERE = Expected(
    "3.12.4 (main)", {"apache-airflow-core": "3.3.2", "awsexec": "1.0", "apache-airflow-providers-amazon": "9.39.0"}
)
HEALTHY = {
    "event": "awsexec.probe",
    "version": 1,
    "python": "3.12.9 (main)",
    "airflow": ["3.3.2"],
    "packages": {"awsexec": "1.0", "apache-airflow-providers-amazon": "9.39.0"},
    "ended": "done",
    "cpus": 2,
    "cpu_limit": 0.25,
    "memory_used_bytes": 300 * MIB,
    "memory_limit_bytes": 512 * MIB,
    "oom_kills": 0,
    "disk_free_bytes": 20 << 30,
    "imports": {"seconds": 9.8},
    "api": {
        "url": "http://api:8080/execution/",
        "is_configured": True,
        "status": 404,
        "reason": "not_found",
        "milliseconds": 12,
        "ahead_seconds": 1,
    },
    "identity": {"arn": "arn:aws:sts::1:assumed-role/task/x"},
    "logs": {"is_remote": True, "folder": "s3://logs/airflow"},
    "dags": {
        "bundles": [{"name": "dags-folder", "path": "/dags", "dags": 3}],
        "is_partial": False,
        "seconds": 1.5,
    },
}


def found(**changes):
    """The findings on a healthy container's record, with changes."""
    record = read_record(json.dumps(HEALTHY | changes))
    return {each.subject: each for each in findings(record, HERE)}


def wrong(**changes):
    """The status and the message of each finding that is not fine."""
    return {
        subject: (str(each.status), each.message) for subject, each in found(**changes).items() if each.status != "PASS"
    }


def test_nothing_is_wrong_with_a_healthy_container():
    assert wrong() == {}
    assert [each.message for each in found().values()] == [
        "3.12.9 (here 3.12.4)",
        "3.3.2, as here, imported in 9.8 s",
        "1.0, as here",
        "0.25 vCPU",
        "Airflow and the DAG files use 300 MiB of 512 MiB",
        "20.0 GiB are free",
        "9.39.0, as here",
        "http://api:8080/execution/ answered in 12 ms",
        "the API server accepts tokens that are signed here",
        "agrees with the API server's within 10 s",
        "tasks run as arn:aws:sts::1:assumed-role/task/x",
        "s3://logs/airflow can be written",
        "3 DAGs in /dags, parsed in 1.5 s",
    ]


@pytest.mark.parametrize(
    ("changes", "subject", "status", "message"),
    [
        ({"python": "3.11.9"}, "Python", "WARN", "3.11.9 in the image, 3.12.4 here"),
        ({"airflow": ["3.3.1"]}, "Airflow", "WARN", "3.3.1 in the image, 3.3.2 here"),
        ({"airflow": ["3.2.2"]}, "Airflow", "FAIL", "3.2.2 in the image, 3.3.2 here"),
        ({"packages": HEALTHY["packages"] | {"awsexec": "0.9"}}, "awsexec", "WARN", "0.9 in the image, 1.0 here"),
        (
            {"packages": {"awsexec": "1.0", "apache-airflow-providers-amazon": None}},
            "Amazon provider",
            "FAIL",
            "the image has none, and [logging] remote_base_log_folder needs it",
        ),
        (
            {"memory_used_bytes": 480 * MIB},
            "memory",
            "WARN",
            "480 MiB of 512 MiB are in use before a task's own code runs",
        ),
        (
            {"ended": "SIGKILL", "oom_kills": None, "memory_limit_bytes": None},
            "memory",
            "FAIL",
            "the kernel killed the checks, which need more than 300 MiB",
        ),
        ({"ended": "SIGKILL"}, "process", "FAIL", "a signal ended the checks: SIGKILL"),
        ({"disk_free_bytes": 100 * MIB}, "disk", "WARN", "only 100 MiB are free"),
        ({"api": None}, "Execution API", "SKIP", "the check did not come to its end"),
        (
            {"api": {"url": "http://api/", "error": "ImportError: no httpx"}},
            "Execution API",
            "FAIL",
            "http://api/: ImportError: no httpx",
        ),
        (
            {"api": {"url": "http://api/", "status": 503}},
            "Execution API",
            "FAIL",
            "http://api/ answers 503, which is not the Execution API's answer: no detail",
        ),
        (
            {"api": HEALTHY["api"] | {"ahead_seconds": None}},
            "clock",
            "SKIP",
            "not checked: the API server's answer has no date",
        ),
        ({"identity": None}, "task role", "SKIP", "the check did not come to its end"),
        (
            {"identity": {"error": "NoCredentialsError: Unable to locate credentials"}},
            "task role",
            "WARN",
            "the container has no AWS credentials",
        ),
        (
            {"identity": {"error": "ConnectTimeoutError: sts"}},
            "task role",
            "WARN",
            "unknown: ConnectTimeoutError: sts",
        ),
        ({"logs": None}, "remote log folder", "SKIP", "the check did not come to its end"),
        (
            {"logs": {"is_remote": False}},
            "remote log folder",
            "WARN",
            "none: Airflow's UI cannot show a task's log once its container has ended; CloudWatch keeps the output",
        ),
        (
            {"logs": {"is_remote": True, "folder": "gs://x", "unchecked": "only s3:// is checked, and this is gs://"}},
            "remote log folder",
            "SKIP",
            "not checked: only s3:// is checked, and this is gs://",
        ),
        ({"dags": None}, "DAG bundles", "SKIP", "the check did not come to its end"),
        (
            {"dags": {"error": "ValueError: no such bundle", "is_partial": False}},
            "DAG bundles",
            "FAIL",
            "ValueError: no such bundle",
        ),
        ({"ended": "exit code 3"}, "process", "FAIL", "the checks ended early, with exit code 3"),
        (
            {"dags": HEALTHY["dags"] | {"is_partial": True}, "ended": "time limit"},
            "DAG bundle dags-folder",
            "WARN",
            "3 DAGs in /dags when the time was up",
        ),
    ],
)
def test_each_thing_that_is_wrong_is_named_alone(changes, subject, status, message):
    assert wrong(**changes) == {subject: (status, message)}
    hint = found(**changes)[subject].hint
    assert bool(hint) == (status != "SKIP")


def test_airflow_that_cannot_be_imported_is_the_only_failure():
    error = "ImportError: cannot import name x"
    assert wrong(imports={"error": error}) == {"Airflow": ("FAIL", f"3.3.2 cannot be imported: {error}")}


def test_files_that_cannot_be_imported_fail_a_bundle_without_any_dag():
    bundle = {"name": "x", "path": "/dags", "import_errors": 2, "first_error": "No module named 'y'"}
    told = wrong(dags={"bundles": [bundle], "is_partial": False})

    assert told == {"DAG bundle x": ("FAIL", "0 DAGs in /dags, and 2 files with import errors: No module named 'y'")}


def test_an_object_that_could_not_be_deleted_is_named():
    logs = HEALTHY["logs"] | {"left": "airflow/awsexec-probe"}
    message = found(logs=logs)["remote log folder"].message

    assert message.endswith("; the object airflow/awsexec-probe stays, since s3:DeleteObject is not allowed")


@pytest.mark.parametrize(
    "line",
    ["", "not JSON", "[]", '{"event": "awsexec.usage"}', '{"event": "awsexec.probe", "airflow": "3.3.2"}'],
)
def test_a_line_that_is_no_record_is_not_taken_for_one(line):
    assert read_record(line) is None
