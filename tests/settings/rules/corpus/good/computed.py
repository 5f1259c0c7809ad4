import os
from airflow.providers.standard.operators.bash import BashOperator

BashOperator(task_id='a', bash_command='true', executor_config=dict(os.environ))
BashOperator(task_id='b', bash_command='true', executor_config={'overrides': {'cpu': os.environ['CPU'], 'memory': '2048'}}, executor='AwsEcsExecutor')
DEFAULTS = {'executor_config': {'tags': [{'key': 'team', 'value': 'risk'}]}}
