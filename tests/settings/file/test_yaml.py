"""YAML is read with the place of everything in it, and nothing that it may hold does any harm."""

import pytest

from aws_exec.settings.file.discovery import read_bytes
from aws_exec.settings.file.positions import Position
from aws_exec.settings.file.yaml_text import MOST_BYTES, read_yaml


def test_every_key_and_value_has_its_place():
    document, complaints = read_yaml(b"a:\n  b: [1, two]\n", "f")

    assert (document.data, complaints) == ({"a": {"b": [1, "two"]}}, [])
    assert document.key(("a", "b")) == Position("f", 2, 3)
    assert document.value(("a", "b", 1)) == Position("f", 2, 10)
    assert document.value(("a", "b", 1)).width == 3
    assert document.value(("a", "c", "d")) == Position("f", 2, 3), "what is not there is where it would be"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("no", "no"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("true", True),
        ("~", None),
        ("1_000", "1_000"),
        ("0.5", 0.5),
        ("-3", -3),
        ("'3'", "3"),
        ("012345678901", "012345678901"),
        ("1.10", "1.10"),
        ("1e3", "1e3"),
        ("+49", "+49"),
        ("12345678901234567890", "12345678901234567890"),
        ("1.0", 1.0),
        ("0x10", "0x10"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_scalar_is_what_json_has_in_its_usual_form_and_else_text(written, read):
    document, _ = read_yaml(f"a: {written}".encode(), "f")
    assert document.data == {"a": read}


def test_what_is_written_out_wins_over_what_an_anchor_brings_in():
    document, complaints = read_yaml(b"a: &a {x: 1, y: 2}\nb:\n  y: 3\n  <<: *a\n", "f")

    assert (document.data["b"], complaints) == ({"x": 1, "y": 3}, [])
    assert (document.value(("b", "x")), document.value(("b", "y"))) == (Position("f", 1, 11), Position("f", 3, 6))


BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(12)
)


@pytest.mark.parametrize(
    ("content", "rule", "line", "column"),
    [
        (BOMB, "yaml-limits", 1, 4),
        (b"[" * 500, "yaml-limits", 1, 42),
        (b"#" * (MOST_BYTES + 1), "file-unreadable", 1, 1),
        (b"a: [" + b"x," * 50_000 + b"x]", "yaml-limits", 1, 4 + 2 * 19_997 + 1),
        (b"a: b\nc: \xff", "file-unreadable", 2, 4),
        ("a: b".encode("utf-16"), "file-unreadable", 1, 1),
        (b"a: 1\na: 2", "yaml-duplicate-key", 2, 1),
        (b"a: !!python/object:os.system x", "yaml-tag", 1, 4),
        (b"a: *nobody", "yaml-syntax", 1, 4),
        (b"a: &a [*a]", "yaml-syntax", 1, 8),
        (b"a: 1\n---\nb: 2", "yaml-syntax", 2, 1),
        (b"a: {b", "yaml-syntax", 1, 6),
        (b"? [a]\n: 1", "yaml-key", 1, 3),
        (b"<<: 3", "yaml-syntax", 1, 1),
        (b"a: \x01", "yaml-syntax", 1, 4),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_read_is_said_once_and_where(content, rule, line, column):
    _, complaints = read_yaml(content, "f")
    assert [(c.rule, c.position.line, c.position.column) for c in complaints] == [(rule, line, column)]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("${A}", "1"),
        ("x${A}y", "x1y"),
        ("${B:-two}", "two"),
        ("${E:-two}", "two"),
        ("${E}", ""),
        ("$${A}", "${A}"),
        ("$A", "$A"),
        ("${A:-}", "1"),
        ("${B:-}", ""),
    ],
)
def test_a_variable_stands_for_its_value(text, read):
    document, complaints = read_yaml(f"a: '{text}'".encode(), "f", {"A": "1", "E": ""})
    assert (document.data, complaints) == ({"a": read}, [])


def test_a_plain_scalar_is_what_its_variable_makes_of_it():
    document, _ = read_yaml(b"a: ${A}\nb: '${A}'\n", "f", {"A": "1"})
    assert document.data == {"a": 1, "b": "1"}


@pytest.mark.parametrize(("text", "rule"), [("${NOPE}", "variable-unset"), ("${}", "variable-syntax")])
def test_a_variable_that_is_none_is_said(text, rule):
    _, complaints = read_yaml(f"a: '{text}'".encode(), "f", {})
    assert [(c.rule, c.position.line, c.position.column) for c in complaints] == [(rule, 1, 4)]


def test_of_a_file_that_is_too_long_no_length_is_told_that_was_not_looked_at(tmp_path):
    path = tmp_path / "awsexec.yaml"
    path.write_bytes(b"#" * (MOST_BYTES + 2))
    content, _ = read_bytes(path)
    _, (complaint,) = read_yaml(content, str(path))

    assert complaint.message == "is longer than 1,048,576 bytes, and no more are read"
