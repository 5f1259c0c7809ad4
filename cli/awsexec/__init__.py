"""The module that Airflow derives from the name of this distribution, to look for example DAGs in it: it has none.

Airflow 3.3 and 3.4 import it wherever `[core] load_examples` is True, its default, in every task's container too
(`airflow/dag_processing/bundles/manager.py`), and log an error with a traceback if it is missing. The executors are in
`aws_exec`, the command line is in `awsexec_cli`.
"""
