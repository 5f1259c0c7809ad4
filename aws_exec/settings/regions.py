"""The Regions and partitions of AWS, as botocore's `partitions.json` lists them: no pattern of ours grows old."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of AWS, with its own accounts, Regions and domains.

    Attributes:
        id: the second part of its ARNs: `aws`, `aws-cn`, `aws-eusc`.
        regions: a pattern of its Regions' names, including those that botocore does not know yet.
    """

    id: str
    regions: re.Pattern[str]


@cache
def partitions() -> tuple[Partition, ...]:
    """Every partition; reads one file of botocore, without credentials or network."""
    from botocore.loaders import Loader  # noqa: PLC0415 - reading options must not cost the import of botocore

    document = Loader().load_data("partitions")
    return tuple(Partition(each["id"], re.compile(each["regionRegex"], re.ASCII)) for each in document["partitions"])


def is_region(name: str) -> bool:
    """Return whether a text may be the name of a Region: botocore does not know those opened after its release."""
    # Botocore's patterns take capitals; endpoints and signatures with them are wrong.
    return name == name.lower() and any(each.regions.fullmatch(name) for each in partitions())
