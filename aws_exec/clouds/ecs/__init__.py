"""Amazon ECS as a `Cloud`."""
