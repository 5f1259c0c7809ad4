"""A mapping of bounded size, for keys that DAG authors choose.

A cluster, an Airflow queue or a key may have a new name in every run (`cluster-{{ ds }}`). A plain dictionary would
grow as long as the scheduler runs.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(OrderedDict[K, V]):
    """Keeps the entries that were written last. Not thread-safe.

    Args:
        at_most: the maximum number of entries.
    """

    def __init__(self, at_most: int) -> None:
        super().__init__()
        self._at_most = at_most

    def __setitem__(self, key: K, value: V) -> None:
        """Write an entry as the newest, and remove the oldest if there are too many."""
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > self._at_most:
            self.popitem(last=False)
