"""Files have at most 800 lines; functions have at most 40 beside their docstring."""

from __future__ import annotations

import ast

from tests.tree import ROOT

#: The corpus is made of faults, some of which Python cannot read; a DAG is one function, with its tasks inside.
FILES = [
    path
    for folder in ("aws_exec", "bench", "cli", "docs", "tests")
    for path in (ROOT / folder).rglob("*.py")
    if not {"corpus", "dags"} & set(path.parts)
]
FILE, FUNCTION = 800, 40


def lines_of(function):
    """How many lines the body has; the docstring is not code, and one argument a line is read at a glance."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function) is not None and len(function.body) > 1
    return function.end_lineno - (function.body[1] if has_docstring else first).lineno + 1


def long_functions(text):
    """The functions of a source that do not fit, each with its length."""
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [(each.name, lines_of(each)) for each in functions if lines_of(each) > FUNCTION]


def test_no_file_is_too_long():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert {path: length for path, length in lengths.items() if length > FILE} == {}


def test_no_function_is_too_long():
    found = {str(path.relative_to(ROOT)): long_functions(path.read_text("utf-8")) for path in FILES}
    assert {path: functions for path, functions in found.items() if functions} == {}


def test_a_function_is_measured_without_its_docstring():
    body = "    x = 1\n" * FUNCTION
    assert long_functions(f'def a():\n    """Say.\n\n    More.\n    """\n{body}') == []
    assert long_functions(f'def a():\n    """Say."""\n{body}    return x\n') == [("a", FUNCTION + 1)]
