from airflow.providers.standard.operators.bash import BashOperator

BashOperator(task_id='load', bash_command='true', executor='AwsBatchExecutor', executor_config={'job_queue': 'a', 'jobQueue': 'b'})
