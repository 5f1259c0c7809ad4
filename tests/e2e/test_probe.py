"""`awsexec check-health --probe` beside a real Airflow: its API server knows the token, its containers the DAGs."""

import json

import pytest

from awsexec_cli.exit_codes import Exit
from tests.fleet.shell import process


def probe(aws, airflow, **more):
    given = {**aws.environment(), "AIRFLOW_HOME": str(airflow.home.directory), "NO_PROXY": "*", **more}
    done = process("check-health", "--probe", "--yes", "-o", "json", **given)
    return done, {
        branch["executor"]: {each["subject"]: each for each in branch["checks"]} for branch in json.loads(done.out)
    }


def test_a_probe_of_a_real_airflow_passes(aws, airflow):
    done, executors = probe(aws, airflow)

    assert set(executors) == {"AwsEcsExecutor", "AwsBatchExecutor"}
    for checks in executors.values():
        wrong = {subject for subject, each in checks.items() if each["status"] in ("WARN", "FAIL")}
        assert wrong == {"remote log folder"}, checks
        assert checks["task role"]["message"].startswith("tasks run as arn:aws:sts::")
        assert checks["token"]["message"] == "the API server accepts tokens that are signed here"
        assert checks["DAG bundle dags-folder"]["status"] == "PASS"
    assert done.code == Exit.OK


@pytest.mark.parametrize("secret", ["another-secret-" * 8])
def test_a_real_api_server_refuses_a_token_of_another_secret(aws, airflow, secret):
    done, executors = probe(aws, airflow, AIRFLOW__API_AUTH__JWT_SECRET=secret)

    assert done.code == Exit.FAILED
    for checks in executors.values():
        assert {subject for subject, each in checks.items() if each["status"] == "FAIL"} == {"token"}
        assert checks["token"]["message"].startswith("the API server refuses a token that is signed here: 403")
