"""The emulator's Amazon ECS."""
