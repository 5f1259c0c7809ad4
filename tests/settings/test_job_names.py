"""The name of a Batch job: the launch is in it whole, and it is found by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.job_name import job_name, prefix_of, token_in
from aws_exec.settings import SubmitJobBuilder, load_batch_options

PLAIN = {"job_queue": "fleet", "job_definition": "airflow-job:7", "job_name": "airflow"}
TOKEN = "0b9a6c1e-4c1b-4d5e-9d53-1f2e3d4c5b6a-1"


def options_of(**raw):
    return load_batch_options({**PLAIN, **raw}.get)


def test_the_token_is_in_it_whole_however_long_the_rest():
    identity = Identity("d", TOKEN, "d" * 200, "t" * 200)
    builder = SubmitJobBuilder(options_of(job_name="n" * 128))
    name = builder.build(identity, ["run"]).arguments["jobName"]
    assert len(name) == 128
    assert token_in(name, builder.name_prefix) == TOKEN
    assert name.startswith(f"{builder.name_prefix}-{TOKEN}-ddd")


@pytest.mark.parametrize(
    ("wished", "prefix"),
    [("airflow", "airflow"), ("-my jobs/é", "my_jobs_"), ("", "awsexec"), ("***", "awsexec"), ("x" * 99, "x" * 64)],
)
def test_what_batch_does_not_take_is_replaced(wished, prefix):
    assert prefix_of(wished) == prefix


def test_a_prefix_that_had_to_be_changed_is_told():
    builder = SubmitJobBuilder(options_of(job_name="my jobs"))
    assert builder.name_prefix == "my_jobs"
    assert any("my_jobs" in warning for warning in builder.warnings)
    assert SubmitJobBuilder(options_of()).warnings == ()


def test_a_name_in_submit_job_kwargs_is_as_good():
    assert SubmitJobBuilder(options_of(submit_job_kwargs='{"jobName": "named"}')).name_prefix == "named"
    assert SubmitJobBuilder(options_of(job_name="")).name_prefix == "awsexec"


def test_a_name_in_an_executor_config_stands_where_dag_and_task_would(identity):
    builder = SubmitJobBuilder(options_of())
    named = builder.build(identity, ["run"], {"jobName": "nightly run"}).arguments
    unnamed = builder.build(identity, ["run"], {"jobName": None}).arguments
    assert named["jobName"] == f"airflow-{TOKEN}-nightly_run"
    assert unnamed["jobName"] == f"airflow-{TOKEN}-etl-load"


@pytest.mark.parametrize("name", ["airflow", f"another-{TOKEN}", "airflow-0b9a6c1e-4c1b-4d5e-9d53-1f2e3d4c5b6a"])
def test_names_of_others_have_no_token(name):
    assert token_in(name, "airflow") is None


@given(st.text(max_size=140), st.lists(st.text(max_size=60), max_size=3), st.integers(0, 9999))
def test_every_name_is_one_that_batch_takes_and_has_its_token(wished, words, number):
    prefix, token = prefix_of(wished), f"{TOKEN[:-2]}-{number}"
    name = job_name(prefix, token, *words)
    assert len(name) <= 128
    assert name[0].isalnum()
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert token_in(name, prefix) == token


def test_a_name_is_read_whatever_its_case():
    """ListJobs compares names without regard to it, and answers with what it has."""
    assert token_in(f"AWSEXEC-{TOKEN.upper()}-dag", "awsexec") == TOKEN.upper()


def test_a_prefix_keeps_its_letters():
    assert prefix_of("_-XY/z-") == "XY_z-"
