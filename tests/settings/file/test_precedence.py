"""Defaults < awsexec.yaml < Airflow's configuration < *_kwargs < template < executor_config."""

import pytest

from aws_exec.settings import OptionsError, RunTaskBuilder, SubmitJobBuilder, load_batch_options, load_ecs_options

FILE = """
deployment: everywhere
ecs:
  cluster: of-the-file
  container_name: airflow
  task_definition: of-the-file
  platform_version: ${PLATFORM:-1.4.0}
  poll_interval: 7s
  subnets: [subnet-1, subnet-2]
  capacity_provider_strategy: [{capacity_provider: FARGATE_SPOT}]
batch:
  job_queue: of-the-file
  job_definition: of-the-file
  deployment: its-own
templates:
  t: {cluster: of-the-template, job_queue: of-the-template}
queues: {q: t}
teams:
  risk:
    ecs: {cluster: of-risk, container_name: main, task_definition: theirs}
    queues: {mine: t}
"""


@pytest.fixture
def location(read, identity, command):
    """Where a task goes: what Airflow's configuration, its executor_config and its queue say."""

    def location(configured=None, executor_config=None, queue=None):
        file = read(FILE)
        file_options = file.options_of("ecs")
        options = load_ecs_options((configured or {}).get, file_options=file_options)
        builder = RunTaskBuilder(options, templates=file.book("ecs"), where=file_options.where)
        plan = builder.build(identity, command, executor_config, queue)
        assert plan.location == builder.location(executor_config, queue)
        return plan.location

    return location


@pytest.fixture
def environment(read, identity, command):
    """The environment of a task's container."""

    def environment(service, executor_config, queue):
        file = read(FILE)
        load, builder = {"ecs": (load_ecs_options, RunTaskBuilder), "batch": (load_batch_options, SubmitJobBuilder)}[
            service
        ]
        options = load({}.get, file_options=file.options_of(service))
        plan = builder(options, templates=file.book(service)).build(identity, command, executor_config, queue)
        request = plan.arguments
        container = request.get("containerOverrides") or request["overrides"]["containerOverrides"][0]
        return {entry["name"]: entry["value"] for entry in container["environment"]}

    return environment


def test_each_layer_wins_over_those_before_it(location):
    kwargs = {"cluster": "of-airflow", "run_task_kwargs": '{"cluster": "of-kwargs"}'}
    assert location() == "of-the-file"
    assert location({"cluster": "of-airflow"}) == "of-airflow"
    assert location(kwargs) == "of-kwargs"
    assert location(kwargs, {"template": "t"}) == location(kwargs, None, "q") == "of-the-template"
    assert location(kwargs, {"template": "t", "cluster": "of-the-task"}) == "of-the-task"
    assert location(kwargs, {"cluster": "of-the-task"}, "q") == "of-the-task"


@pytest.mark.parametrize(
    ("config", "queue", "template"),
    [
        (None, None, None),
        ({"template": "t"}, None, "t"),
        (None, "q", "t"),
        ({"template": None}, "q", None),
        ({"template": {"cpu": 1, "memory": "2GiB"}}, "q", None),
    ],
)
@pytest.mark.parametrize("service", ["ecs", "batch"])
def test_the_container_knows_its_template_by_name(environment, service, config, queue, template):
    assert environment(service, config, queue).get("AWSEXEC_TEMPLATE") == template


def test_what_airflow_sets_displaces_the_files_rival(read):
    options = load_ecs_options({"launch_type": "EC2"}.get, file_options=read(FILE).options_of("ecs"))
    assert (options.launch_type, options.capacity_provider_strategy) == ("EC2", None)


def test_the_file_says_it_in_yaml_with_units_and_variables(read):
    options = load_ecs_options({}.get, file_options=read(FILE, PLATFORM="1.3.0").options_of("ecs"))
    assert (options.poll_interval, options.subnets) == (7.0, ("subnet-1", "subnet-2"))
    assert (options.platform_version, options.deployment) == ("1.3.0", "everywhere")
    assert load_batch_options({}.get, file_options=read(FILE).options_of("batch")).deployment == "its-own"


def test_a_team_has_what_is_said_of_it_and_nothing_else(read):
    file = read(FILE)
    options = load_ecs_options({}.get, team="risk", file_options=file.options_of("ecs", "risk"))
    assert (options.cluster, options.subnets, options.deployment) == ("of-risk", (), None)
    assert file.book("ecs", "risk").layers(None, "q") == ()
    assert file.book("ecs", "risk").layers(None, "mine") == ({"cluster": "of-the-template"},)
    with pytest.raises(OptionsError, match="AIRFLOW__RISK___AWS_BATCH_EXECUTOR__JOB_QUEUE"):
        load_batch_options({}.get, team="risk", file_options=file.options_of("batch", "risk"))


def test_a_wrong_option_of_the_file_is_told_with_its_place(read):
    file_options = read("ecs: {cluster: c, container_name: a, task_definition: t, poll_interval: often}\n").options_of(
        "ecs"
    )
    with pytest.raises(OptionsError) as caught:
        load_ecs_options({}.get, file_options=file_options)
    assert "(awsexec.yaml:1:73; AIRFLOW__AWS_ECS_EXECUTOR__POLL_INTERVAL)" in str(caught.value)


def test_a_wrong_request_of_the_file_is_told_with_its_place(read):
    file_options = read(
        "ecs:\n  cluster: c\n  container_name: a\n  task_definition: t\n  run_task_kwargs: {launchTyp: EC2}\n"
    ).options_of("ecs")
    with pytest.raises(OptionsError, match=r"launchTyp: is not known.*\(awsexec.yaml:5:20; AIRFLOW__"):
        RunTaskBuilder(load_ecs_options({}.get, file_options=file_options), where=file_options.where)


def test_both_services_take_templates_by_queue(read, identity, command):
    file = read(FILE)
    file_options = file.options_of("batch")
    builder = SubmitJobBuilder(
        load_batch_options({}.get, file_options=file_options), templates=file.book("batch"), where=file_options.where
    )
    assert builder.build(identity, command, None, "q").location == "of-the-template"
    assert builder.build(identity, command, {"template": "t", "jobQueue": "own"}).location == "own"
    assert builder.build(identity, command, None, "other").location == "of-the-file"
