x = 1
BashOperator(task_id=1 1)
