"""A rule about a value holds wherever the value is written, and the finding is where that is."""

import json

import pytest

from aws_exec.settings.rules.check_sources import check_sources
from aws_exec.settings.rules.sources import by_suffix, read_sources

ECS = {"cluster": "fleet", "container_name": "airflow", "task_definition": "t", "subnets": "subnet-1"}
BATCH = {"job_queue": "jobs", "job_definition": "airflow"}
OPTIONS = {"ecs": ECS, "batch": BATCH}
KWARGS = {"ecs": "run_task_kwargs", "batch": "submit_job_kwargs"}
ENVIRONMENT = [{"name": "DB_PASSWORD", "value": "hunter2hunter2"}]

#: Values that are wrong in a request: the service, the rule that finds it, the arguments.
WRONG = [
    ("ecs", "option-arn", {"taskDefinition": "arn:aws:ecs:eu-central-1:123456789012:cluster/fleet"}),
    ("ecs", "option-arn", {"overrides": {"taskRoleArn": "arn:aws:iam::123456789012:user/etl"}}),
    ("ecs", "network-id", {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["vpc-1"]}}}),
    ("ecs", "request-pattern", {"tags": [{"key": "step", "value": "^GATC"}]}),
    ("ecs", "fargate-storage", {"launchType": "FARGATE", "overrides": {"ephemeralStorage": {"sizeInGiB": 10}}}),
    ("ecs", "fargate-size", {"launchType": "FARGATE", "overrides": {"cpu": "512", "memory": "512"}}),
    ("ecs", "secret-plain", {"overrides": {"containerOverrides": [{"name": "airflow", "environment": ENVIRONMENT}]}}),
    ("ecs", "request-spelling", {"overrides": {"containerOverrides": [{"name": "airflow", "memory": "2048"}]}}),
    ("ecs", "legacy-tags", {"tags": {"key": "team", "value": "risk"}}),
    ("ecs", "request-enum", {"propagateTags": "SERVICE"}),
    ("ecs", "queued-timeout", {"capacityProviderStrategy": [{"capacityProvider": "gpu", "weight": 1}]}),
    ("ecs", "parallelism-quota", {"launchType": "FARGATE", "overrides": {"cpu": "4096", "memory": "8192"}}),
    ("batch", "option-arn", {"jobQueue": "arn:aws:sqs:eu-central-1:123456789012:jobs"}),
    ("batch", "request-pattern", {"tags": {"step": "^GATC"}}),
    ("batch", "batch-timeout", {"timeout": {"attemptDurationSeconds": 10}}),
    ("batch", "batch-retry-attempts", {"retryStrategy": {"attempts": 11}}),
    ("batch", "batch-priority", {"schedulingPriorityOverride": 10_000}),
    ("batch", "legacy-vcpus", {"containerOverrides": {"vcpus": 2}}),
    ("batch", "secret-plain", {"containerOverrides": {"environment": ENVIRONMENT}}),
]


def cfg(service, **more):
    """An airflow.cfg; options as JSON where they are no text."""
    options = {**OPTIONS[service], **more}
    lines = [f"{name} = {value if isinstance(value, str) else json.dumps(value)}" for name, value in options.items()]
    return "\n".join([f"[aws_{service}_executor]", *lines, ""])


def in_kwargs_of_the_file(service, arguments):
    return {"awsexec.yaml": json.dumps({service: {**OPTIONS[service], KWARGS[service]: arguments}})}, "awsexec.yaml"


def in_kwargs_of_airflow_cfg(service, arguments):
    return {"airflow.cfg": cfg(service, **{KWARGS[service]: arguments})}, "airflow.cfg"


def in_kwargs_of_the_environment(service, arguments):
    text = json.dumps(arguments)
    variable = f"AIRFLOW__AWS_{service.upper()}_EXECUTOR__{KWARGS[service].upper()}"
    return {"airflow.cfg": cfg(service), "prod.env": f"{variable}='{text}'\n"}, "prod.env"


def in_a_template(service, arguments):
    document = {"templates": {"x": {"executor": service, service: arguments}}}
    return {"airflow.cfg": cfg(service), "awsexec.yaml": json.dumps(document)}, "awsexec.yaml"


def in_a_dag(service, arguments):
    return {"airflow.cfg": cfg(service), "dag.py": f"Operator(executor_config={arguments!r})\n"}, "dag.py"


def in_default_args(service, arguments):
    dag = f"default_args = {{'executor_config': {arguments!r}}}\n"
    return {"airflow.cfg": cfg(service), "dag.py": dag}, "dag.py"


ORIGINS = [
    in_kwargs_of_the_file,
    in_kwargs_of_airflow_cfg,
    in_kwargs_of_the_environment,
    in_a_template,
    in_a_dag,
    in_default_args,
]


@pytest.fixture
def found(tmp_path):
    def found(files):
        files = {"quotas.yaml": "quotas: {fargate_vcpu: 100}\n", **files} if "awsexec.yaml" not in files else files
        for name, text in files.items():
            if name == "awsexec.yaml":
                text = json.dumps({**json.loads(text), "quotas": {"fargate_vcpu": 100}})  # noqa: PLW2901 - with quotas
            (tmp_path / name).write_text(text)
        read = [tmp_path / name for name in files if not name.endswith(".py")]
        dags = [tmp_path / name for name in files if name.endswith(".py")]
        complaints = check_sources(read_sources(by_suffix(read), {}, with_environment=False), dags)
        return [(one.rule, one.position.source.removeprefix(f"{tmp_path}/")) for one in complaints]

    return found


@pytest.mark.parametrize("origin", ORIGINS, ids=lambda origin: origin.__name__)
@pytest.mark.parametrize(("service", "rule", "arguments"), WRONG, ids=str)
def test_a_value_is_judged_wherever_it_is_written(found, origin, service, rule, arguments):
    files, source = origin(service, arguments)
    if rule == "queued-timeout" and "airflow.cfg" not in files:
        pytest.skip("Airflow's own configuration is not known")
    before = found(origin(service, {})[0])

    more = [one for one in found(files) if one not in before and one[0] != "list-replaces"]

    assert more == [(rule, source)]


def test_the_job_queue_of_an_airflow_queue_is_judged_as_job_queue_is(found):
    for name, rule in (("arn:aws:sqs:eu-central-1:123456789012:jobs", "option-arn"), ("gpu jobs", "request-pattern")):
        files = {"airflow.cfg": cfg("batch", job_queues={"gpu": name}) + "[scheduler]\ntask_queued_timeout = 3600\n"}
        assert found(files) == [(rule, "airflow.cfg")]
