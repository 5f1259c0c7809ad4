"""The demo: a real Airflow runs a real DAG on containers of the embedded AWS, and shows what ran where."""
