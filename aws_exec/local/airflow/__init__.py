"""A real Airflow as child processes, for the demo and the tests."""
