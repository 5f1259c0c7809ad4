"""The benchmark behind docs/benchmarks.md: the Amazon provider's executors and ours against the same scripted AWS.

`python -m bench` runs it (`make bench`). Each run is one measure of one implementation in a process of its own
(`worker`), which starts the scripted service in another one. What a run calls of an executor is Airflow's interface
only (`driver`), the same for both.
"""
