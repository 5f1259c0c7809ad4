"""The quotas of AWS Fargate in Service Quotas, which moto does not have."""

from __future__ import annotations

from typing import Any

from moto.servicequotas import urls
from moto.servicequotas.models import ServiceQuotasBackend, servicequotas_backends

from aws_exec.local.ready import VCPUS, Names


class Quotas(ServiceQuotasBackend):
    """moto's quotas, and those of Fargate: as many vCPUs as the compute environment has."""

    #: moto looks for it in the package of the class.
    _url_module = urls

    def get_service_quota(self, service_code: str, quota_code: str) -> dict[str, Any]:
        """Return a quota, in the shape of GetServiceQuota."""
        if service_code != "fargate":
            quota: dict[str, Any] = super().get_service_quota(service_code, quota_code)
            return quota
        return {"ServiceCode": service_code, "QuotaCode": quota_code, "Value": float(VCPUS), "Unit": "None"}


def make_quotas(names: Names) -> None:
    """Put them into the Region of `names`."""
    servicequotas_backends[names.account][names.region] = Quotas(names.region, names.account)
