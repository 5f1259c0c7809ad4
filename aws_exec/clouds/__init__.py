"""AWS's side: the `Cloud` protocol, an adapter for each service, sessions, calls, errors.

An adapter raises `CloudError` only; the dispatcher (`aws_exec.dispatch`), which calls it, makes an event of that.
"""
