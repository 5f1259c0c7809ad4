"""What is literal in a DAG file is read: names that are bound once, `dict(...)`, and what is composed of them."""

import time

import pytest

from aws_exec.settings.file.positions import Position
from aws_exec.settings.rules.dags import written_in


def configs(text):
    """The data of each executor_config of a DAG file; where a computed one is."""
    found, complaints = written_in(text.encode(), "dag.py")
    assert complaints == []
    return [str(one) if isinstance(one, Position) else one.located.data for one in found]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("C = {'a': 1}\nOperator(executor_config=C)", {"a": 1}),
        ("C: dict = {'a': 1}\nD = C\nOperator(executor_config=D)", {"a": 1}),
        ("Operator(executor_config=dict(a=1, b=[-2, 'c']))", {"a": 1, "b": [-2, "c"]}),
        ("Operator(executor_config=dict({'a': 1}, b=2))", {"a": 1, "b": 2}),
        ("B = {'b': 2}\nOperator(executor_config={'a': B, **B})", {"a": {"b": 2}, "b": 2}),
        ("B = {'b': 2}\nOperator(executor_config=dict(b=1, **B) | {'c': 3})", {"b": 2, "c": 3}),
        ("K = 'a'\nOperator(executor_config={K: 1})", {"a": 1}),
        ("def f():\n    C = {'a': 1}\n    Operator(executor_config=C)", {"a": 1}),
        ("default_args = dict(executor_config={'a': 1})", {"a": 1}),
        ("Operator(executor_config={'a': 1, **computed()})", {"a": 1}),
        ("Operator(executor_config={'a': 1, computed(): 2})", {"a": 1}),
        ("Operator(executor_config={'a': 1, 2.5: 2})", {"a": 1}),
        ("computed()['a'] = 2\nOperator(executor_config={'a': 1})", {"a": 1}),
    ],
)
def test_a_literal_is_read_however_it_is_written(text, data):
    assert configs(text) == [data]


@pytest.mark.parametrize(
    "text",
    [
        "C = {'a': 1}\nC = {'b': 1}\nOperator(executor_config=C)",
        "C = {'a': 1}\nC['a'] = 2\nOperator(executor_config=C)",
        "C = {'a': {'b': 1}}\nC['a'].update(b=2)\nOperator(executor_config=C)",
        "C = {'a': 1}\nC |= computed()\nOperator(executor_config=C)",
        "C = {'a': 1}\ndef f(C):\n    Operator(executor_config=C)",
        "C = {'a': 1}\nfrom settings import C\nOperator(executor_config=C)",
        "C = {'a': 1}\nfor C in computed():\n    Operator(executor_config=C)",
        "C = {'a': 1}\nimport C.settings\nOperator(executor_config=C)",
        "C = {'a': 1}\nmatch computed():\n    case C:\n        Operator(executor_config=C)",
        "C = {'a': 1}\nmatch computed():\n    case [*C]:\n        Operator(executor_config=C)",
        "C = {'a': 1}\nmatch computed():\n    case {'b': 1, **C}:\n        Operator(executor_config=C)",
        "C = {'a': 1}\ntry:\n    Operator(executor_config=C)\nexcept E as C:\n    pass",
        "C = computed()\nOperator(executor_config=C)",
        "Operator(executor_config=C)",
    ],
)
def test_what_may_be_something_else_by_then_is_left_out_and_found_all_the_same(text):
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "executor_config" in each)
    (where,) = configs(text)
    assert where.startswith(f"dag.py:{line}:")


@pytest.mark.parametrize(
    "text", ["Operator(executor_config=None)", "from aws_exec import template as t\nOperator(executor_config=t('a'))"]
)
def test_what_is_nothing_or_a_template_is_not_computed(text):
    assert [one for one in configs(text) if isinstance(one, str)] == []


def test_an_executor_config_that_is_put_into_a_dictionary_is_read():
    assert configs("ARGS['executor_config'] = {'a': 1}\nOperator(**ARGS)") == [{"a": 1}]


def test_a_finding_is_where_the_literal_is():
    (written,), _ = written_in(
        b"TAGS = {'t': 1}\nC = dict(\n    tags=TAGS)\nOperator(executor_config=C, executor=E)\nE = 'b'", "dag.py"
    )

    assert [str(written.located.key(path)) for path in (("tags",), ("tags", "t"))] == ["dag.py:3:5", "dag.py:1:9"]
    assert str(written.located.value(("tags", "t"))) == "dag.py:1:14"
    assert written.executor == "b"


def test_what_holds_itself_and_what_grows_is_read_to_an_end():
    lines = ["A = {'x': [A], **A}", "B = B", "X0 = {'a': 1}"]
    lines += [f"X{number} = {{'l': X{number - 1}, 'r': X{number - 1}, **X{number - 1}}}" for number in range(1, 60)]
    lines += [f"Operator(executor_config={name})" for name in ("A", "B", "X59")]
    before = time.process_time()

    assert len(configs("\n".join(lines))) == 3
    assert time.process_time() - before < 5
