"""The Regions and partitions of AWS, as botocore's `partitions.json` lists them: no pattern of ours grows old."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of AWS, with its own accounts, Regions and domains.

    Attributes:
        id: the second part of its ARNs: `aws`, `aws-cn`, `aws-eusc`.
        regions: a pattern of its Regions' names, including those that botocore does not know yet.
        known: the names that botocore knows.
    """

    id: str
    regions: re.Pattern[str]
    known: tuple[str, ...] = ()


#: The direction in a Region's name, the last part but one: `eu-centrall-1` fits botocore's patterns.
_DIRECTION = re.compile(r"(north|south)?(east|west)|north|south|central")
#: A new Region is less like any other than this: `us-est-1` is `us-west-1` or `us-east-1`.
_ALIKE = 0.85


@cache
def partitions() -> tuple[Partition, ...]:
    """Every partition; reads one file of botocore, without credentials or network."""
    from botocore.loaders import Loader  # noqa: PLC0415 - reading options must not cost the import of botocore

    document = Loader().load_data("partitions")
    return tuple(
        Partition(each["id"], re.compile(each["regionRegex"], re.ASCII), tuple(each["regions"]))
        for each in document["partitions"]
    )


def is_region(name: str) -> bool:
    """Return whether a text may be the name of a Region: botocore does not know those opened after its release."""
    # Botocore's patterns take capitals; endpoints and signatures with them are wrong.
    return name == name.lower() and any(each.regions.fullmatch(name) for each in partitions())


def meant_region(name: str) -> str:
    """Return the known Region that a name certainly misspells; empty if it is one, or may be a new one."""
    known = [region for each in partitions() for region in each.known if not region.endswith("-global")]
    if name in known or (is_region(name) and _DIRECTION.fullmatch(name.split("-")[-2])):
        return ""
    return next(iter(get_close_matches(name, known, n=1, cutoff=_ALIKE)), "")
