"""Where a task goes is known of its executor_config without building its request, however long that is."""

from __future__ import annotations

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from aws_exec.settings import (
    InvalidExecutorConfig,
    RequestTooLarge,
    RunTaskBuilder,
    SubmitJobBuilder,
    load_batch_options,
    load_ecs_options,
)
from aws_exec.settings.file.templates import TemplateBook, read_terms
from tests.settings.conftest import COMMAND, IDENTITY, PLAIN

JOBS = {"job_queue": "jobs", "job_definition": "airflow", "job_queues": '{"gpu": "gpu-jobs"}'}
TEMPLATES = {
    "small": {"cpu": 1, "memory": "2GiB"},
    "theirs": {"cluster": "theirs", "job_queue": "theirs", "env": {"A": "1"}},
    "raw": {"ecs": {"Cluster": "raw"}, "batch": {"job_queue": "raw", "retryStrategy": {"attempts": 2}}},
    "nowhere": {"ecs": {"cluster": None}, "batch": {"timeout": None}},
    "batch's": {"executor": "batch", "job_queue": "only"},
}
LEVELS = {name: [read_terms(terms)[0]] for name, terms in TEMPLATES.items()}
QUEUES = {"q": "theirs", "r": "raw", "n": "nowhere"}

#: Builders with templates and without; the first member of the pair is the service.
BUILDERS = [
    ("ecs", RunTaskBuilder(load_ecs_options(PLAIN.get))),
    ("ecs", RunTaskBuilder(load_ecs_options(PLAIN.get), templates=TemplateBook("ecs", LEVELS, QUEUES))),
    (
        "ecs",
        RunTaskBuilder(
            load_ecs_options({**PLAIN, "run_task_kwargs": '{"cluster": "of-kwargs"}'}.get),
            templates=TemplateBook("ecs", LEVELS, QUEUES),
        ),
    ),
    ("batch", SubmitJobBuilder(load_batch_options(JOBS.get))),
    ("batch", SubmitJobBuilder(load_batch_options(JOBS.get), templates=TemplateBook("batch", LEVELS, QUEUES))),
]

environments = st.lists(st.sampled_from("ABC"), unique=True).map(
    lambda names: [{"name": n, "value": ""} for n in names]
)
locations = st.sampled_from(["a", "b", "", None, 5]) | st.sampled_from([1.5, [], {"name": "x"}, True])


def spelt(*names):
    return st.sampled_from(names)


#: Members that decide the place, those that do not, in every spelling, and some that are none.
members = st.one_of(
    st.tuples(spelt("cluster", "Cluster", "_cluster", "cluster_", "CLUSTER"), locations),
    st.tuples(spelt("jobQueue", "job_queue", "JobQueue", "job__queue", "jobqueue"), locations),
    st.tuples(spelt("cpu", "memory"), st.integers(1, 4)),
    st.tuples(st.just("environment"), environments),
    st.tuples(
        st.just("overrides"), st.builds(lambda env: {"containerOverrides": [{"environment": env}]}, environments)
    ),
    st.tuples(st.just("containerOverrides"), st.builds(lambda env: {"environment": env}, environments)),
    st.tuples(st.just("nonsense"), st.integers()),
)
documents = st.lists(members, max_size=4).map(dict)
levels = st.dictionaries(st.sampled_from(["cluster", "job_queue"]), st.sampled_from(["l", None]), max_size=2).flatmap(
    lambda level: st.fixed_dictionaries(
        {key: st.just(value) for key, value in level.items()},
        optional={
            "executor": st.sampled_from(["ecs", "batch"]),
            "env": st.just({"X": "1"}),
            "extends": st.just("small"),
            "ecs": documents,
            "batch": documents,
            "cpu": st.just(1),
            "wrong": st.just(1),
        },
    )
)
configs = st.one_of(
    st.none(),
    documents,
    st.builds(
        lambda named, rest, own: {"template": named, **rest, **own},
        st.sampled_from([*TEMPLATES, "unknown", None, 7]) | levels | st.lists(levels, max_size=2),
        documents,
        st.just({}) | levels,
    ),
    st.sampled_from(["text", 5, [], {5: 6}]),
)
queues = st.sampled_from([None, "default", "gpu", *QUEUES])


@pytest.mark.parametrize("which", range(len(BUILDERS)))
@given(config=configs, queue=queues)
def test_it_is_the_place_of_the_request(which, config, queue):
    service, builder = BUILDERS[which]
    try:
        plan = builder.build(IDENTITY, COMMAND, config, queue)
    except RequestTooLarge:
        return
    except InvalidExecutorConfig:
        # What is wrong elsewhere is no matter of the place.
        event("wrong")
        return
    event("right")
    assert builder.location(config, queue) == plan.location
    assert plan.arguments["cluster" if service == "ecs" else "jobQueue"] == plan.location


@pytest.mark.parametrize("which", range(len(BUILDERS)))
@given(config=configs, queue=queues)
def test_where_the_place_is_wrong_there_is_no_request(which, config, queue):
    builder = BUILDERS[which][1]
    try:
        builder.location(config, queue)
    except InvalidExecutorConfig:
        with pytest.raises(InvalidExecutorConfig):
            builder.build(IDENTITY, COMMAND, config, queue)


class Unread(list):
    """A list that nobody is to look into."""

    def __iter__(self):
        raise AssertionError("it was read")

    __getitem__ = __len__ = __iter__


@pytest.mark.parametrize("which", range(len(BUILDERS)))
@pytest.mark.parametrize(
    "around",
    [
        lambda long: {"environment": long},
        lambda long: {"cluster": "a", "jobQueue": "a", "overrides": long, "containerOverrides": long},
    ],
)
def test_what_does_not_decide_the_place_is_not_read(which, around):
    """Adoption asks it of thousands of rows while the scheduler waits, and they are locked."""
    assert BUILDERS[which][1].location(around(Unread()))


@pytest.mark.parametrize("which", [1, 2, 4])
@pytest.mark.parametrize(
    "around",
    [
        lambda long: {"template": "theirs", "env": long, "environment": long},
        lambda long: {"template": {"cluster": "a", "env": long, "ecs": {"overrides": long}, "batch": {"tags": long}}},
        lambda long: {"template": [{"env": long}, {"tags": long}]},
    ],
)
def test_nor_is_what_a_template_says_beside_it(which, around):
    assert BUILDERS[which][1].location(around(Unread()))
