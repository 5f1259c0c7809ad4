"""AWS's side: one small `Cloud` protocol, an adapter for each service, and the dispatcher that calls them.

Exceptions stop here: an adapter raises `CloudError` only, and the dispatcher makes an event of it.
"""
