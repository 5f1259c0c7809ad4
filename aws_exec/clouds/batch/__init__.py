"""AWS Batch as a `Cloud`."""
