"""Why a wanted figure is not reached, by the name of its row; shown only while it is not."""

from __future__ import annotations

REASONS: dict[str, str] = {
    "memory": "1.4 KiB are the job; the rest is its part of the history of the last 20,000 changes, "
    "which takes 6 MB at most, however many jobs there are.",
}
