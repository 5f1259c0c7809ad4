"""Airflow's side: the executors that `[core] executor` names. No AWS API is used here."""
