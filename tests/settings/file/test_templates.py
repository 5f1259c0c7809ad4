"""Templates: one way of writing, either service; what each term becomes, what lies over what."""

import pytest

from aws_exec.settings import BatchOptions, InvalidExecutorConfig, SubmitJobBuilder
from aws_exec.settings.file.rendering import merged_request
from aws_exec.settings.file.templates import TemplateBook, compiled
from aws_exec.settings.file.terms import SERVICES, Terms, means
from tests.settings.file.conftest import TEMPLATES


@pytest.fixture
def config_of(read):
    """The executor_config of a template."""

    def config_of(name, service, text=TEMPLATES):
        return compiled([level.terms for level in read(text).templates[name]], service)

    return config_of


def resources(**amounts):
    return {"containerOverrides": {"resourceRequirements": [{"type": k, "value": v} for k, v in amounts.items()]}}


def test_the_templates_of_the_design_mean_what_it_says(config_of):
    threads = [{"name": "OMP_NUM_THREADS", "value": "4"}]
    assert config_of("small", "ecs") == {"overrides": {"cpu": "512", "memory": "1024"}}
    assert config_of("small", "batch") == resources(VCPU="0.5", MEMORY="1024")
    assert config_of("nightly", "ecs") == {
        "overrides": {"cpu": "4096", "memory": "16384", "containerOverrides": [{"environment": threads}]},
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
        "tags": [{"key": "team", "value": "risk"}],
    }
    assert config_of("gpu", "batch") == {
        **resources(VCPU="4", MEMORY="16384", GPU="1"),
        "jobQueue": "gpu",
        "timeout": {"attemptDurationSeconds": 7200},
    }
    assert config_of("odd", "ecs") == {
        "overrides": {"cpu": "512", "memory": "1024", "ephemeralStorage": {"sizeInGiB": 50}}
    }
    assert config_of("odd", "batch") == resources(VCPU="0.5", MEMORY="1024"), "raw RunTask arguments are not Batch's"


def test_a_template_for_one_service_is_none_for_the_other(config_of):
    with pytest.raises(InvalidExecutorConfig, match="is for batch, and this is the executor of ecs"):
        config_of("gpu", "ecs")


@pytest.mark.parametrize(
    ("child", "expected"),
    [
        ("{extends: a, cpu: 2}", {"overrides": {"cpu": "2048"}}),
        ("{extends: a, ecs: {overrides: {cpu: '256'}}}", {"overrides": {"cpu": "256"}}),
        ("{extends: a, cpu: null}", {"overrides": {"cpu": None}}),
        ("{extends: r, cpu: 2}", {"overrides": {"cpu": "2048"}}),
        ("{extends: s, launch_type: ec2}", {"launchType": "EC2"}),
        ("{extends: s, spot: false}", {"launchType": "FARGATE"}),
        (
            "{extends: e, env: {A: null, B: 2}}",
            {
                "overrides": {
                    "containerOverrides": [
                        {"environment": [{"name": "A", "value": None}, {"name": "B", "value": "2"}]},
                    ]
                }
            },
        ),
        (
            "{extends: e, ecs: {overrides: {containerOverrides: [{memory: 7}]}}}",
            {"overrides": {"containerOverrides": [{"environment": [{"name": "A", "value": "1"}], "memory": 7}]}},
        ),
    ],
)
def test_the_later_level_wins_whatever_it_is_written_in(config_of, child, expected):
    text = f"""
templates:
  a: {{cpu: 1}}
  r: {{ecs: {{overrides: {{cpu: "512"}}}}}}
  s: {{spot: true}}
  e: {{env: {{A: 1}}}}
  child: {child}
"""
    assert config_of("child", "ecs", text) == expected


