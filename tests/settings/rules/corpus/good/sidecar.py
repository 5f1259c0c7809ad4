from airflow.providers.standard.operators.bash import BashOperator

BashOperator(task_id='a', bash_command='true', executor='AwsEcsExecutor', executor_config={'overrides': {'containerOverrides': [{'name': 'airflow', 'memory': 1024}, {'name': 'envoy', 'environment': [{'name': 'A', 'value': 'b'}]}]}})
