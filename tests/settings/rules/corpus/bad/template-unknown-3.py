Operator(executor='ecs', executor_config=dict(template='smal'))
