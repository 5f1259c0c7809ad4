from airflow.providers.standard.operators.bash import BashOperator

BashOperator(task_id='load', bash_command='true', executor='AwsBatchExecutor', executor_config={'containerOverrides': {'memory': 2048}})
