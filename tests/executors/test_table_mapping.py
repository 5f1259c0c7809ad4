"""Airflow's tables are mapped before any lane may ask for rows: a lane that did it could wait for ever."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, threading
from aws_exec import AwsEcsExecutor

start, seen = threading.Thread.start, []

def noting(thread):
    if thread.name.startswith("awsexec-"):
        models = sys.modules.get("airflow.models.taskinstance")
        mapped = models is not None and models.TaskInstance.__mapper__.configured
        seen.append(mapped and "airflow.models.renderedtifields" in sys.modules)
    start(thread)

threading.Thread.start = noting
executor = AwsEcsExecutor()
executor.start()
executor.end()
print(len(seen) > 3 and all(seen), file=sys.stderr)
"""


def test_no_thread_of_ours_starts_before(configured):
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr.splitlines()[-1] == "True"