@pytest.mark.parametrize("name", sorted(set(Terms.model_fields) - {"executor", "extends", "description", *SERVICES}))
def test_every_term_becomes_something_and_null_deletes_it(name):
    makes = [make for service in SERVICES if (make := means(name, service)) is not None]
    assert makes, "a term that means nothing anywhere"
    for make in makes:
        assert make(None), "null deletes something"


def test_what_is_wrong_with_templates_is_said_where_it_stands(wrong):
    assert wrong("templates:\n  a: {extends: b}\n  b: {extends: a}\n  c: {extends: a}\n") == [
        ("template-extends-cycle", 2, 16)
    ]
    assert wrong("templates:\n  a: {extends: nope}\n") == [("template-extends-unknown", 2, 16)]
    assert wrong("templates:\n  a: {cpus: 1, memory: lots}\n") == [
        ("template-value", 2, 24),
        ("template-unknown-term", 2, 7),
    ]
    assert wrong("templates:\n  a: {spot: true, launch_type: EC2}\n") == [("template-conflict", 2, 19)]
    assert wrong("queues: {q: a}\n") == [("queue-unknown-template", 1, 13)]


def test_a_circle_is_named(read):
    from aws_exec.settings.file import read_file  # noqa: PLC0415 - the fixture wants a file in order

    _, complaints = read_file(b"templates: {a: {extends: b}, b: {extends: c}, c: {extends: a}}", "f", {})
    assert [complaint.message for complaint in complaints] == ["templates.a.extends is a cycle: a -> b -> c -> a"]


@pytest.fixture
def book(read):
    return lambda service, text=TEMPLATES: read(text + "queues: {q: large}\n").book(service)


def test_a_task_names_its_template_or_its_queue_does(book):
    large = {"overrides": {"cpu": "4096", "memory": "16384"}}
    layers = book("ecs").layers
    assert layers(None, None) == layers({}, "unknown") == ()
    assert layers({"a": 1}, None) == ({"a": 1},)
    assert [layer["overrides"]["cpu"] for layer in layers(None, "q")] == ["4096"]
    assert layers({"template": "small"}, "q") == ({"overrides": {"cpu": "512", "memory": "1024"}},), "the task decides"
    assert layers({"template": None}, "q") == (), "and may want none"
    template, rest = layers({"template": "small", "memory": "24GiB", "propagateTags": "NONE"}, None)
    assert template == {"overrides": {"cpu": "512", "memory": "24576"}}
    assert rest == {"propagateTags": "NONE"}
    assert layers({"template": {"cpu": 4, "memory": "16GiB"}}, None) == (large,)
    assert layers({"template": [{"cpu": 1, "memory": "16GiB"}, {"cpu": 4}]}, None) == (large,)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"template": "lrge"}, "template: lrge is not known in awsexec.yaml. Did you mean large?"),
        ({"template": "gpu"}, "is for batch"),
        ({"template": 3}, "of type int"),
        ({"template": "small", "memory": "x"}, "memory: is not an amount of memory"),
        ({"template": {"cpus": 1}}, "template.cpus: is not a term"),
        ({"template": "small", "env": ["A=1"]}, "env: is not a mapping of names to texts"),
        ({"template": "small", "env": {"A": [1]}}, "env: has a value for A that is no text"),
    ],
)
def test_a_template_that_is_none_fails_that_task(book, config, said):
    with pytest.raises(InvalidExecutorConfig) as caught:
        book("ecs").layers(config, None)
    assert said in str(caught.value)


def test_without_a_file_every_template_is_unknown():
    with pytest.raises(InvalidExecutorConfig, match=r"there is no awsexec\.yaml"):
        TemplateBook("ecs").layers({"template": "large"}, None)


def test_a_change_to_a_template_cannot_name_another_template(read, identity):
    builder = SubmitJobBuilder(
        BatchOptions(job_queue="q", job_definition="d"), templates=read(TEMPLATES).book("batch", None)
    )
    with pytest.raises(InvalidExecutorConfig, match="template: is not a term"):
        merged_request(builder, identity, "large", {"template": "small"})
