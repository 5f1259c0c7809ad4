"""Why a wanted figure is not reached, by the name of its row; shown only while it is not."""

from __future__ import annotations

REASONS: dict[str, str] = {}
