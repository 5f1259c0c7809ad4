"""What AWS says of a configuration: read-only calls for `awsexec validate-config --live`. Changes nothing at AWS.

`asking` makes the calls and knows what an answer is; `ecs` and `batch` know what to ask, and what has to be so.
"""
