Operator(executor='ecs', executor_config={'networkConfiguration': {'awsvpcConfiguration': {'subnets': ['subnet-1 subnet-2', 'subnet-1']}}})
