"""Lists in the portions that a call takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def chunked(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Return the items in lists of at most `size`; no list is empty."""
    rest = iter(items)
    return iter(lambda: list(islice(rest, size)), [])
