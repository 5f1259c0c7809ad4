"""What is measured, and the seam by which the parts of the executors tell of it. Pure: knows neither Airflow nor AWS.

`catalogue` is the one list of metrics: what is emitted, what `docs/metrics.md` shows and what the tests look for all
come from it. `meter.Meter` is what the adapters, the lanes and the executors are given to tell; `meter.Tally` collects.
`aws_exec.executors.metrics` hands it to Airflow's stats.
"""
