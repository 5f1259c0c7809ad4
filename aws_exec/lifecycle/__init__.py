"""The pure core: what happens to a launch, as events in and effects out.

No I/O, clock, thread, log or randomness in here, and no import of Airflow or boto3; import-linter holds it.
`machine.py` decides; `store.py` remembers; `policy.py` says how long and how often; `values.py`, `events.py` and
`effects.py` are the vocabulary.
"""

from aws_exec.lifecycle.machine import Machine
from aws_exec.lifecycle.policy import Policy

__all__ = ["Machine", "Policy"]
