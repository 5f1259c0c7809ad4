"""Resource tags as ECS takes them (ECS API Reference, Tag): what awsexec adds is made to fit."""

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
    """Tags as AWS takes them: characters it does not take become `_`, what is too long is cut.

    Keys that AWS keeps for itself (`aws:`) are left out.
    """
    return [
        {"key": _NOT_ALLOWED.sub("_", key)[:KEY_LIMIT], "value": _NOT_ALLOWED.sub("_", value)[:VALUE_LIMIT]}
        for key, value in tags.items()
        if key and not key.lower().startswith("aws:")
    ]


def joined(theirs: Sequence[Mapping[str, Any]], ours: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """All tags of one task: the user's first, then as many of ours as there is room for; ours win over a like key."""
    own = {tag["key"] for tag in ours}
    kept = [dict(tag) for tag in theirs if tag.get("key") not in own]
    return [*kept, *(dict(tag) for tag in ours)][:LIMIT]
