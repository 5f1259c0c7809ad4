import aws_exec
from airflow.providers.standard.operators.bash import BashOperator

SMALL = aws_exec.template('small', memory='4GiB')
BashOperator(task_id='a', bash_command='true', executor_config={'template': 'small', 'memory': '4GiB'})
BashOperator(task_id='b', bash_command='true', executor='AwsBatchExecutor', executor_config={'template': 'gpu'})
