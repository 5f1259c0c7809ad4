"""What the tests of awsexec.yaml share: the file of the design, read."""

from __future__ import annotations

import pytest

from aws_exec.settings.file import read_file

#: The templates of DESIGN.md, section 7.
TEMPLATES = """
templates:
  small:   {cpu: 0.5, memory: 1GiB}
  large:   {cpu: 4, memory: 16GiB, env: {OMP_NUM_THREADS: "4"}}
  nightly: {extends: large, spot: true, tags: {team: risk}}
  gpu:     {executor: batch, cpu: 4, memory: 16GiB, gpu: 1, job_queue: gpu, timeout: 2h}
  odd:     {extends: small, ecs: {overrides: {ephemeralStorage: {sizeInGiB: 50}}}}
"""


@pytest.fixture
def read():
    """What a file says; it must be in order."""

    def read(text, **environment):
        file, complaints = read_file(text.encode(), "awsexec.yaml", environment)
        assert [str(complaint) for complaint in complaints] == []
        return file

    return read


@pytest.fixture
def wrong():
    """What is wrong with a file: rule, line, column."""

    def wrong(text, **environment):
        content = text if isinstance(text, bytes) else text.encode()
        _, complaints = read_file(content, "awsexec.yaml", environment)
        return [(complaint.rule, complaint.position.line, complaint.position.column) for complaint in complaints]

    return wrong
