"""What a client costs beside the one that is wanted: a tenth of a second, for each of a thousand of them.

botocore reads its models from their files for every session anew; the Amazon provider's hook looks through the stack,
and all modules there are, for the name of the class that builds one. Neither is what the tests are about.
"""

from __future__ import annotations

from functools import cache

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from botocore.loaders import JSONFileLoader


@pytest.fixture(scope="session", autouse=True)
def cheap_clients():
    """A model is read once; who builds a client is not looked for."""
    read = cache(JSONFileLoader().load_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: read(path))
        patch.setattr(AwsGenericHook, "_get_caller", lambda *_: "Unknown")
        yield
