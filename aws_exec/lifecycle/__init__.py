"""The pure core: what happens to a launch, as events in and effects out.

No I/O, clock, thread, log or randomness, and no import of Airflow or boto3; import-linter enforces this. `machine.py`
decides; `store.py` keeps the launches; `policy.py` has the durations and limits; `values.py`, `events.py` and
`effects.py` are the vocabulary.
"""

from aws_exec.lifecycle.machine import Machine
from aws_exec.lifecycle.policy import Policy

__all__ = ["Machine", "Policy"]
