"""Resource tags that ECS accepts (ECS API Reference, Tag): awsexec's own tags are made to fit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

#: Tags per task.
LIMIT = 50
KEY_LIMIT = 128
VALUE_LIMIT = 256

_NOT_ALLOWED = re.compile(r"[^\w .:/=+\-@]")


def sanitised(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags that AWS accepts: other characters become `_`, long values are cut.

    Keys that AWS keeps for itself (`aws:`) are left out.
    """
    return [
        {"key": _NOT_ALLOWED.sub("_", key)[:KEY_LIMIT], "value": _NOT_ALLOWED.sub("_", value)[:VALUE_LIMIT]}
        for key, value in tags.items()
        if key and not key.lower().startswith("aws:")
    ]


def joined(theirs: Sequence[Mapping[str, Any]], ours: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Return all tags of one task: the user's first, then as many of ours as fit; ours win over the same key."""
    own = {tag["key"] for tag in ours}
    kept = [dict(tag) for tag in theirs if tag.get("key") not in own]
    return [*kept, *(dict(tag) for tag in ours)][:LIMIT]
