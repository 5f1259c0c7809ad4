"""Airflow's side: what `[core] executor` names. Airflow calls in, events go out; no AWS API is known here."""
