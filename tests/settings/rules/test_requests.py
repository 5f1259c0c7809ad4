"""Which requests live checks are made of: what the executors would send, and nothing that they would not."""

from __future__ import annotations

from aws_exec.settings.file import read_file
from aws_exec.settings.rules.check import Checked
from aws_exec.settings.rules.configuration import Configuration

FILE = b"""
ecs: {cluster: c, container_name: a, task_definition: t}
batch: {job_queue: q, job_definition: d}
templates:
  small: {executor: ecs, cpu: 1, memory: 2GiB}
  wrong: {executor: ecs, ecs: {startedBy: me}}
  other: {executor: batch, cpu: 1, memory: 2GiB}
"""


def test_they_are_the_base_and_each_template_that_can_be_sent_where_it_is_written():
    file, _ = read_file(FILE, "awsexec.yaml", {})
    checked = Checked(Configuration(file), "ecs", None)
    base, small = checked.requests(checked.section())
    assert "cpu" not in base[0]["overrides"]
    assert small[0]["overrides"]["cpu"] == "1024"
    assert small[2].line == 5
