from airflow.providers.standard.operators.bash import BashOperator

BashOperator(task_id='load', bash_command='true', executor='AwsEcsExecutor', executor_config={'networkConfiguration': {'awsvpcConfiguration': {'subnets': ['subnet-3']}}})
