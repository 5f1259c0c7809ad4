"""What counts as a complaint of ours in a log; `test_dags` looks for them."""

import json

import pytest

from tests.e2e import logs


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("2026-11-30T17:29:50Z [error    ] Could not load provider module awsexec for example DAG discovery", True),
        ("2026-11-30T17:29:50Z [info     ] DAG bundles loaded: awsexec", False),
        ("2026-11-30T17:29:50Z [warning  ] Something else [airflow.jobs]", False),
        (json.dumps({"level": "warning", "logger": "aws_exec.dispatch.lane", "event": "slow"}), True),
        (json.dumps({"level": "info", "logger": "aws_exec.dispatch.lane", "event": "quick"}), False),
        ('2026 [error ] It failed\nTraceback (most recent call last):\n  File "/x/aws_exec/clouds/lane.py"', True),
    ],
)
def test_a_complaint_of_ours_is_seen(tmp_path, line, complaint):
    (tmp_path / "a.log").write_text(line + "\n")
    assert bool(logs.complaints(tmp_path, {})) is complaint
