"""The same configuration, given to the installed Amazon provider and to awsexec, submits the same job.

But for what awsexec adds: the launch in the name, `retryStrategy`, its tags and its environment variables.
"""

from __future__ import annotations

import copy
import json

import pytest

from aws_exec.settings import BatchOptions, SubmitJobBuilder, load_batch_options, option_catalogue
from tests.settings.amazon import Conf, botocore_faults, module, options

SECTION = "aws_batch_executor"
PLAIN = {"job_queue": "fleet", "job_definition": "airflow-job:7", "job_name": "airflow"}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """The SubmitJob arguments that the Amazon provider sends."""
    home = tmp_path_factory.mktemp("airflow")
    amazon, config = module("batch.batch_executor", home), module("batch.batch_executor_config", home)

    def theirs(raw, executor_config, command):
        executor = amazon.AwsBatchExecutor.__new__(amazon.AwsBatchExecutor)
        executor.submit_job_kwargs = config.build_submit_kwargs(Conf(SECTION, raw))
        return executor._submit_job_kwargs("key", command, "default", copy.deepcopy(executor_config))

    return theirs


@pytest.fixture
def ours(identity, command):
    """The arguments that awsexec sends, without what it adds; the place is where they go."""

    def ours(raw, executor_config, *, retry=True):
        plan = SubmitJobBuilder(load_batch_options(raw.get)).build(
            identity, command, executor_config, "default", with_tags=False
        )
        arguments = plan.arguments
        assert plan.location == arguments["jobQueue"]
        prefix, _, rest = arguments["jobName"].partition(f"-{identity.token}-")
        assert rest == "etl-load"
        arguments["jobName"] = prefix
        if retry:
            assert arguments.pop("retryStrategy") == {"attempts": 1}
        container = arguments["containerOverrides"]
        container["environment"] = [
            entry for entry in container["environment"] if not entry["name"].startswith("AWSEXEC_")
        ]
        return arguments

    return ours


def kwargs(**document):
    return {**PLAIN, "submit_job_kwargs": json.dumps(document)}


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(PLAIN, id="nothing but what is required"),
        pytest.param({**PLAIN, "submit_job_kwargs": "{}"}, id="empty submit_job_kwargs"),
        pytest.param(kwargs(tags={"a": "b"}, propagateTags=True), id="tags"),
        pytest.param(kwargs(parameters={"input": "x"}), id="parameters"),
        pytest.param(kwargs(timeout={"attemptDurationSeconds": 60}), id="a timeout"),
        pytest.param(kwargs(share_identifier="s", scheduling_priority_override=3), id="snake case"),
        pytest.param(kwargs(containerOverrides={"command": ["ignored"]}), id="a command, which is ignored"),
        pytest.param(
            kwargs(
                containerOverrides={
                    "environment": [{"name": "A", "value": "b"}],
                    "resourceRequirements": [{"type": "VCPU", "value": "1"}],
                }
            ),
            id="overrides of the container",
        ),
        pytest.param(kwargs(jobQueue="other", jobDefinition="other:1", jobName="named"), id="the options in there"),
        pytest.param({"submit_job_kwargs": kwargs()["submit_job_kwargs"], **PLAIN}, id="in another order"),
    ],
)
@pytest.mark.parametrize(
    "config",
    [
        pytest.param({}, id="-"),
        pytest.param({"jobQueue": "gpu"}, id="queue"),
        pytest.param({"jobDefinition": "large:2", "timeout": {"attemptDurationSeconds": 120}}, id="definition"),
        pytest.param({"parameters": {"input": "y", "more": "z"}}, id="parameters"),
    ],
)
def test_both_submit_the_same_job(theirs, ours, command, raw, config):
    assert ours(raw, config) == theirs(raw, config, command)


@pytest.mark.parametrize(
    "config",
    [
        {"containerOverrides": {"environment": [{"name": "A", "value": "b"}]}},
        {"containerOverrides": {"resourceRequirements": [{"type": "MEMORY", "value": "2048"}]}},
        {"tags": {"a": "b"}},
        {"dependsOn": [{"jobId": "1"}]},
    ],
)
def test_an_executor_config_that_works_there_works_here(theirs, ours, command, config):
    assert ours(PLAIN, config) == theirs(PLAIN, config, command)


