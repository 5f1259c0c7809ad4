"""Metrics: their catalogue, and the meter that the parts of the executors record with. Knows no Airflow and no AWS.

`catalogue` is the one list of metrics: the executors emit it, `docs/metrics.md` shows it, the tests check it. Adapters,
lanes and executors record with a `meter.Meter`; `meter.Tally` adds the values up, and `aws_exec.executors.metrics`
passes them to Airflow's stats.
"""
