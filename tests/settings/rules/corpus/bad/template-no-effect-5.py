
Operator(executor="batch", executor_config={"template": "small", "spot": True})
