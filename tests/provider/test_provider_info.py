"""The provider metadata for Airflow, and that it breaks no `airflow` command."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from airflow.providers.amazon.get_provider_info import get_provider_info as amazon_provider_info

from aws_exec import provider
from aws_exec.provider import get_provider_info
from tests.executors.versions import is_3_1

SECTIONS = ("aws_ecs_executor", "aws_batch_executor")

#: Makes the Amazon provider invisible to one Python: neither installed as a distribution, nor importable.
WITHOUT_AMAZON = """
import importlib.abc, importlib.metadata, sys
import importlib_metadata  # what Airflow looks with
def hiding(every):
    def distributions(**context):
        return (each for each in every(**context) if each.metadata["Name"] != "apache-airflow-providers-amazon")
    return distributions
def hiding_its_name(found):
    def from_name(cls, name):
        if name == "apache-airflow-providers-amazon":
            raise importlib.metadata.PackageNotFoundError(name)
        return found(name)
    return classmethod(from_name)
for library in (importlib.metadata, importlib_metadata):
    library.distributions = hiding(library.distributions)
    library.Distribution.from_name = hiding_its_name(library.Distribution.from_name)
class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.startswith("airflow.providers.amazon"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
"""


def test_the_metadata_has_the_form_that_airflow_asks_for():
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_has_every_option_of_the_amazon_provider_with_its_type_and_default(section):
    theirs = amazon_provider_info()["config"][section]["options"]
    ours = provider.sections()[section]["options"]
    assert {name: (option["type"], option["default"]) for name, option in theirs.items()} == {
        name: (ours[name]["type"], ours[name]["default"]) for name in theirs
    }


def test_awsexec_sorts_after_the_amazon_provider_so_that_its_sections_win():
    assert get_provider_info()["package-name"] > amazon_provider_info()["package-name"]


@pytest.fixture(params=["with", "without"])
def airflow(request, tmp_path: Path):
    """Runs an `airflow` command in a home of its own, with or without the Amazon provider."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")}
    environment |= {"AIRFLOW_HOME": str(tmp_path / "home"), "COLUMNS": "200"}
    if request.param == "without":
        (tmp_path / "sitecustomize.py").write_text(WITHOUT_AMAZON)
        environment["PYTHONPATH"] = str(tmp_path)

    def run(
        *words: str, program: Sequence[str] = ("-m", "airflow"), **variables: str
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *program, *words]
        done = subprocess.run(
            command, env=environment | variables, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done

    run.has_amazon = request.param == "with"
    return run


def test_no_airflow_command_warns_of_us(airflow):
    listed = airflow("providers", "executors", "-o", "json")
    assert {"aws_exec.AwsEcsExecutor", "aws_exec.AwsBatchExecutor"} <= {
        each["executor_class_names"] for each in json.loads(listed.stdout)
    }
    assert ("airflow.providers.amazon" in listed.stdout) is airflow.has_amazon
    options = airflow("config", "list", "--section", "aws_batch_executor", "--defaults")
    # Airflow 3.1 has the sections of one of the two only: the Amazon provider's, if it is there.
    assert ("max_runnable_seconds" in options.stdout) is not (is_3_1 and airflow.has_amazon)
    assert "submit_job_kwargs" in options.stdout
    # What was listed is JSON to its last character: a warning on stdout would have broken it.
    said = (listed.stderr + options.stderr).lower()
    assert "awsexec" not in said
    assert "aws_exec" not in said
    assert "warning" not in said.replace("deprecatedimportwarning", "")  # other providers', of Airflow 3.1


@pytest.mark.parametrize("airflow", ["with"], indirect=True)
def test_airflow_looks_for_example_dags_without_an_error(airflow):
    """Every task's container does so first, where `load_examples` has Airflow's default."""
    look = (
        "from airflow.dag_processing.bundles.manager import DagBundlesManager\n"
        "print([bundle.name for bundle in DagBundlesManager().get_all_dag_bundles()])"
    )
    done = airflow(program=("-c", look))
    assert "'example_dags'" in done.stdout
    assert "rror" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("airflow", ["with"], indirect=True)
def test_our_own_options_are_read_where_the_sections_are_not_ours(airflow):
    shown = airflow(
        "config", "get-value", "aws_ecs_executor", "poll_interval", AIRFLOW__AWS_ECS_EXECUTOR__POLL_INTERVAL="7"
    )
    assert shown.stdout.strip().endswith("7")


@pytest.mark.parametrize("airflow", ["with"], indirect=True)
@pytest.mark.skipif(is_3_1, reason="Airflow 3.1 has no commands of providers")
def test_airflow_has_our_commands_in_one_group(airflow):
    helped = airflow("awsexec", "--help")
    assert "demo" in helped.stdout
    through = airflow("awsexec", "local", "--", "up", "--help")
    assert "--max-containers" in through.stdout
    plain = airflow("awsexec", "list", "--help")
    assert "--older-than" in plain.stdout, "options need no -- before them"
