"""An image of the local AWS emulator can have a Python of its own, with its own packages."""

import stat
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from aws_exec.local import EmbeddedAws
from tests.local.helpers import command_of, register

IMAGE = "registry.example/airflow:without-awsexec"
WHO = """
    import sys
    try:
        import aws_exec
    except ModuleNotFoundError as error:
        print("has", sys.executable, error)
    else:
        print("has", sys.executable, "awsexec")
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a virtual environment with nothing in it, but for a program called `airflow`."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False)
    program = folder / "bin" / "airflow"
    program.write_text("#!/bin/sh\necho has another airflow\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program.parent


@pytest.fixture(autouse=True)
def image(aws: EmbeddedAws, bare: Path) -> Iterator[None]:
    aws.images[IMAGE] = str(bare / "python")
    yield
    aws.images.clear()


def test_python_is_that_of_the_image_that_the_task_definition_names(aws, ecs, run, bare):
    definition = register(ecs, "bare", {"name": "airflow", "image": IMAGE})

    arn = run(WHO, taskDefinition=definition)

    assert aws.wait_for_output(arn, "has") == f"has {bare / 'python'} No module named 'aws_exec'"


def test_programs_of_the_image_are_found_first(aws, ecs, run):
    definition = register(ecs, "bare", {"name": "airflow", "image": IMAGE})

    arn = run(["airflow"], taskDefinition=definition)

    assert aws.wait_for_output(arn, "has") == "has another airflow"


@pytest.mark.parametrize("several", [False, True])
def test_python_is_that_of_the_image_that_the_job_definition_names(aws, batch, submit, bare, several):
    container = {"image": IMAGE, "command": command_of(WHO)}
    size = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
    role = f"arn:aws:iam::{aws.names.account}:role/awsexec-execution"
    one = {"containerProperties": {**container, "resourceRequirements": size, "executionRoleArn": role}}
    many = {"ecsProperties": {"taskProperties": [{"containers": [{**container, "name": "airflow"}]}]}}
    definition = batch.register_job_definition(
        jobDefinitionName=f"bare-{several}",
        type="container",
        platformCapabilities=["FARGATE"],
        **(many if several else one),
    )

    arn = submit(jobDefinition=definition["jobDefinitionArn"], containerOverrides={})

    assert aws.wait_for_output(arn, "has") == f"has {bare / 'python'} No module named 'aws_exec'"


def test_a_container_of_an_image_whose_python_does_not_exist_never_starts(aws, ecs, run, described):
    aws.images["gone"] = "/no/such/python"
    definition = register(ecs, "gone", {"name": "airflow", "image": "gone"})

    arn = run(WHO, taskDefinition=definition)

    aws.wait_for_status(arn, "STOPPED")
    (container,) = described(arn)["containers"]
    assert 'exec: "/no/such/python"' in container["reason"]


def test_a_task_or_job_of_an_image_that_no_registry_has_never_starts(aws, ecs, batch, run, submit):
    aws.faults.remove_image("team/etl:2.8")
    definition = register(ecs, "etl", {"name": "airflow", "image": "team/etl:2.8"})
    size = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "2048"}]
    role = f"arn:aws:iam::{aws.names.account}:role/awsexec-execution"
    job = batch.register_job_definition(
        jobDefinitionName="etl",
        type="container",
        platformCapabilities=["FARGATE"],
        containerProperties={"image": "team/etl:2.8", "resourceRequirements": size, "executionRoleArn": role},
    )
    task, job = run(taskDefinition=definition), submit(jobDefinition=job["jobDefinitionArn"])

    for line in (aws.wait_for_status(task, "STOPPED"), aws.wait_for_status(job, "FAILED")):
        assert not line.started
        assert line.stopped_reason.startswith("CannotPullContainerError: pull image manifest")
        assert line.stopped_reason.endswith("docker.io/team/etl:2.8: not found")
    assert aws.wait_for_status(run(), "STOPPED").started
