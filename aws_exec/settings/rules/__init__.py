"""What a configuration must hold, beyond being well-formed: the rules of `awsexec validate-config`. Pure, no network.

`catalogue` has every rule, as data. `check` looks at one `configuration`, by the code that the executors run: the
checks on what would be sent are in `fargate`, `jobs`, `containers`, `options` and `spelling`, `dags` finds what DAG
files say. `origins` knows where each part of a request was written. `sources` reads the files that form a
configuration, and `check_sources` says everything that is wrong with them: who only reads imports no rule.
"""
