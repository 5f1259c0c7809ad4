"""`[core] executor` is read as Airflow reads it, and every executor that it names is checked."""

import inspect

import pytest
from airflow.executors import executor_loader
from airflow.executors.executor_constants import CORE_EXECUTOR_NAMES

from aws_exec.settings.rules.airflow_text import of_environment
from aws_exec.settings.rules.check import check
from aws_exec.settings.rules.check_sources import check_sources
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.sources import by_suffix, read_sources

LOADER = executor_loader.ExecutorLoader
CACHES = ("_executor_names", "_team_name_to_executors", *(name for name in vars(executor_loader) if "per_team" in name))


API = "https://airflow.example.org/execution/"


def configuration(executor, multi_team="True", **more):
    variables = {"EXECUTOR": executor, "MULTI_TEAM": multi_team, "EXECUTION_API_SERVER_URL": API}
    environment = {f"AIRFLOW__CORE__{name}": value for name, value in variables.items()}
    return Configuration(airflow=(of_environment({**environment, **more}),))


@pytest.fixture
def read_by_airflow(monkeypatch):
    """What Airflow reads, as (team, alias, path) of each executor; None if it refuses the value."""

    def read(executor, multi_team):
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
        monkeypatch.setenv("AIRFLOW__CORE__MULTI_TEAM", multi_team)
        for name in CACHES:
            empty = getattr(executor_loader, name).copy()
            empty.clear()
            monkeypatch.setattr(executor_loader, name, empty)
        try:
            found = LOADER.get_executor_names(validate_teams=False)
        except (executor_loader.AirflowConfigException, ValueError):
            return None
        return [(each.team_name, each.alias or "", each.module_path) for each in found]

    return read


@pytest.mark.skipif(
    "validate_teams" not in inspect.signature(LOADER.get_executor_names).parameters,
    reason="this Airflow asks its database which teams exist",
)
@pytest.mark.parametrize("multi_team", ["True", "False"])
@pytest.mark.parametrize(
    "executor",
    [
        "LocalExecutor",
        "aws_exec.AwsEcsExecutor",
        "aws_exec.AwsEcsExecutor, jobs:aws_exec.AwsBatchExecutor ,LocalExecutor",
        "local:LocalExecutor,my.module.Executor",
        "=LocalExecutor",
        "LocalExecutor;risk=aws_exec.AwsEcsExecutor;etl=e:aws_exec.AwsEcsExecutor,KubernetesExecutor",
        "risk=LocalExecutor",
        "risk=LocalExecutor;LocalExecutor",
        "LocalExecutor;KubernetesExecutor",
        "LocalExecutor;risk=LocalExecutor;risk=KubernetesExecutor",
        "LocalExecutor,LocalExecutor",
        "a:LocalExecutor,b:LocalExecutor",
        "LocalExecutor;risk=LocalExecutor,LocalExecutor",
        "a:b:c",
        "a:",
        "a:Executor",
        "LocalExecutor;a=b=c",
    ],
)
def test_it_is_read_and_refused_as_airflow_does(executor, multi_team, read_by_airflow):
    checked = configuration(executor, multi_team)
    refused = any(complaint.rule == "executor-name" for complaint in check(checked))
    expected = read_by_airflow(executor, multi_team)

    assert refused == (expected is None)
    if expected is not None:
        paths = {name: path for name, path in LOADER.executors.items() if name in CORE_EXECUTOR_NAMES}
        found = [
            (each.team, each.alias or (each.path if each.path in paths else ""), each.path) for each in checked.named
        ]
        assert [(team, alias, paths.get(path, path)) for team, alias, path in found] == expected


def test_an_executor_without_options_lacks_each_required_one(tmp_path):
    cfg = tmp_path / "airflow.cfg"
    cfg.write_text(f"[core]\nexecutor = LocalExecutor,fast:aws_exec.AwsEcsExecutor\nexecution_api_server_url = {API}\n")
    found = check_sources(read_sources(by_suffix([cfg]), {}, with_environment=False))

    assert [(one.rule, str(one.position), one.message) for one in found] == [
        ("option-required", f"{cfg}:2:26", f"[aws_ecs_executor] {option} is required by aws_exec.AwsEcsExecutor")
        for option in ("cluster", "container_name", "task_definition")
    ]


