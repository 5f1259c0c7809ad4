"""Options and requests of `AwsEcsExecutor`."""
