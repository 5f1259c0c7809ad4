"""The demo's DAG on a real Airflow: every task in a container, and three of them come back."""

import re

import pytest

from aws_exec.local.demo import plan, summary

ARN = re.compile(r"arn:aws:ecs:[a-z0-9-]+:\d{12}:task/\S+/[0-9a-f]{32}")

pytestmark = pytest.mark.timeout(420)


@pytest.fixture(scope="module")
def run(trigger):
    run = trigger(plan.DAG_ID)
    run.over()
    return run


@pytest.fixture(scope="module")
def rows(run):
    return run.rows()


def test_every_task_succeeds(run):
    assert run.states == dict.fromkeys(plan.EXPECTED, "success")


def test_nothing_happens_that_was_not_planned(rows):
    """States, tries, containers of each task, exit codes, tokens: what `awsexec demo` exits 0 for."""
    assert summary.problems(rows) == []


def test_the_result_is_made_of_the_data(run):
    report = run.airflow.records.returned(plan.DAG_ID, run.run_id, plan.RESULT)

    assert (report["readings"], report["missing"]) == (360, 15)
    assert [line["station"] for line in report["ranking"]][:2] == ["ringroad", "market"]


def test_only_the_task_that_fails_on_purpose_has_a_second_try(run):
    tries = {name: instance.try_number for name, instance in run.instances.items()}

    assert tries == {name: 2 if name == "calibration" else 1 for name in plan.EXPECTED}


def test_each_container_has_a_token_of_its_own_and_exits_zero(run):
    tokens = [launch.token for launch in run.launches]

    assert len(tokens) == len(set(tokens)) == sum(want.launches for want in plan.EXPECTED.values())
    assert {launch.exit_code for launch in run.launches} == {0}
    assert {launch.identity["AWSEXEC_TOKEN"] for launch in run.launches} == set(tokens)


def test_tasks_come_back_while_their_old_ecs_task_is_not_stopped(rows):
    assert summary.overlapped(rows) == {"calibration", "embargo", "readings_complete"}


def test_what_came_back_is_credited_to_the_newest_container(run):
    newest = {row.task: row.launch.arn for row in run.rows()}

    assert {name: instance.external_executor_id for name, instance in run.instances.items()} == newest


def test_the_external_executor_id_is_an_arn(run):
    assert all(ARN.fullmatch(instance.external_executor_id) for instance in run.instances.values())


def test_a_run_without_trouble_leaves_no_word_in_the_event_log(run):
    assert [run.said(name) for name in ("stations", "embargo", "readings_complete", "report")] == [""] * 4