def test_in_the_environment_the_variable_is_the_place_and_teams_have_their_own_options():
    options = {"AIRFLOW__AWS_BATCH_EXECUTOR__JOB_QUEUE": "q", "AIRFLOW__AWS_BATCH_EXECUTOR__JOB_DEFINITION": "d"}
    checked = configuration("aws_exec.AwsBatchExecutor;risk=aws_exec.AwsBatchExecutor", **options)

    assert [(str(one.position), one.message) for one in check(checked) if one.rule == "option-required"] == [
        ("$AIRFLOW__CORE__EXECUTOR", f"[risk=aws_batch_executor] {option} is required by aws_exec.AwsBatchExecutor")
        for option in ("job_definition", "job_queue")
    ]


def test_a_section_that_lacks_several_options_lacks_each_of_them(tmp_path):
    yaml = tmp_path / "awsexec.yaml"
    yaml.write_text("batch: {poll_interval: 5s}\n")
    found = check_sources(read_sources(by_suffix([yaml]), {}, with_environment=False))

    assert [one.message for one in found] == ["job_definition: is required", "job_queue: is required"]


def test_what_is_taken_from_the_file_is_not_missed_where_the_executor_is_named(tmp_path):
    yaml, cfg = tmp_path / "awsexec.yaml", tmp_path / "airflow.cfg"
    yaml.write_text("batch: {job_queue: q, job_definition: d}\n")
    core = f"[core]\nexecutor = aws_exec.AwsBatchExecutor\nexecution_api_server_url = {API}\n"
    cfg.write_text(f"{core}[scheduler]\ntask_queued_timeout = 3600\n")

    assert check_sources(read_sources(by_suffix([yaml, cfg]), {}, with_environment=False)) == []


@pytest.mark.parametrize(
    ("executor", "judged"),
    [
        ("aws_exec.AwsEcsExecutor", []),
        ("LocalExecutor,aws_exec.AwsEcsExecutor", []),
        ("airflow.providers.amazon.aws.executors.ecs.AwsEcsExecutor", []),
        ("aws_exec.AwsEcsExecutor,jobs:aws_exec.AwsBatchExecutor", [("batch", None)]),
        ("airflow.providers.amazon.aws.executors.batch.AwsBatchExecutor", [("batch", None)]),
        ("aws_exec.AwsEcsExecutor,my.module.Executor", [("batch", None)]),
        ("LocalExecutor", [("batch", None)]),
        ("", [("batch", None)]),
        ("aws_exec.AwsEcsExecutor;risk=aws_exec.AwsBatchExecutor", [("batch", "risk")]),
    ],
)
def test_options_of_batch_are_judged_unless_airflow_starts_ecs_only(executor, judged):
    """A class of another name may be a subclass of ours; the Amazon provider's classes read the same sections."""
    options = {"AIRFLOW__AWS_BATCH_EXECUTOR__JOB_QUEUE": "q"}
    checked = configuration(executor, **options)

    assert [(service, team) for service, team in checked.configured if service == "batch"] == judged
    lacking = [one for one in check(checked) if "job_definition" in one.message]
    assert len(lacking) == len(judged)


def test_a_dag_may_call_an_executor_by_its_alias(tmp_path):
    cfg, dag = tmp_path / "airflow.cfg", tmp_path / "dag.py"
    cfg.write_text(
        f"[api]\nbase_url = {API}\n"
        "[core]\nexecutor = fast:aws_exec.AwsEcsExecutor,specs:aws_exec.AwsBatchExecutor\n"
        "[scheduler]\ntask_queued_timeout = 3600\n[aws_batch_executor]\njob_queue = q\njob_definition = d\n"
        "[aws_ecs_executor]\ncluster = c\ncontainer_name = a\ntask_definition = t\nlaunch_type = EC2\n"
    )
    dag.write_text(
        "Operator(executor='specs', executor_config={'jobQueue': 'other'})\n"
        "Operator(executor='fast', executor_config={'cluster': 'other'})\n"
        "Operator(executor='fast', executor_config={'jobQueue': 'other'})\n"
    )
    found = check_sources(read_sources(by_suffix([cfg]), {}, with_environment=False), [dag])

    assert [(one.rule, one.position.line) for one in found] == [("request-unknown", 3)]
