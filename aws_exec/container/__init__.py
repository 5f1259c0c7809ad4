"""What runs in the task's container: the task's outcome as exit code, and the usage record.

`python -m aws_exec.container --json-string JSON` takes the place of Airflow's `execute_workload`, with the same words.
The first process (`parent`, standard library only) is PID 1; Airflow's supervisor runs in its child (`supervisor`).
Nothing in here may cost a task: whatever fails in this package is logged, and Airflow's own module runs without it.

Importing this package imports nothing: in an image with awsexec the bootstrap imports it before anything else.
"""
