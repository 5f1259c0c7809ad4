"""The rules of `awsexec validate-config`, beyond well-formed files. Pure, no network.

`catalogue` has every rule, as data. `check` checks one `configuration`, with the code that the executors run: the rules
for requests are in `fargate`, `jobs`, `containers`, `options` and `spelling`, those for DAG files in `dags`. `origins`
has the position of each part of a request. `sources` reads the files of a configuration, and `check_sources` reports
all mistakes: code that only reads imports no rule.
"""
