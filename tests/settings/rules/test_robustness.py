"""Whatever a file holds, it is read and checked to the end."""

import json

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aws_exec.settings.batch.options import BatchOptions
from aws_exec.settings.common.shape import RUN_TASK, SUBMIT_JOB, shape_of
from aws_exec.settings.ecs.options import EcsOptions
from aws_exec.settings.file import read_file
from aws_exec.settings.file.terms import Terms
from aws_exec.settings.rules.airflow_text import of_environment, read_cfg, read_environment_file
from aws_exec.settings.rules.catalogue import RULES
from aws_exec.settings.rules.check import check
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.dags import check_dag
from awsexec_cli.findings import Report, report
from tests.settings.rules.corpus import CORPUS

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["fleet", "1GiB", "0.5", "2h", "EC2", "${A}", "${", "arn:aws:x", "a.b[0].c", "subnet-1", "9" * 400]
    ),
)
NAMES = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            *EcsOptions.model_fields,
            *BatchOptions.model_fields,
            *Terms.model_fields,
            *shape_of(RUN_TASK).members,
            *shape_of(SUBMIT_JOB).members,
            *("containerOverrides", "environment", "name", "value", "resourceRequirements", "type", "template", "cpu"),
            *("awsvpcConfiguration", "taskProperties", "containers", "attempts", "evaluateOnExit", "version", "quotas"),
        ]
    ),
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)
FILES = st.fixed_dictionaries(
    {},
    optional={
        "version": SCALARS,
        "deployment": SCALARS,
        "ecs": st.one_of(DOCUMENTS, st.dictionaries(st.sampled_from([*EcsOptions.model_fields]), DOCUMENTS)),
        "batch": st.one_of(DOCUMENTS, st.dictionaries(st.sampled_from([*BatchOptions.model_fields]), DOCUMENTS)),
        "templates": st.one_of(
            DOCUMENTS,
            st.dictionaries(st.text(max_size=3), st.dictionaries(st.sampled_from([*Terms.model_fields]), DOCUMENTS)),
        ),
        "queues": DOCUMENTS,
        "teams": DOCUMENTS,
        "quotas": DOCUMENTS,
    },
)
#: Enough for the executors to start, so that what is generated is laid over something.
WORKING = {
    "ecs": {"cluster": "c", "container_name": "a", "task_definition": "t"},
    "batch": {"job_queue": "q", "job_definition": "j"},
}


def told(content):
    """Everything that is found in a file, told in every way."""
    file, complaints = read_file(content, "f.yaml", {"A": "1"})
    complaints = [*complaints, *check(Configuration(file))]
    lines = content.decode("utf-8", "replace").splitlines()
    for how in Report:
        report(complaints, how, {"f.yaml": lines})
    assert {complaint.rule for complaint in complaints} <= set(RULES)
    return complaints


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes(content):
    told(content)


@QUICK
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_any_text(text):
    told(text.encode())


@QUICK
@given(FILES)
def test_any_document_of_about_the_right_form(document):
    told(yaml.safe_dump(document, allow_unicode=True).encode())
    told(json.dumps(document).encode())


@QUICK
@given(DOCUMENTS, DOCUMENTS, st.dictionaries(st.sampled_from([*Terms.model_fields]), DOCUMENTS))
def test_any_arguments_over_options_that_work(ecs, batch, terms):
    document = {
        "ecs": {**WORKING["ecs"], "run_task_kwargs": ecs},
        "batch": {**WORKING["batch"], "submit_job_kwargs": batch},
        "templates": {"t": {"ecs": ecs, "batch": batch}, "u": {"extends": "t", **terms}},
        "queues": {"q": "t"},
    }
    told(yaml.safe_dump(document, allow_unicode=True).encode())


@QUICK
@given(st.data())
def test_a_good_file_that_was_damaged(data):
    path = data.draw(st.sampled_from(sorted((CORPUS / "good").glob("*.yaml"))))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content)))
    gone = data.draw(st.integers(0, 10))
    told(content[:at] + data.draw(st.binary(max_size=4)) + content[at + gone :])


@QUICK
@given(st.text(max_size=200))
def test_any_airflow_cfg_environment_and_dag(text):
    check(Configuration(airflow=[read_cfg(text, "f")[0], read_environment_file(text, "f")[0]]))
    check_dag(text.encode("utf-8", "replace"), "f.py", Configuration())
    check(Configuration(airflow=[of_environment({"AIRFLOW__AWS_ECS_EXECUTOR__CLUSTER": text})]))


@QUICK
@given(DOCUMENTS)
def test_any_literal_in_a_dag(document):
    for task in ("AwsEcsExecutor", "AwsBatchExecutor", "other"):
        content = f"Operator(executor_config={{'template': 't', **{{}}, 'x': {document!r}}}, executor={task!r})\n"
        check_dag(content.encode("utf-8", "replace"), "f.py", Configuration())
        check_dag(
            f"D = {{'executor_config': {{'overrides': {document!r}}}}}".encode("utf-8", "replace"), "f", Configuration()
        )


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b"{a: " * 100_000,
        b"- " * 100_000,
        b"a: &a [*a, *a]",
        b"x" * 5_000_000,
        b"\x00" * 1000,
        b"\xff\xfe" + "a: b".encode("utf-16-le"),
        b"? " * 10_000,
        b"a: " + b"9" * 100_000,
        b"a: !!binary aGVsbG8=",
        b"%YAML 3.0\n---\na: b",
        b"&a " * 1000 + b"x",
        b"a: |\n" + b"  x\n" * 100_000,
    ],
    ids=lambda content: repr(content[:12]),
)
def test_what_is_huge_or_odd(content):
    assert len(told(content)) <= 3


@pytest.mark.parametrize(
    "content",
    [b"a" + b".b" * 200_000, b"-" * 300_000 + b"1", b"(" * 500, b"x = 1\0", b"x = " + b"9" * 6000],
    ids=lambda content: repr(content[:8]),
)
def test_a_dag_that_python_cannot_parse(content):
    ((complaint,), _) = check_dag(content, "dag.py", Configuration(read_file(b"ecs: {}", "f.yaml", {})[0]))
    assert complaint.rule == "dag-syntax"


def test_a_dag_is_checked_although_the_options_are_wrong():
    file, _ = read_file(b"ecs: {cluster: c, container_name: a, task_definition: t, poll_interval: often}", "f.yaml", {})
    dag = b"Operator(executor_config={'launchTyp': 'EC2'})"
    assert [each.rule for each in check_dag(dag, "dag.py", Configuration(file))[0]] == ["request-unknown"]
