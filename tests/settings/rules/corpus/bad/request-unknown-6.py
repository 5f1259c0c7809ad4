LARGE = {'launchTyp': 'EC2'}
Operator(executor='ecs', executor_config=LARGE)
