"""The options of the workload store, and what they make of the length of a command."""

from __future__ import annotations

import pytest

from aws_exec.container.bootstrap import airflow_command, entry_command, stored_command
from aws_exec.settings import (
    BatchOptions,
    EcsOptions,
    OptionsError,
    RunTaskBuilder,
    load_batch_options,
    load_ecs_options,
)
from aws_exec.settings.common.launch import TYPICAL, sample_command, shown_command
from tests.settings.conftest import PLAIN

JOB = {"job_queue": "fleet", "job_definition": "airflow:7"}
STORE = "s3://airflow-workloads/production"
#: Options that leave no room for a workload in the command.
BULKY = '{"overrides": {"containerOverrides": [{"environment": [{"name": "BULK", "value": "%s"}]}]}}' % ("x" * 6500)


def problem_of(**raw):
    with pytest.raises(OptionsError) as caught:
        load_ecs_options({**PLAIN, **raw}.get)
    (problem,) = caught.value.problems
    return problem


def test_without_the_option_there_is_no_store(options_of):
    assert (options_of().workload_store, options_of().workload_store_when) == (None, "always")
    assert EcsOptions(**PLAIN, workload_store=None).workload_store is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (STORE, STORE),
        (f" {STORE}/ ", STORE),
        ("s3://airflow-workloads", "s3://airflow-workloads"),
        ("s3://a.b-c.9/x/y_z/(1)*'!", "s3://a.b-c.9/x/y_z/(1)*'!"),
    ],
)
def test_an_address_is_a_bucket_and_a_prefix(written, read):
    for load, plain in ((load_ecs_options, PLAIN), (load_batch_options, JOB)):
        assert load({**plain, "workload_store": written}.get).workload_store == read


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("airflow-workloads/production", "is not of the form s3://bucket/prefix"),
        ("https://airflow-workloads.s3.amazonaws.com/x", "is not of the form s3://bucket/prefix"),
        ("s3://", "is not of the form s3://bucket/prefix"),
        ("s3:///production", "names no valid S3 bucket: ''"),
        ("s3://Airflow/x", "names no valid S3 bucket: 'Airflow'"),
        ("s3://ab/x", "names no valid S3 bucket: 'ab'"),
        ("s3://airflow-workloads/a b", "has an invalid prefix: names of letters"),
        ("s3://airflow-workloads//a", "has an invalid prefix: names of letters"),
        ("s3://airflow-workloads/ä", "has an invalid prefix: names of letters"),
        ("s3://airflow-workloads/" + "a" * 501, "has an invalid prefix: names of letters"),
    ],
)
def test_another_one_is_refused_with_the_form(written, message):
    problem = problem_of(workload_store=written)
    assert problem.message.startswith(message)
    assert problem.remedy == "Write it as in workload_store = s3://airflow-workloads/production"


@pytest.mark.parametrize(("written", "read"), [("always", "always"), (" Too-Long ", "too-long")])
def test_it_is_for_all_workloads_or_for_those_that_are_too_long(options_of, written, read):
    assert options_of(workload_store=STORE, workload_store_when=written).workload_store_when == read


def test_it_is_for_nothing_else():
    problem = problem_of(workload_store=STORE, workload_store_when="sometimes")
    assert (problem.option, problem.message) == ("workload_store_when", "must be 'always' or 'too-long'")
    with pytest.raises(ValueError, match="always"):
        BatchOptions(**JOB, workload_store_when=7)


@pytest.mark.parametrize("off", ["False", "no", "0"])
def test_it_needs_the_containers_entry(off):
    problem = problem_of(workload_store=STORE, container_entry=off)
    assert (problem.option, problem.rule) == ("workload_store", "option-conflict")
    assert problem.message == "needs the container's entry, and container_entry is off"


def test_an_entry_that_is_neither_on_nor_off_is_the_only_problem():
    assert problem_of(workload_store=STORE, container_entry="perhaps").option == "container_entry"


def test_with_it_options_may_leave_no_room_for_a_workload(options_of):
    with pytest.raises(OptionsError, match="a typical task cannot be launched with it"):
        RunTaskBuilder(options_of(run_task_kwargs=BULKY))
    for when in ("always", "too-long"):
        RunTaskBuilder(options_of(run_task_kwargs=BULKY, workload_store=STORE, workload_store_when=when))


def test_a_sample_with_it_is_as_long_as_a_command(options_of):
    address = f"{STORE}/0f8fad5b-d9cb-469f-a165-70867728950e/00112233445566778899aabbccddeeff"
    lengths = [
        len("".join(words))
        for words in (stored_command(address, "eu-central-1"), sample_command(options_of(workload_store=STORE)))
    ]
    assert 0 <= lengths[1] - lengths[0] <= 10


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ({}, entry_command("<workload>")),
        ({"container_entry": "False"}, airflow_command("<workload>")),
        ({"workload_store": STORE}, stored_command(f"{STORE}/<launch id>/<random>", "<region>")),
        ({"workload_store": STORE, "workload_store_when": "too-long"}, entry_command("<workload>")),
    ],
)
def test_what_is_shown_is_the_command_without_its_secrets(options_of, raw, shown):
    assert shown_command(options_of(**raw)) == shown
    assert RunTaskBuilder(options_of(**raw)).build(TYPICAL, shown).arguments


def test_both_executors_have_the_options():
    for model in (EcsOptions, BatchOptions):
        assert {"workload_store", "workload_store_when"} <= set(model.model_fields)
