from airflow.providers.standard.operators.bash import BashOperator

BashOperator(task_id='load', bash_command='true', executor_config={'template': 'small', 'memory': 'lots'})
