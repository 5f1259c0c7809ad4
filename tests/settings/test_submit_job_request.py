"""The SubmitJob request of a task: what is in it, what its author may say, and what does not fit."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_exec.lifecycle.identity import Identity
from aws_exec.settings import (
    BatchOptions,
    InvalidExecutorConfig,
    OptionsError,
    RequestTooLarge,
    SubmitJobBuilder,
    load_batch_options,
)
from tests.settings.amazon import botocore_faults

PLAIN = {"job_queue": "fleet", "job_definition": "airflow-job:7", "job_name": "airflow"}
TOKEN = "0b9a6c1e-4c1b-4d5e-9d53-1f2e3d4c5b6a-1"
KEYS = st.sampled_from(
    [
        *("jobQueue", "job_name", "command", "tags", "parameters", "containerOverrides", "container_overrides"),
        *("environment", "vcpus", "memory", "resourceRequirements", "type", "value", "name", "containerName"),
        *("ecsPropertiesOverride", "taskProperties", "containers", "retryStrategy", "attempts", "timeout"),
        *("arrayProperties", "dependsOn", "nodeOverrides", "instanceType", "key"),
    ],
)
TEXT = st.text(max_size=6) | st.sampled_from(["airflow", "AWSEXEC_TOKEN", "AWS_BATCH_X", "VCPU", "512", "aws:x"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=2)
ANYTHING = st.recursive(
    LEAVES,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS | TEXT | st.integers(), below, max_size=4),
    max_leaves=15,
)
BUILDERS = [
    SubmitJobBuilder(BatchOptions(job_queue="q", job_definition="d", container_name=name)) for name in ("", "airflow")
]


def options_of(**raw):
    return load_batch_options({**PLAIN, **raw}.get)


def kwargs(**document):
    return {"submit_job_kwargs": json.dumps(document)}


@pytest.fixture
def arguments_of(identity, command):
    def arguments_of(executor_config=None, *, with_tags=True, **raw):
        return (
            SubmitJobBuilder(options_of(**raw)).build(identity, command, executor_config, with_tags=with_tags).arguments
        )

    return arguments_of


@pytest.fixture
def container_of(arguments_of):
    """The overrides of the only container."""
    return lambda *config, **raw: arguments_of(*config, **raw)["containerOverrides"]


@pytest.fixture
def containers_of(arguments_of):
    """The overrides of each container, where there are several."""

    def containers_of(config=None, **raw):
        (task,) = arguments_of(config, **raw)["ecsPropertiesOverride"]["taskProperties"]
        return {item["name"]: item for item in task["containers"]}

    return containers_of


@pytest.fixture
def refusal(arguments_of):
    def refusal(config, **raw):
        with pytest.raises(InvalidExecutorConfig) as caught:
            arguments_of(config, **raw)
        return str(caught.value)

    return refusal


def names_in(container):
    return {entry["name"]: entry["value"] for entry in container["environment"]}


def sizes_in(container):
    return {entry["type"]: entry["value"] for entry in container["resourceRequirements"]}


def test_the_whole_request_of_a_task(identity, command):
    plan = SubmitJobBuilder(options_of()).build(identity, command, {"environment": {"A": "b"}}, "default")
    assert plan.location == "fleet"
    environment = [
        {"name": "A", "value": "b"},
        {"name": "AIRFLOW_IS_EXECUTOR_CONTAINER", "value": "true"},
        *({"name": name, "value": value} for name, value in identity.environment().items()),
    ]
    assert plan.arguments == {
        "jobName": f"airflow-{identity.token}-etl-load",
        "jobQueue": "fleet",
        "jobDefinition": "airflow-job:7",
        "retryStrategy": {"attempts": 1},
        "containerOverrides": {"command": command, "environment": environment},
        "tags": identity.tags(),
    }
    assert not botocore_faults("batch", "SubmitJob", plan.arguments)


class TestMerging:
    def test_either_spelling_is_understood(self, container_of):
        raw = kwargs(container_overrides={"resource_requirements": [{"type": "GPU", "value": 1}]})
        assert sizes_in(container_of(**raw)) == {"GPU": "1"}

    def test_resources_merge_by_type_and_are_text(self, container_of):
        raw = kwargs(containerOverrides={"vcpus": 2, "memory": 4096})
        sizes = [{"type": "VCPU", "value": 0.5}, {"type": "GPU", "value": "1"}]
        container = container_of({"containerOverrides": {"resourceRequirements": sizes}}, **raw)
        assert sizes_in(container) == {"VCPU": "0.5", "MEMORY": "4096", "GPU": "1"}
        assert sizes_in(container_of({"memory": "512"}, **raw)) == {"VCPU": "2", "MEMORY": "512"}

    def test_what_is_written_out_wins_over_what_is_deprecated(self, container_of):
        config = {"vcpus": 1, "resourceRequirements": [{"type": "VCPU", "value": "4"}]}
        assert sizes_in(container_of(config)) == {"VCPU": "4"}

    def test_null_deletes(self, arguments_of):
        raw = kwargs(
            timeout={"attemptDurationSeconds": 60},
            tags={"a": "1", "b": "2"},
            containerOverrides={"vcpus": 2, "memory": 8, "environment": {"A": "1", "B": "2"}},
        )
        config = {
            "timeout": None,
            "tags": {"a": None},
            "vcpus": None,
            "environment": {"A": None},
            "retryStrategy": None,
        }
        arguments = arguments_of(config, with_tags=False, **raw)
        assert not {"timeout", "retryStrategy"} & set(arguments)
        assert arguments["tags"] == {"b": "2"}
        assert sizes_in(arguments["containerOverrides"]) == {"MEMORY": "8"}
        assert "A" not in names_in(arguments["containerOverrides"])

    def test_keys_that_the_user_chose_are_never_renamed_and_merge_by_key(self, arguments_of):
        raw = kwargs(parameters={"In_put": "x", "other": "y"}, tags={"Cost_center": "1", "team": "a"})
        arguments = arguments_of({"parameters": {"In_put": "z", "new_one": 3}, "tags": {"team": "b"}}, **raw)
        assert arguments["parameters"] == {"In_put": "z", "other": "y", "new_one": "3"}
        assert {key: arguments["tags"][key] for key in ("Cost_center", "team")} == {"Cost_center": "1", "team": "b"}

    def test_there_are_never_more_tags_than_aws_takes_and_ours_fit(self, arguments_of):
        tags = arguments_of({"tags": {f"t{number}": "x" for number in range(49)}})["tags"]
        assert len(tags) == 50
        long = SubmitJobBuilder(options_of()).build(Identity("d", TOKEN, "ü*" * 200), ["run"]).arguments["tags"]
        assert len(long["awsexec:dag-id"]) == 256
        assert "*" not in long["awsexec:dag-id"]

    def test_the_queue_of_one_task_is_where_it_goes(self, arguments_of):
        builder = SubmitJobBuilder(options_of())
        assert builder.location({"job_queue": "gpu"}) == arguments_of({"jobQueue": "gpu"})["jobQueue"] == "gpu"
        assert builder.location() == "fleet"

    def test_neither_the_options_nor_the_authors_dictionary_are_changed(self, identity, command):
        builder = SubmitJobBuilder(options_of(**kwargs(tags={"a": "b"}, parameters={"p": "q"})))
        config = {"containerOverrides": {"environment": [{"name": "A", "value": "b"}], "vcpus": 1}, "tags": {"c": "d"}}
        before = copy.deepcopy(config)
        first = builder.build(identity, command, config).arguments
        expected = copy.deepcopy(first)
        first["tags"].clear()
        first["parameters"].clear()
        first["containerOverrides"]["environment"].clear()
        assert builder.build(identity, command, config).arguments == expected
        assert config == before


class TestSeveralContainers:
    def test_all_that_is_meant_for_airflow_goes_to_its_container(self, containers_of, command):
        raw = {"container_name": "airflow", **kwargs(containerOverrides={"vcpus": 2, "environment": {"A": "1"}})}
        containers = containers_of({"memory": 512, "environment": {"B": "2"}}, **raw)
        assert list(containers) == ["airflow"]
        assert containers["airflow"]["command"] == command
        assert sizes_in(containers["airflow"]) == {"VCPU": "2", "MEMORY": "512"}
        assert {"A", "B", "AWSEXEC_TOKEN"} <= set(names_in(containers["airflow"]))

    def test_the_container_may_be_named_and_sidecars_beside_it(self, containers_of, command):
        def task(*containers):
            return {"ecsPropertiesOverride": {"taskProperties": [{"containers": list(containers)}]}}

        raw = kwargs(**task({"name": "proxy", "command": ["a"]}, {"name": "airflow", "environment": {"A": "1"}}))
        config = task({"environment": {"B": "2"}}, {"name": "proxy", "environment": {"C": "3"}})
        containers = containers_of({**config, "environment": {"A": "2"}}, container_name="airflow", **raw)
        assert names_in(containers["airflow"]).items() >= {"A": "2", "B": "2"}.items()
        assert containers["airflow"]["command"] == command
        assert containers["proxy"] == {"name": "proxy", "command": ["a"], "environment": [{"name": "C", "value": "3"}]}

    def test_one_task_may_have_another_definition(self, containers_of, container_of):
        assert list(containers_of({"jobDefinition": "multi", "containerName": "main"})) == ["main"]
        assert container_of({"containerName": None}, container_name="airflow")["command"]

    def test_whose_container_it_is_must_be_known(self, refusal):
        config = {"ecsPropertiesOverride": {"taskProperties": [{"containers": [{"name": "a", "environment": {}}]}]}}
        assert "container_name" in refusal(config)

    def test_an_instance_type_is_not_for_one_of_several(self, refusal, containers_of):
        assert "instanceType" in refusal({"instanceType": "m5.large"}, container_name="airflow")
        raw = kwargs(containerOverrides={"instanceType": "m5.large"})
        assert "instanceType" in refusal({"containerName": "main"}, **raw)
        assert list(containers_of({"containerName": "main", "instanceType": None}, **raw)) == ["main"]

    def test_nor_is_it_in_submit_job_kwargs_which_is_told_at_start_and_not_by_every_task(self):
        options = options_of(container_name="airflow", **kwargs(containerOverrides={"instanceType": ""}))
        with pytest.raises(OptionsError, match=r"containerOverrides\.instanceType: cannot be set for one of several"):
            SubmitJobBuilder(options)

    @pytest.mark.parametrize("others", [[{}], [None], [{"name": "proxy"}, {}]])
    def test_a_container_of_which_nothing_is_said_is_none(self, containers_of, others):
        config = {"ecsPropertiesOverride": {"taskProperties": [{"containers": others}]}}
        names = ["airflow", *(other["name"] for other in others if other)]
        assert list(containers_of(config, container_name="airflow")) == names
        assert list(containers_of(container_name="airflow", **kwargs(**config))) == names


class TestRefusals:
    @pytest.mark.parametrize(
        ("config", "words"),
        [
            ({"command": ["x"]}, "command: cannot be set"),
            ({"containerOverrides": {"command": ["x"]}}, "containerOverrides.command: cannot be set"),
            ({"environment": {"AWSEXEC_TOKEN": "x"}}, "AWSEXEC_TOKEN is reserved"),
            ({"environment": {"AWS_BATCH_JOB_ID": "x"}}, "AWS_BATCH_JOB_ID is one that AWS keeps"),
            ({"environment": [{"value": "x"}]}, "environment[0]: has no name"),
            ({"arrayProperties": {"size": 2}}, "array jobs are not supported"),
            ({"dependsOn": [{"type": "SEQUENTIAL"}]}, "dependsOn[0].type: is of array jobs"),
            ({"nodeOverrides": {"numNodes": 2}}, "multi-node jobs are not supported"),
            ({"eksPropertiesOverride": {"podProperties": {"metadata": {}}}}, "EKS are not supported"),
            ({"jobQueu": "x"}, "Did you mean jobQueue?"),
            (
                {"containerOverrides": {"vcpus": "many"}},
                "containerOverrides.vcpus: is of type str, expected an integer",
            ),
            (
                {"containerOverrides": {"resourceRequirements": [{"type": "CPU", "value": "1"}]}},
                "is none of GPU, MEMORY",
            ),
            ({"tags": {"aws:x": "1"}}, "tags.aws:x: begins with aws:"),
            ({"tags": [1]}, "tags: is a list, expected an object"),
            ({"parameters": {"x": 1.5}}, "parameters.x: is of type float, expected a string"),
            ({"containerName": 3}, "containerName: is of type int"),
            ({"containerOverrides": {"resourceRequirements": "x"}}, "resourceRequirements: is of type str"),
            ({"ecsPropertiesOverride": {"taskProperties": [{}, {}]}}, "taskProperties: has several entries"),
            ({"jobQueue": None}, "jobQueue: is required"),
            ("x", "is of type str, expected a dictionary"),
        ],
    )
    def test_every_fault_is_told_with_its_path(self, refusal, config, words):
        assert words in refusal(config)

    def test_no_container_may_say_that_it_is_another_launchs(self, refusal):
        proxy = {"name": "proxy", "environment": [{"name": "AWSEXEC_TOKEN", "value": "another-1"}]}
        containers = {"taskProperties": [{"containers": [proxy, {"name": "airflow"}]}]}
        words = "containers[0].environment[0]: AWSEXEC_TOKEN is reserved"
        assert words in refusal({"containerName": "airflow", "ecsPropertiesOverride": containers})

    def test_a_container_of_null_is_none(self, arguments_of):
        containers = [{"name": "airflow", "environment": [{"name": "A", "value": "b"}]}, None, {"name": "proxy"}]
        config = {"containerName": "airflow", "ecsPropertiesOverride": {"taskProperties": [{"containers": containers}]}}
        (task,) = arguments_of(config)["ecsPropertiesOverride"]["taskProperties"]
        assert [container["name"] for container in task["containers"]] == ["airflow", "proxy"]

    def test_overrides_longer_than_ecs_takes_would_fail_the_job_and_fail_the_task_at_once(self, arguments_of):
        with pytest.raises(RequestTooLarge, match=r"overrides: is .* AWS takes 8,192.*environment\.BIG"):
            arguments_of({"environment": {"BIG": "x" * 9000}})

    def test_a_request_longer_than_batch_takes_is_refused(self, arguments_of):
        with pytest.raises(RequestTooLarge, match="less than 30,720"):
            arguments_of({"parameters": {"big": "x" * 30_000}})

    def test_values_are_never_echoed(self, refusal):
        assert "SECRET" not in refusal({"environment": {"BIG": "SECRET" * 2000}})
        assert "SECRET" not in refusal({"containerOverrides": "SECRET", "jobQueue": ["SECRET"]})

    @settings(max_examples=300)
    @given(st.dictionaries(KEYS, ANYTHING, max_size=4) | ANYTHING, st.sampled_from(BUILDERS))
    def test_nothing_a_dag_author_writes_raises_anything_else_and_what_is_built_can_be_sent(self, config, builder):
        before = repr(config)
        refused = plan = None
        try:
            plan = builder.build(Identity("test", TOKEN, "etl"), ["run", "SECRET"], config)
        except InvalidExecutorConfig as error:
            refused = error
        assert refused is None or (refused.findings and "SECRET" not in str(refused))
        assert plan is None or not botocore_faults("batch", "SubmitJob", plan.arguments)
        assert repr(config) == before


class TestOptions:
    def test_ours_have_documented_defaults(self):
        options = options_of()
        assert (options.max_attempts, options.launches_per_second) == (3, 50.0)
        assert (options.max_runnable_seconds, options.container_name) == (None, "")
        assert options_of(max_runnable_seconds="30m", launch_rate="5", max_submit_job_attempts="1").model_dump(
            include={"max_runnable_seconds", "launch_rate", "max_submit_job_attempts"}
        ) == {"max_runnable_seconds": 1800.0, "launch_rate": 5.0, "max_submit_job_attempts": 1}
        assert options_of(max_runnable_seconds="0").max_runnable_seconds is None

    def test_what_is_required_is_asked_for_unless_only_a_log_is_wanted(self):
        with pytest.raises(OptionsError) as caught:
            load_batch_options({}.get, team="risk")
        assert [problem.option for problem in caught.value.problems] == ["job_definition", "job_queue"]
        assert caught.value.problems[1].variable == "AIRFLOW__RISK___AWS_BATCH_EXECUTOR__JOB_QUEUE"
        assert load_batch_options({}.get, require=False).job_queue == ""

    def test_bad_json_is_told_once_and_hides_nothing(self):
        with pytest.raises(OptionsError) as caught:
            load_batch_options({**PLAIN, "submit_job_kwargs": "{'a': 1}", "describe_rate": "0"}.get)
        assert {problem.option for problem in caught.value.problems} == {"submit_job_kwargs", "describe_rate"}

    @pytest.mark.parametrize(
        ("raw", "option", "words"),
        [
            (kwargs(nope=1), "submit_job_kwargs", "is not known to SubmitJob"),
            (kwargs(arrayProperties={"size": 2}), "submit_job_kwargs", "array jobs are not supported"),
            (
                kwargs(containerOverrides={"environment": {"X": "y" * 7000}}),
                "submit_job_kwargs",
                "a typical task cannot",
            ),
            (kwargs(jobQueue=None), "job_queue", "is required"),
            (kwargs(tags={"a": [1]}), "submit_job_kwargs", "expected a string"),
        ],
    )
    def test_options_that_no_task_could_be_launched_with_are_told_at_start(self, raw, option, words):
        with pytest.raises(OptionsError) as caught:
            SubmitJobBuilder(options_of(**raw))
        (problem,) = caught.value.problems
        assert problem.option == option
        assert words in str(problem)

    def test_a_command_in_submit_job_kwargs_is_a_warning_not_a_refusal(self, container_of, command):
        raw = kwargs(containerOverrides={"command": ["theirs"]})
        assert container_of(**raw)["command"] == command
        (warning,) = SubmitJobBuilder(options_of(**raw)).warnings
        assert "containerOverrides.command" in warning
