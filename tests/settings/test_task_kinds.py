"""What a configuration sends, and where to, is known of it before any task is there."""

from __future__ import annotations

import pytest

from aws_exec.settings import RunTaskBuilder, SubmitJobBuilder, load_batch_options, load_ecs_options
from aws_exec.settings.file.templates import TemplateBook, read_terms
from tests.settings.conftest import PLAIN

JOBS = {"job_queue": "jobs", "job_definition": "airflow", "job_queues": '{"gpu": "gpu-jobs", "again": "jobs"}'}
TEMPLATES = {
    "both": {"cluster": "far", "job_queue": "far"},
    "wrong": {"ecs": {"launchType": "MOON"}, "batch": {"timeout": "MOON"}},
    "batch's": {"executor": "batch", "job_queue": "only"},
}
LEVELS = {name: [read_terms(terms)[0]] for name, terms in TEMPLATES.items()}


def ecs(**given):
    return RunTaskBuilder(load_ecs_options(PLAIN.get), **given)


def batch(**given):
    return SubmitJobBuilder(load_batch_options(JOBS.get), **given)


@pytest.mark.parametrize(
    ("builder", "locations"),
    [
        (ecs(), (PLAIN["cluster"],)),
        (ecs(templates=TemplateBook("ecs", LEVELS)), (PLAIN["cluster"], "far")),
        (batch(), ("jobs", "gpu-jobs")),
        (batch(templates=TemplateBook("batch", LEVELS)), ("jobs", "far", "only", "gpu-jobs")),
    ],
    ids=["ECS", "ECS with templates", "Batch", "Batch with templates"],
)
def test_each_place_is_told_once_that_of_plain_tasks_first(builder, locations):
    assert builder.locations() == locations
    assert builder.location() == locations[0]


def test_a_template_that_cannot_be_sent_is_no_kind_of_task():
    kinds = [plan.location for plan in ecs(templates=TemplateBook("ecs", LEVELS)).typical()]
    assert kinds == [PLAIN["cluster"], "far"], "plain, and `both`: `wrong` is sent by nobody, `batch's` not here"
