"""Checks of a configuration against AWS, with read-only calls: `awsexec validate-config --live`.

`calls` makes the calls; `ecs`, `batch` and `capacity` are the checks; `checks` runs them for a configuration.
"""
