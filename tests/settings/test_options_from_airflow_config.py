"""Raw text from Airflow's configuration becomes typed options, or every reason why not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aws_exec.settings import EcsOptions, ExecutorOptions, OptionsError, load_ecs_options, option_catalogue
from aws_exec.settings.common.problems import masked


def problems_of(raw, **how):
    with pytest.raises(OptionsError) as caught:
        load_ecs_options(raw.get, **how)
    return caught.value


def test_with_nothing_but_the_required_options_everything_has_the_amazon_providers_default(options_of):
    options = options_of()
    assert options.conn_id == "aws_default"
    assert options.region_name is None
    assert options.assign_public_ip is False
    assert options.platform_version == "LATEST"
    assert options.max_run_task_attempts == options.max_attempts == 3
    assert options.check_health_on_startup is True
    assert options.run_task_kwargs == {}
    assert options.launch_type is options.capacity_provider_strategy is None
    assert options.subnets == options.security_groups == ()


def test_our_own_options_default_to_the_documented_quotas_and_durations(options_of):
    options = options_of()
    assert (options.launches_per_second, options.launches_at_once, options.describe_rate) == (20.0, 90, 20.0)
    assert (options.poll_interval, options.shutdown_timeout, options.launch_timeout) == (5.0, 20.0, None)
    assert (options.stop_grace, options.missing_grace, options.deployment) == (120.0, 60.0, None)


@pytest.mark.parametrize(
    ("raw", "rate"),
    [
        ({"launch_type": "EC2"}, 40.0),
        ({"launch_type": "FARGATE"}, 20.0),
        ({"capacity_provider_strategy": '[{"capacityProvider": "asg"}]'}, 40.0),
        ({"capacity_provider_strategy": '[{"capacityProvider": "FARGATE_SPOT"}]'}, 20.0),
        ({"launch_type": "EC2", "launch_rate": "7.5"}, 7.5),
    ],
)
def test_the_launch_rate_is_the_quota_of_what_tasks_run_on_unless_it_is_set(options_of, raw, rate):
    assert options_of(**raw).launches_per_second == rate


@pytest.mark.parametrize("word", ["True", "true", "1", "yes", "ENABLED", "enabled", "on", "t", " TRUE "])
def test_every_spelling_of_true_is_understood(options_of, word):
    assert options_of(assign_public_ip=word, subnets="s").assign_public_ip is True
    assert options_of(check_health_on_startup=word).check_health_on_startup is True


@pytest.mark.parametrize("word", ["False", "false", "0", "no", "DISABLED", "off", "f"])
def test_every_spelling_of_false_is_understood(options_of, word):
    assert options_of(assign_public_ip=word).assign_public_ip is False


def test_spaces_around_names_in_a_list_are_dropped(options_of):
    options = options_of(subnets="s1, s2 ,,s3", security_groups=" sg1 ")
    assert options.subnets == ("s1", "s2", "s3")
    assert options.security_groups == ("sg1",)


@pytest.mark.parametrize(
    "raw",
    [
        "[{'capacityProvider': 'cp1', 'weight': 5}, {'capacityProvider': 'cp2', 'weight': 1}]",
        '[{"capacityProvider": "cp1", "weight": 5}, {"capacityProvider": "cp2", "weight": 1}]',
    ],
)
def test_a_strategy_is_read_as_json_and_as_the_amazon_provider_writes_it(options_of, raw):
    assert options_of(capacity_provider_strategy=raw).capacity_provider_strategy == (
        {"capacityProvider": "cp1", "weight": 5},
        {"capacityProvider": "cp2", "weight": 1},
    )


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [("5", 5.0), ("0.5", 0.5), (".5", 0.5), ("20s", 20.0), ("2m", 120.0), ("1h", 3600.0), ("500ms", 0.5)],
)
def test_durations_are_seconds_or_carry_their_unit(options_of, raw, seconds):
    assert options_of(poll_interval=raw).poll_interval == seconds


def test_a_duration_of_null_is_none_at_all():
    assert EcsOptions(launch_timeout=None).launch_timeout is None


def test_an_option_that_is_missing_is_told_without_a_value():
    (problem,) = problems_of({"container_name": "a", "task_definition": "t"}).problems
    assert (problem.option, problem.value) == ("cluster", None)
    assert masked("cluster", None) is None


def test_what_is_required_is_required_unless_a_service_says_that_another_option_gives_it():
    assert list(ExecutorOptions.elsewhere({"run_task_kwargs": '{"cluster": "c"}'})) == []


def test_a_launch_timeout_of_zero_is_off(options_of):
    assert options_of(launch_timeout="0").launch_timeout is None
    assert options_of(launch_timeout="300").launch_timeout == 300.0


def test_an_empty_text_is_as_good_as_nothing(options_of):
    options = options_of(subnets="", launch_type=" ", run_task_kwargs="", region_name="")
    assert (options.subnets, options.launch_type, options.run_task_kwargs, options.region_name) == ((), None, {}, None)


def test_an_empty_conn_id_is_no_connection_and_an_absent_one_is_the_default(options_of):
    assert options_of(conn_id="").conn_id == ""
    assert options_of().conn_id == "aws_default"


def test_all_problems_are_told_together_each_with_section_option_value_variable_and_remedy():
    error = problems_of({"max_run_task_attempts": "many", "assign_public_ip": "perhaps", "container_name": "airflow"})
    found = {problem.option: problem for problem in error.problems}
    assert set(found) == {"max_run_task_attempts", "assign_public_ip", "cluster", "task_definition"}
    for problem in error.problems:
        assert problem.section == "aws_ecs_executor"
        assert problem.variable == f"AIRFLOW__AWS_ECS_EXECUTOR__{problem.option.upper()}"
        assert problem.remedy
        for part in (problem.section, problem.option, problem.message, problem.variable, problem.remedy):
            assert part in str(error)
    assert found["assign_public_ip"].value == "perhaps"
    assert "neither true nor false" in found["assign_public_ip"].message
    assert found["cluster"].value is None


def test_the_options_of_a_team_are_named_as_airflow_names_them():
    (problem,) = problems_of({"cluster": "c", "container_name": "a"}, team="risk").problems
    assert problem.variable == "AIRFLOW__RISK___AWS_ECS_EXECUTOR__TASK_DEFINITION"
    assert "[risk=aws_ecs_executor]" in problem.remedy


def test_nothing_is_required_where_only_a_log_is_wanted():
    assert load_ecs_options({}.get, require=False) == EcsOptions()


def test_bad_json_is_told_with_its_position():
    (problem,) = problems_of(
        {"cluster": "c", "container_name": "a", "task_definition": "t", "run_task_kwargs": '{"a": }'}
    ).problems
    assert (problem.option, problem.value) == ("run_task_kwargs", '{"a": }')
    assert "line 1 column 7" in problem.message


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"run_task_kwargs": "[1]"}, "JSON list, not an object"),
        ({"run_task_kwargs": "{'a': 1}"}, "double quotes"),
        ({"run_task_kwargs": "[" * 100_000}, "nested too deeply"),
        ({"capacity_provider_strategy": "FARGATE"}, "not JSON"),
        ({"capacity_provider_strategy": "[1]"}, "not a list of capacity providers"),
        ({"launch_type": "LAMBDA"}, "FARGATE"),
        ({"poll_interval": "soon"}, "not a duration"),
        ({"poll_interval": "0"}, "greater than 0"),
        ({"launch_rate": "nan"}, "finite"),
        ({"launch_burst": "0"}, "must be at least 1"),
        ({"stop_grace": "-1"}, "not a duration"),
        ({"deployment": "our airflow"}, "pattern"),
        ({"launch_type": "EC2", "capacity_provider_strategy": '[{"capacityProvider": "x"}]'}, "excludes"),
    ],
)
def test_a_malformed_option_is_told_by_name(raw, words):
    (problem,) = problems_of({"cluster": "c", "container_name": "a", "task_definition": "t", **raw}).problems
    assert problem.option in raw
    assert words in problem.message


@pytest.mark.parametrize(
    "raw",
    [
        {"run_task_kwargs": '{"overrides": {"containerOverrides": [{"environment": {"A": "hunter2"}}]}'},
        {"run_task_kwargs": '{"password": "hunter2"'},
        {"run_task_kwargs": '{"overrides": {"containerOverrides": [{"env": {"A": "hunter2"}}]}'},
        {"run_task_kwargs": '{"containerOverrides": [{"vars": [{"name": "A", "value": "hunter2"}]}]'},
        {"max_run_task_attempts": "aws://AKIA:hunter2@/"},
        {"poll_interval": "eyJhunter2hunter2"},
    ],
)
def test_what_may_be_a_secret_is_masked(raw):
    error = problems_of({"cluster": "c", "container_name": "a", "task_definition": "t", **raw})
    assert error.problems[0].value == "***"
    assert "hunter2" not in str(error)


def test_a_long_value_is_cut():
    (problem,) = problems_of(
        {"cluster": "c", "container_name": "a", "task_definition": "t", "poll_interval": "x" * 500}
    ).problems
    assert len(problem.value) < 120


def test_options_do_not_print_what_may_hold_secrets(options_of):
    assert "hunter2" not in repr(options_of(run_task_kwargs='{"tags": {"a": "hunter2"}}'))


def test_the_catalogue_describes_every_option():
    catalogue = {info.name: info for info in option_catalogue(EcsOptions)}
    assert set(catalogue) == set(EcsOptions.model_fields)
    for info in catalogue.values():
        assert info.type in {"string", "boolean", "integer", "float"}
        assert info.description.endswith(".")
        assert info.example
        assert info.version_added
    assert [name for name, info in catalogue.items() if info.required] == [
        "cluster",
        "container_name",
        "task_definition",
    ]
    assert (catalogue["poll_interval"].default, catalogue["poll_interval"].unit) == ("5", "s")
    assert catalogue["cluster"].default is None


def test_every_default_and_every_example_in_the_catalogue_can_be_read_back(options_of):
    for info in option_catalogue(EcsOptions):
        if info.name == "capacity_provider_strategy" or info.default is None:
            continue
        assert getattr(options_of(**{info.name: info.default}), info.name) == getattr(EcsOptions(), info.name)
    for info in option_catalogue(EcsOptions):
        assert getattr(options_of(**{info.name: info.example}), info.name) not in ("", (), {})


def test_reading_options_imports_neither_airflow_nor_the_sdk_of_aws():
    program = (
        "import sys; from aws_exec.settings import load_ecs_options;"
        "load_ecs_options(dict(cluster='c', container_name='a', task_definition='t').get);"
        "sys.exit(bool({'airflow', 'boto3', 'botocore'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
