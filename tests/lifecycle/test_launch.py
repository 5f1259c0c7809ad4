"""A launch is a submission or a container: who takes one for the other is told so."""

from __future__ import annotations

import pytest

from aws_exec.lifecycle.launch import Container, Launch, Submission
from tests.lifecycle.driver import JOB


def test_a_launch_without_a_container_has_a_submission_and_no_container():
    launch = Launch("L1", "K1")
    assert launch.submission == Submission()
    with pytest.raises(TypeError, match="L1 has no container"):
        _ = launch.container


def test_a_launch_with_a_container_has_no_submission():
    launch = Launch("L1", "K1", state=Container(JOB))
    assert launch.container == Container(JOB)
    with pytest.raises(TypeError, match="L1 has a container"):
        _ = launch.submission
