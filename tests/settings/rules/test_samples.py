"""The samples are in order, complete, explained, and make requests that AWS takes."""

import json
import re
import subprocess

import pytest

from aws_exec.settings.common.launch import TYPICAL
from aws_exec.settings.common.shape import conform, shape_of
from aws_exec.settings.file import read_file
from aws_exec.settings.file.rendering import merged_request
from aws_exec.settings.file.templates import service_of
from aws_exec.settings.file.terms import SERVICES
from aws_exec.settings.rules.airflow_text import read_environment_file
from aws_exec.settings.rules.check import Checked
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.spelling import OPERATIONS
from tests.cli.helpers import ROOT
from tests.settings.amazon import botocore_faults
from tests.settings.rules.corpus import CORPUS, found_in, read

SAMPLES = sorted(path for path in (ROOT / "config-samples").iterdir() if path.is_file() and path.stem != "prices")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_nothing_is_wrong_with_a_sample(path):
    assert [str(one) for one in found_in(path)] == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_is_explained(path):
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    assert lines[0].startswith("#")
    assert sum("#" in line for line in lines) >= 4


def test_there_is_a_sample_of_everything():
    kinds = ("fargate", "fargate-spot", "ec2-capacity-provider", "batch-fargate", "batch-ec2-gpu")
    wanted = {f"{kind}{size}.yaml" for kind in kinds for size in ("", "-minimal")}
    assert wanted | {"both.yaml", "teams.yaml", "airflow.cfg", "environment.env"} <= {path.name for path in SAMPLES}


def requests():
    """Every template of every sample, and of the good half of the corpus, for each service that it may go to."""
    for path in [*SAMPLES, *sorted((CORPUS / "good").iterdir())]:
        if path.suffix != ".yaml":
            continue
        file, _ = read_file(path.read_bytes(), path.name, {})
        for service in SERVICES:
            if file.has_options(service):
                yield pytest.param(file, service, None, id=f"{path.name}-{service}")
            for name, levels in file.templates.items():
                if file.has_options(service) and service_of([level.terms for level in levels]) in (None, service):
                    yield pytest.param(file, service, name, id=f"{path.name}-{service}-{name}")


@pytest.mark.parametrize(("file", "service", "name"), requests())
def test_aws_takes_the_request_of_every_template(file, service, name):
    builder = Checked(Configuration(file), service, None).section().builder
    request = merged_request(builder, TYPICAL, name, {}) if name else builder.build(TYPICAL, ["true"]).arguments
    operation = OPERATIONS[service]
    assert botocore_faults(operation.service, operation.name, request) == ""
    assert conform(request, shape_of(operation), operation=operation).findings == (), "nor enums, ranges, patterns"


def test_the_samples_for_airflow_say_the_same():
    """airflow.cfg and environment.env agree where both speak."""
    cfg, env = (read(ROOT / "config-samples" / name).configurations[0] for name in ("airflow.cfg", "environment.env"))
    for service in SERVICES:
        for one, other in zip(cfg.effective(service), env.effective(service), strict=True):
            if "default" not in (one.origin, other.origin) and not one.option.endswith("kwargs"):
                assert re.sub(r"\s", "", one.value or "") == re.sub(r"\s", "", other.value or ""), one.option


def test_a_shell_makes_of_the_environment_what_the_check_has_read():
    """The sample is meant to be sourced: quotes are gone then, and what is to be JSON is."""
    path = ROOT / "config-samples" / "environment.env"
    script = 'set -a; . "$1"; env'
    sourced = subprocess.run(
        ["/bin/sh", "-c", script, "sh", str(path)], check=True, capture_output=True, text=True, env={}
    )
    variables = dict(line.split("=", 1) for line in sourced.stdout.splitlines())
    checked, _ = read_environment_file(path.read_text(), path.name)
    assert {name: variables.get(name) for _, name in checked.values} == {
        name: value.text for (_, name), value in checked.values.items()
    }
    assert json.loads(variables["AIRFLOW__AWS_ECS_EXECUTOR__RUN_TASK_KWARGS"]) == {"tags": {"team": "data"}}
