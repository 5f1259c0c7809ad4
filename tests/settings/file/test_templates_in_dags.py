"""`aws_exec.template`: light, cached, and never older than the file."""

import os
import subprocess
import sys

import pytest

import aws_exec
from aws_exec.settings import InvalidExecutorConfig, RunTaskBuilder, load_ecs_options
from aws_exec.settings.file import FileError, load_file
from tests.settings.file.conftest import TEMPLATES


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write the awsexec.yaml that counts."""
    path = tmp_path / "awsexec.yaml"
    monkeypatch.setenv("AWSEXEC_CONFIG", str(path))

    def written(text):
        path.write_text(text)
        return path

    return written


def test_it_is_the_executor_config_of_the_one_service_there_is(written):
    written(TEMPLATES + "ecs: {cluster: c}\n")
    assert aws_exec.template("large", memory="24GiB")["overrides"]["memory"] == "24576"
    assert "containerOverrides" in aws_exec.template("large", executor="batch")


def test_where_either_service_may_be_meant_the_executor_decides(written, tmp_path):
    written(TEMPLATES)
    neutral = {"cpu": "4096 units", "memory": 24576, "env": {"OMP_NUM_THREADS": "4"}}
    assert aws_exec.template("large", memory="24GiB") == {"template": neutral}
    assert aws_exec.template("nightly", launch_type="EC2")["template"]["launch_type"] == "EC2"
    assert "spot" not in aws_exec.template("nightly", launch_type="EC2")["template"]
    assert aws_exec.template("odd") == {
        "template": [
            {"cpu": "512 units", "memory": 1024},
            {"ecs": {"overrides": {"ephemeralStorage": {"sizeInGiB": 50}}}},
        ]
    }
    assert "jobQueue" in aws_exec.template("gpu"), "it says itself that it is for Batch"


@pytest.mark.parametrize(
    "child",
    ["env: {}", "tags: {}", "spot: null", "capacity_provider: null", "launch_type: EC2", "env: {A: null, B: 2}"],
)
@pytest.mark.parametrize("parent", ["capacity_provider: mine", "spot: true", "env: {A: 1}, tags: {team: risk}"])
def test_in_neutral_terms_it_is_what_it_is_by_name(written, identity, command, parent, child):
    path = written(f"templates:\n  parent: {{{parent}}}\n  child: {{extends: parent, {child}}}\n")
    plain = {"cluster": "c", "container_name": "a", "task_definition": "t", "launch_type": "FARGATE"}
    builder = RunTaskBuilder(
        load_ecs_options(plain.get), templates=load_file({"AWSEXEC_CONFIG": str(path)}).book("ecs")
    )

    by_name, neutral = {"template": "child"}, aws_exec.template("child")

    assert isinstance(neutral["template"], dict | list)
    plan = builder.build(identity, command, by_name)
    environment = plan.arguments["overrides"]["containerOverrides"][0]["environment"]
    environment.remove({"name": "AWSEXEC_TEMPLATE", "value": "child"})  # only a name is known by name
    assert builder.build(identity, command, neutral) == plan


def test_without_a_file_there_are_no_templates(tmp_path, monkeypatch):
    monkeypatch.delenv("AWSEXEC_CONFIG", raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidExecutorConfig, match="large"):
        aws_exec.template("large")


def test_a_file_that_is_named_and_not_there_is_said_to_be_so(written):
    path = written("templates: {}")
    path.unlink()
    with pytest.raises(FileError, match="cannot be read: No such file or directory"):
        aws_exec.template("large")


def test_a_change_of_the_file_counts(written):
    path = written("templates: {a: {cpu: 1}}\necs: {}\n")
    assert aws_exec.template("a") == {"overrides": {"cpu": "1024"}}
    path.write_text("templates: {a: {cpu: 2}}\necs: {}\n")
    os.utime(path, ns=(1, 1))
    assert aws_exec.template("a") == {"overrides": {"cpu": "2048"}}


def test_nobody_can_change_what_the_next_one_gets(written):
    written(TEMPLATES + "ecs: {}\n")
    aws_exec.template("large")["overrides"].clear()
    assert aws_exec.template("large")["overrides"]["cpu"] == "4096"


def test_what_is_wrong_is_said_to_the_author_of_the_dag(written):
    written(TEMPLATES)
    with pytest.raises(InvalidExecutorConfig, match="Did you mean large"):
        aws_exec.template("lareg")
    with pytest.raises(InvalidExecutorConfig, match="memory: is not an amount"):
        aws_exec.template("large", memory="lots")
    written("templates: {a: {cpus: 1}}")
    with pytest.raises(FileError, match=r"awsexec\.yaml:1:17: templates\.a\.cpus is not a term.*Did you mean cpu\?"):
        aws_exec.template("a")


def test_it_imports_neither_airflow_nor_the_sdk(written):
    path = written(TEMPLATES)
    program = "import aws_exec, sys; aws_exec.template('large', executor='ecs'); print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "AWSEXEC_CONFIG": str(path)},
    )
    assert not {"airflow", "boto3", "botocore", "logging.handlers"} & set(eval(done.stdout))
