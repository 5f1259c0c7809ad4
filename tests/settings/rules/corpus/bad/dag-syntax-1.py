x = 1
BashOperator(task_id=)
