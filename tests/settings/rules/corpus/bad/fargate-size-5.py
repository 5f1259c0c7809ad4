from airflow.providers.standard.operators.bash import BashOperator

BashOperator(task_id='load', bash_command='true', executor='AwsEcsExecutor', executor_config={'overrides': {'cpu': '300'}})
