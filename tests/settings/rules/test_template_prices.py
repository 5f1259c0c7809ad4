"""A template has a price where the request that it makes is for Fargate; where only AWS knows, the price is an `if`."""

import pytest

from aws_exec.settings.common.prices import Prices
from aws_exec.settings.file.reading import read_file
from aws_exec.settings.rules.airflow_text import of_environment
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.costs import summaries

PRICES = Prices(vcpu=1.0, gb=0.1, storage_gb=0.01, spot_share=0.25)
#: A task of this size costs 1.2 an hour, on Spot a quarter.
SMALL = "{cpu: 1, memory: 2GiB}"
ECS = "cluster: c, container_name: airflow, task_definition: t"
BATCH = "job_queue: q, job_definition: j"
SPOT, DEMAND, MINE = (f"{{capacityProvider: {name}, weight: 1}}" for name in ("FARGATE_SPOT", "FARGATE", "mine"))


def costs(text, environment=None):
    """Of each template, whether it runs on Fargate (None: not known), and what it costs."""
    return {row["name"]: (row["fargate"], row["cost_per_hour"]) for row in rows(text, environment)}


def rows(text, environment=None):
    file, complaints = read_file(text.encode(), "f", {})
    assert complaints == []
    return summaries(Configuration(file, [of_environment(environment or {})]), PRICES)


def on_ecs(more, terms=SMALL):
    return costs(f"ecs: {{{ECS}{more}}}\ntemplates: {{s: {terms}}}\n")["s"]


def on_batch(terms, more=""):
    return costs(f"batch: {{{BATCH}{more}}}\ntemplates: {{s: {terms}}}\n")["s"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (", launch_type: FARGATE", (True, 1.2)),
        (f", capacity_provider_strategy: [{DEMAND}]", (True, 1.2)),
        (f", capacity_provider_strategy: [{SPOT}]", (True, 0.3)),
        (f", capacity_provider_strategy: [{SPOT}, {DEMAND}]", (True, 1.2)),
        ("", (None, 1.2)),
        (", launch_type: EC2", (False, None)),
        (", launch_type: EXTERNAL", (False, None)),
        (f", capacity_provider_strategy: [{MINE}]", (False, None)),
        (", run_task_kwargs: {placementStrategy: [{type: random}]}", (False, None)),
    ],
    ids=["launch type", "on demand", "Spot", "some Spot", "nobody says", "EC2", "EXTERNAL", "own", "placed"],
)
def test_the_options_say_where_a_task_runs_and_with_that_whether_it_has_a_price(more, expected):
    assert on_ecs(more) == expected


def test_an_executor_that_airflow_does_not_start_has_no_part_in_the_price():
    text = f"ecs: {{{ECS}, launch_type: FARGATE}}\nbatch: {{{BATCH}}}\ntemplates: {{s: {SMALL}}}\n"
    assert costs(text)["s"] == (None, 1.2)
    assert costs(text, {"AIRFLOW__CORE__EXECUTOR": "aws_exec.AwsEcsExecutor"})["s"] == (True, 1.2)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("{cpu: 1, memory: 2GiB, spot: true}", (True, 0.3)),
        ("{cpu: 1, memory: 2GiB, spot: false}", (True, 1.2)),
        ("{cpu: 1, memory: 2GiB, launch_type: FARGATE, ephemeral_storage: 30}", (True, 1.3)),
        ("{cpu: 1, memory: 2GiB, ecs: {overrides: {cpu: '2048', memory: '4096'}, launchType: FARGATE}}", (True, 2.4)),
        ("{cpu: 1, memory: 2GiB, capacity_provider: other}", (False, None)),
    ],
    ids=["Spot", "not Spot", "disk", "raw", "own"],
)
def test_a_template_that_says_where_it_runs_wins_over_instances_of_the_options(terms, expected):
    assert on_ecs(f", capacity_provider_strategy: [{MINE}]", terms) == expected


@pytest.mark.parametrize("more", [", launch_type: FARGATE", ""], ids=["Fargate", "nobody says"])
@pytest.mark.parametrize(
    "terms", ["{cpu: 1, memory: 900MiB}", "{cpu: 1, memory: 2GiB, gpu: 1}"], ids=["no size of Fargate's", "GPU"]
)
def test_what_fargate_does_not_have_has_no_price_of_fargates(more, terms):
    assert on_ecs(more, terms) == (False, None)
    assert on_batch(terms) == (False, None)


def test_what_only_a_job_queue_knows_has_the_price_that_it_has_on_fargate():
    assert on_batch(SMALL) == (None, 1.2)
    assert on_batch("{batch: {containerOverrides: {vcpus: 1, memory: 2048}}}") == (None, 1.2)
    assert on_batch("{cpu: 1, memory: 2GiB, spot: true}") == (None, 1.2), "to Batch, that term means nothing"


def test_a_job_of_several_containers_has_no_price_what_the_others_need_is_not_known():
    assert on_batch(SMALL, ", container_name: airflow") == (None, None)
    assert on_batch("{cpu: 1, memory: 2GiB, gpu: 1}", ", container_name: airflow") == (False, None)


