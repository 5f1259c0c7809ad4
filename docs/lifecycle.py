"""Draws the table of transitions, docs/lifecycle.svg: `make docs` writes it, the numbers are those of the table.

Where the phases stand is said here, and how far an arrow bends where a straight one would go through something else;
which arrows there are, `aws_exec.lifecycle.phases` says.
"""

from __future__ import annotations

from math import hypot

from aws_exec.lifecycle.phases import TRANSITIONS, Phase

TOP, WIDTH, HEIGHT = -60, 1000, 620
#: Of a phase; of the ends; of a number.
HALF_WIDTH, HALF_HEIGHT, DOT, BADGE = 62, 22, 11, 10

_BEGIN, _END = "begin", "end"

PLACES = {
    _BEGIN: (40, 270),
    Phase.WAITING: (220, 270),
    Phase.LAUNCHING: (460, 270),
    Phase.ACTIVE: (700, 270),
    _END: (955, 270),
    Phase.CONFIRMING: (220, 440),
    Phase.UNCERTAIN: (460, 440),
    Phase.LOCATING: (700, 440),
    Phase.STOPPING: (750, 130),
}

#: Pixels to the left of an arrow's way that its middle is moved; 0 where nothing is said.
BENDS = {
    (None, Phase.ACTIVE): -205,
    (None, Phase.UNCERTAIN): 150,
    (None, Phase.STOPPING): -230,
    (Phase.WAITING, Phase.ACTIVE): -75,
    (Phase.CONFIRMING, Phase.ACTIVE): 30,
    (Phase.WAITING, Phase.LAUNCHING): -16,
    (Phase.LAUNCHING, Phase.WAITING): -16,
    (Phase.WAITING, Phase.CONFIRMING): -16,
    (Phase.CONFIRMING, Phase.WAITING): -16,
    (Phase.WAITING, None): -310,
    (Phase.CONFIRMING, Phase.UNCERTAIN): -16,
    (Phase.UNCERTAIN, Phase.CONFIRMING): -16,
    (Phase.CONFIRMING, None): 170,
    (Phase.LAUNCHING, Phase.UNCERTAIN): -16,
    (Phase.UNCERTAIN, Phase.LAUNCHING): -16,
    (Phase.LAUNCHING, None): -90,
    (Phase.UNCERTAIN, Phase.LOCATING): -16,
    (Phase.LOCATING, Phase.UNCERTAIN): -16,
    (Phase.LOCATING, Phase.STOPPING): 50,
    (Phase.LOCATING, Phase.WAITING): 30,
    (Phase.ACTIVE, Phase.WAITING): 110,
    (Phase.UNCERTAIN, Phase.ACTIVE): -16,
    (Phase.ACTIVE, Phase.UNCERTAIN): -16,
}

_STYLE = """
  .phase { fill: #eef3fb; stroke: #3f6fb5; stroke-width: 1.5 }
  .word { font: 600 14px sans-serif; fill: #1d3557; text-anchor: middle; dominant-baseline: central }
  .way { fill: none; stroke: #7a8699; stroke-width: 1.4; marker-end: url(#head) }
  .badge { fill: #ffffff; stroke: #b8c0cc }
  .number { font: 11px sans-serif; fill: #333333; text-anchor: middle; dominant-baseline: central }
"""


_HEAD = (
    '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0 L10 5 L0 10 z" fill="#7a8699"/></marker></defs>'
)


def drawn() -> str:
    """The picture, as SVG."""
    ways = [_way(number, before, after) for number, (before, after, _) in enumerate(TRANSITIONS, start=1)]
    phases = [_phase(phase) for phase in Phase]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {TOP} {WIDTH} {HEIGHT}" role="img">',
            "<title>The phases of a launch, and every way between them</title>",
            f"<style>{_STYLE}</style>",
            _HEAD,
            f'<rect y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            *(line for line, _ in ways),
            *phases,
            *_ends(),
            *(badge for _, badge in ways),
            "</svg>\n",
        ]
    )


def _phase(phase: Phase) -> str:
    x, y = PLACES[phase]
    size = f'width="{2 * HALF_WIDTH}" height="{2 * HALF_HEIGHT}" rx="9"'
    box = f'<rect class="phase" x="{x - HALF_WIDTH}" y="{y - HALF_HEIGHT}" {size}/>'
    return f'{box}<text class="word" x="{x}" y="{y}">{phase.name}</text>'


def _ends() -> list[str]:
    (x, y), (end_x, end_y) = PLACES[_BEGIN], PLACES[_END]
    return [
        f'<circle cx="{x}" cy="{y}" r="{DOT}" fill="#1d3557"/>',
        f'<circle cx="{end_x}" cy="{end_y}" r="{DOT}" fill="#ffffff" stroke="#1d3557" stroke-width="2"/>',
        f'<circle cx="{end_x}" cy="{end_y}" r="{DOT - 5}" fill="#1d3557"/>',
    ]


def _way(number: int, before: Phase | None, after: Phase | None) -> tuple[str, str]:
    """An arrow, and its number in the middle."""
    start, end = PLACES[before or _BEGIN], PLACES[after or _END]
    across = (end[0] - start[0], end[1] - start[1])
    length = hypot(*across)
    bend = BENDS.get((before, after), 0)
    # The control point of a quadratic curve is twice as far out as its middle.
    control = tuple((s + e) / 2 + 2 * bend * n for s, e, n in zip(start, end, _left(across, length), strict=True))
    first, last = _edge(start, control, before), _edge(end, control, after)
    middle = tuple((a + 2 * c + b) / 4 for a, c, b in zip(first, control, last, strict=True))
    line = f'<path class="way" d="M{_at(first)} Q{_at(control)} {_at(last)}"/>'
    badge = f'<circle class="badge" cx="{middle[0]:.0f}" cy="{middle[1]:.0f}" r="{BADGE}"/>'
    return line, f'{badge}<text class="number" x="{middle[0]:.0f}" y="{middle[1]:.0f}">{number}</text>'


def _left(across: tuple[float, float], length: float) -> tuple[float, float]:
    return -across[1] / length, across[0] / length


def _edge(centre: tuple[float, float], towards: tuple[float, float], phase: Phase | None) -> tuple[float, float]:
    """Where the line from a centre to a point leaves the shape."""
    x, y = towards[0] - centre[0], towards[1] - centre[1]
    if phase is None:
        share = (DOT + 3) / hypot(x, y)
    else:
        share = min((HALF_WIDTH + 3) / abs(x) if x else 9e9, (HALF_HEIGHT + 3) / abs(y) if y else 9e9)
    return centre[0] + share * x, centre[1] + share * y


def _at(point: tuple[float, ...]) -> str:
    return f"{point[0]:.0f} {point[1]:.0f}"
