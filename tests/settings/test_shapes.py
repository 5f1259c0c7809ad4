"""botocore's model of a call, as far as requests are checked against it."""

from __future__ import annotations

import pytest

from aws_exec.settings import shape
from aws_exec.settings.shape import SUBMIT_JOB, conform, shape_of


@pytest.mark.parametrize("text", [None, "[", r"\p{Cntrl}+", "(?<name>x)"])
def test_a_pattern_that_python_cannot_express_is_left_to_aws(text):
    assert shape._pattern(text) is None


def test_a_pattern_that_python_can_express_is_checked():
    assert shape._pattern("[a-z]+").fullmatch("abc")


@pytest.mark.parametrize("value", [["team"], "team", 3])
def test_what_takes_names_and_values_takes_nothing_else(value):
    request = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d", "parameters": value}
    (finding,) = conform(request, shape_of(SUBMIT_JOB), operation=SUBMIT_JOB).findings
    assert finding.path == "parameters"
    assert "expected an object" in finding.message
