"""The `awsexec` command line: `commands/` has one module a command, each thin over `aws_exec`."""
