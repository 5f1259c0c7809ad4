"""Options and requests of `AwsBatchExecutor`."""