def test_a_retry_strategy_of_the_users_is_sent_as_it_is_behind_our_rule(theirs, ours, command):
    config = {"retryStrategy": {"attempts": 3, "evaluateOnExit": [{"action": "EXIT", "onReason": "x"}]}}
    for request, wanted in (
        (ours(PLAIN, config, retry=False), theirs(PLAIN, config, command)),
        (ours(kwargs(**config), {}, retry=False), theirs(kwargs(**config), {}, command)),
    ):
        rules = request["retryStrategy"]["evaluateOnExit"]
        assert rules.pop(0) == {"action": "EXIT", "onExitCode": "8*"}
        assert request == wanted


@pytest.mark.parametrize(
    ("options", "strategy"),
    [
        ({}, {"attempts": 1, "evaluateOnExit": [{"action": "RETRY", "onReason": "x"}]}),
        ({}, {"attempts": 3, "evaluateOnExit": [{"action": "RETRY", "onReason": str(n)} for n in range(5)]}),
        ({"container_entry": "False"}, {"attempts": 3}),
    ],
)
def test_a_strategy_that_does_not_retry_or_is_full_or_without_entry_stays_as_it_is(ours, options, strategy):
    assert ours({**PLAIN, **options}, {"retryStrategy": strategy}, retry=False)["retryStrategy"] == strategy


def test_a_strategy_without_rules_ends_on_outcomes_alone(ours):
    strategy = ours(PLAIN, {"retryStrategy": {"attempts": 3}}, retry=False)["retryStrategy"]
    assert strategy == {"attempts": 3, "evaluateOnExit": [{"action": "EXIT", "onExitCode": "8*"}]}


def test_the_queue_of_airflow_means_nothing_to_either(theirs, ours, command):
    assert ours(PLAIN, {})["jobQueue"] == theirs(PLAIN, {}, command)["jobQueue"] == "fleet"


def test_queue_and_definition_may_be_in_submit_job_kwargs_alone(theirs, ours, command):
    raw = {"job_name": "airflow", "submit_job_kwargs": '{"jobQueue": "q", "job_definition": "d"}'}
    assert ours(raw, {}) == theirs(raw, {}, command)


@pytest.mark.parametrize("name", ["nodeOverrides", "eksPropertiesOverride"])
def test_jobs_of_several_nodes_and_of_eks_are_refused_by_both(theirs, ours, command, name):
    raw = kwargs(**{name: {"numNodes": 2} if name == "nodeOverrides" else {"podProperties": {"metadata": {}}}})
    with pytest.raises(KeyError, match="not currently supported"):
        theirs(raw, {}, command)
    with pytest.raises(ValueError, match="not supported"):
        ours(raw, {})


def test_deprecated_sizes_are_sent_as_what_takes_their_place(theirs, ours, command):
    """Fargate, and job definitions that have resourceRequirements, do not heed them (API Reference)."""
    config = {"containerOverrides": {"vcpus": 2, "memory": 4096}}
    expected = theirs(PLAIN, config, command)["containerOverrides"]
    container = ours(PLAIN, config)["containerOverrides"]
    sizes = {entry["type"]: entry["value"] for entry in container["resourceRequirements"]}
    assert sizes == {"VCPU": str(expected["vcpus"]), "MEMORY": str(expected["memory"])}
    assert not {"vcpus", "memory"} & set(container)


def test_our_section_has_every_option_of_theirs_with_its_default_and_type():
    theirs = options(SECTION)
    ours = {option.name: option for option in option_catalogue(BatchOptions)}
    assert set(theirs) <= set(ours)
    for name, option in theirs.items():
        assert ours[name].default == option["default"], name
        assert ours[name].type == option["type"], name


def test_their_own_examples_make_a_request_that_aws_can_be_sent(ours):
    """Wrong 20 of the Amazon provider: its own examples fail botocore's validation."""
    arguments = ours({name: option["example"] for name, option in options(SECTION).items()}, {})
    assert arguments["tags"] == {"key": "value"}
    assert not botocore_faults("batch", "SubmitJob", arguments)
