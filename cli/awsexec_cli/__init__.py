"""The command line that operates the fleet: one module per command, thin over `aws_exec`."""
