"""Why a wanted figure is not reached, by the name of its row; shown only while it is not."""

from __future__ import annotations

REASONS: dict[str, str] = {
    "quota": "After the saved-up burst, the first calls that overtake each other meet a throttle; the rate then halves "
    "and takes 30 s to come back, which is longer than this measure waits before it begins to count.",
    "telling": "The row is asked what the end means before it is reported (ADR 9), and the answer is taken in by the "
    "beat after: one more beat, a second in an idle scheduler.",
}
