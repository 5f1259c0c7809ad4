
Operator(executor='ecs', executor_config={
    'taskDefinition': 'arn:aws:ecs:eu-central-1:123456789012:cluster/fleet'})
