"""The workload of a job is read from its environment, its tags, its command line or its name."""

import json

import pytest

from aws_exec.fleet import attribution
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.job_name import job_name

TOKEN = "0d6a9c1e-1111-4222-8333-444455556666-2"
WHO = Identity("ours", TOKEN, "etl", "load", "manual__1", "3", "2")


def pairs(mapping):
    return [{"name": name, "value": value} for name, value in mapping.items()]


def test_from_the_environment():
    assert attribution.in_container({"environment": pairs({"PATH": "/", **WHO.environment()})}) == WHO


def test_from_tags():
    assert attribution.in_tags({"team": "risk", **WHO.tags()}) == WHO
    assert attribution.in_tags({"team": "risk"}) is None


@pytest.mark.parametrize(
    ("ti", "expected"),
    [
        (
            {"dag_id": "etl", "task_id": "load", "run_id": "r", "try_number": 1, "map_index": 0},
            Identity("", "", "etl", "load", "r", "0", "1"),
        ),
        ({"dag_id": "etl", "task_id": "load", "run_id": "r"}, Identity("", "", "etl", "load", "r", "-1", "")),
    ],
)
def test_from_the_workload_that_the_amazon_providers_executors_put_on_the_command_line(ti, expected):
    command = ["python", "-m", "airflow.sdk.execution_time.execute_workload", "--json-string", json.dumps({"ti": ti})]

    assert attribution.in_container({"command": command, "environment": pairs({"A": "b"})}) == expected


def test_from_a_callbacks_workload():
    found = attribution.in_command(["x", "--json-string", json.dumps({"callback": {"id": "c1"}})])

    assert found == Identity("", "", callback_id="c1")


def test_from_an_older_command_line():
    found = attribution.in_command(["airflow", "tasks", "run", "etl", "load", "r1", "--local", "--map-index", "5"])

    assert found == Identity("", "", "etl", "load", "r1", "5")


def test_from_the_name_of_a_job_whatever_its_prefix():
    found = attribution.in_name(job_name("my-own-prefix", TOKEN, "etl", "load"))

    assert found == Identity("", TOKEN, "etl", "load")


@pytest.mark.parametrize("command", [[], ["sleep", "1"], ["--json-string"], ["x", "--json-string", "no json"]])
def test_what_is_not_airflows_is_nobodys(command):
    assert attribution.in_container({"command": command, "environment": pairs({"A": "b"})}) is None
    assert attribution.in_name("a-job") is None