def test_what_is_no_number_has_no_price():
    text = '{batch: {containerOverrides: {resourceRequirements: [{type: VCPU, value: "one"}]}}, memory: 2GiB}'

    assert on_batch(text) == (None, None)


@pytest.mark.parametrize("terms", ["{}", "{cpu: 1}", "{memory: 2GiB}"])
def test_without_a_size_there_is_no_price_unless_the_options_say_the_rest(terms):
    assert on_ecs(", launch_type: FARGATE", terms) == (True, None)
    assert on_batch(terms) == (None, None)
    rest = ", launch_type: FARGATE, run_task_kwargs: {overrides: {cpu: '1024', memory: '2048'}}"
    assert on_ecs(rest, terms) == (True, 1.2)


def test_a_template_for_both_has_the_price_that_is_certain_and_holds_if_all_of_it_is_on_fargate():
    templates = "templates: {s: %s, e: {extends: s, executor: ecs}, b: {extends: s, executor: batch}}\n"
    both = "ecs: {%s, %s}\nbatch: {%s}\n" + templates
    spot = f"capacity_provider_strategy: [{SPOT}]"

    assert costs(both % (ECS, spot, BATCH, SMALL)) == {"s": (None, 0.3), "e": (True, 0.3), "b": (None, 1.2)}
    own = costs(both % (ECS, "launch_type: EC2", BATCH, SMALL))
    assert own == {"s": (None, 1.2), "e": (False, None), "b": (None, 1.2)}


def test_the_executors_of_teams_count_too_and_of_two_prices_the_higher():
    text = "ecs: {%s, %s}\nteams: {risk: {ecs: {%s, launch_type: FARGATE}}}\ntemplates: {s: %s}\n"

    assert costs(text % (ECS, f"capacity_provider_strategy: [{SPOT}]", ECS, SMALL)) == {"s": (True, 1.2)}
    assert costs(text % (ECS, "launch_type: EC2", ECS, SMALL)) == {"s": (None, 1.2)}


def test_what_airflow_says_counts_over_the_file():
    text = f"ecs: {{{ECS}, launch_type: FARGATE}}\ntemplates: {{s: {SMALL}}}\n"

    assert costs(text, {"AIRFLOW__AWS_ECS_EXECUTOR__LAUNCH_TYPE": "EC2"}) == {"s": (False, None)}


def test_where_no_executor_is_configured_or_could_start_the_templates_have_a_price_all_the_same():
    template = "templates: {s: %s, c: {extends: s, spot: true}, e: {extends: s, executor: ecs, launch_type: EC2}}\n"
    expected = {"s": (None, 1.2), "c": (None, 0.3), "e": (False, None)}

    assert costs(template % SMALL) == expected
    assert costs("ecs: {launch_type: FARGATE}\nbatch: {}\n" + template % SMALL) == expected


def test_what_cannot_be_sent_or_has_no_executor_is_shown_as_it_is_written():
    templates = "{s: {cpu: 1, memory: 2GiB, tags: {'aws:x': y}}, b: {executor: batch, cpu: 1}}"
    text = f"ecs: {{{ECS}}}\ntemplates: {templates}\n"
    told = {row.pop("name"): row for row in rows(text)}
    nothing = {"extends": None, "gpu": None, "spot": None, "fargate": None, "cost_per_hour": None, "description": None}

    assert told["s"] == {**nothing, "executor": None, "cpu": 1.0, "memory_mib": 2048}
    assert told["b"] == {**nothing, "executor": "batch", "cpu": 1.0, "memory_mib": None}


def test_the_size_that_is_shown_is_the_one_that_is_priced():
    text = f"""\
ecs: {{{ECS}, capacity_provider_strategy: [{SPOT}], run_task_kwargs: {{overrides: {{cpu: "1024", memory: "2048"}}}}}}
templates: {{s: {{description: any}}, raw: {{cpu: 1, ecs: {{overrides: {{cpu: "2048", memory: "4096"}}}}}}}}
"""
    shown = [(row["cpu"], row["memory_mib"], row["spot"], row["cost_per_hour"]) for row in rows(text)]

    assert shown == [(1.0, 2048, True, 0.3), (2.0, 4096, True, 0.6)]


def test_the_gpus_of_a_request_are_shown_also_where_no_term_says_them():
    gpus = "{resourceRequirements: [{type: GPU, value: '2'}]}"
    both = gpus.replace("[", "[{type: InferenceAccelerator, value: '3'}, ")
    ecs = f"ecs: {{{ECS}}}\ntemplates: {{s: {{ecs: {{overrides: {{containerOverrides: [{both}]}}}}}}}}\n"
    batch = f"batch: {{{BATCH}}}\ntemplates: {{s: {{batch: {{containerOverrides: {gpus}}}}}}}\n"

    assert [row["gpu"] for row in (*rows(ecs), *rows(batch))] == [2, 2]
