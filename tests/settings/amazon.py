"""The installed Amazon provider, asked what it would send, and botocore, asked if it would send it."""

from __future__ import annotations

import importlib
import os
import warnings

import pytest


class Conf:
    """As much of Airflow's configuration as the Amazon provider reads."""

    def __init__(self, section, raw):
        self.section = section
        self.raw = raw

    def get(self, section, key, **how):
        assert section == self.section
        return self.raw.get(key, how.get("fallback"))


def module(name, home):
    """One of the Amazon provider's modules of executors, with a home of its own for Airflow."""
    os.environ.setdefault("AIRFLOW_HOME", str(home))
    pytest.importorskip("airflow.providers.amazon")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"airflow.providers.amazon.aws.executors.{name}")


def options(section):
    """What the Amazon provider says of the options of a section."""
    info = pytest.importorskip("airflow.providers.amazon.get_provider_info").get_provider_info()
    return info["config"][section]["options"]


def botocore_faults(service, operation, arguments):
    """What botocore finds wrong with the arguments of a call; empty if nothing."""
    from botocore.loaders import Loader  # noqa: PLC0415 - slow
    from botocore.model import ServiceModel  # noqa: PLC0415 - likewise
    from botocore.validate import ParamValidator  # noqa: PLC0415 - likewise

    model = ServiceModel(Loader().load_service_model(service, "service-2"))
    return ParamValidator().validate(arguments, model.operation_model(operation).input_shape).generate_report()
