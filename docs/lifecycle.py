"""Draws the tables of transitions, docs/lifecycle.svg: `make docs` writes it, the numbers are those of the tables.

Where the phases and standings are is here, and how far an arrow bends where a straight one would go through something
else; which arrows to draw, `aws_exec.lifecycle.phases` says.
"""

from __future__ import annotations

from math import hypot
from typing import TypeAlias

from aws_exec.lifecycle.phases import PHASES, RUNS, STANDINGS, Phase, Standing

TOP, WIDTH, HEIGHT = -90, 1100, 840
#: Of a phase; of the ends; of a number; of the box around the phases with a container that runs.
HALF_WIDTH, HALF_HEIGHT, DOT, BADGE = 62, 22, 11, 10
GROUP_WIDTH, GROUP_HEIGHT = 82, 130

#: What an arrow begins and ends at.
Point: TypeAlias = Phase | Standing | str

_BEGIN, _END, _GROUP, _SECOND_BEGIN, _SECOND_END = "begin", "end", "group", "begin of standings", "end of standings"

PLACES: dict[Point, tuple[int, int]] = {
    _BEGIN: (40, 230),
    Phase.WAITING: (200, 230),
    Phase.LAUNCHING: (430, 230),
    _GROUP: (700, 200),
    Phase.STARTING: (700, 110),
    Phase.RUNNING: (700, 200),
    Phase.EXITED: (700, 290),
    Phase.ENDED: (920, 300),
    Phase.STOPPING: (920, 100),
    _END: (1060, 200),
    Phase.VERIFYING: (200, 430),
    Phase.UNCERTAIN: (430, 430),
    Phase.SEARCHING: (700, 430),
    _SECOND_BEGIN: (40, 650),
    Standing.OWNED: (250, 650),
    Standing.SUPERSEDED: (530, 650),
    Standing.DETACHED: (810, 650),
    _SECOND_END: (1060, 650),
}

#: Pixels to the left of an arrow's way that its middle is moved; 0 where nothing is said.
BENDS: dict[tuple[Point, Point], int] = {
    (_BEGIN, Phase.UNCERTAIN): 175,
    (_BEGIN, _GROUP): -175,
    (_BEGIN, Phase.ENDED): -205,
    (_BEGIN, Phase.STOPPING): -150,
    (Phase.WAITING, Phase.LAUNCHING): -16,
    (Phase.LAUNCHING, Phase.WAITING): -16,
    (Phase.WAITING, Phase.VERIFYING): -16,
    (Phase.VERIFYING, Phase.WAITING): -16,
    (Phase.WAITING, _GROUP): -70,
    (Phase.WAITING, _END): -240,
    (Phase.VERIFYING, Phase.UNCERTAIN): -16,
    (Phase.UNCERTAIN, Phase.VERIFYING): -16,
    (Phase.VERIFYING, _GROUP): 40,
    (Phase.VERIFYING, Phase.ENDED): 105,
    (Phase.VERIFYING, _END): 190,
    (Phase.LAUNCHING, Phase.UNCERTAIN): -16,
    (Phase.UNCERTAIN, Phase.LAUNCHING): -16,
    (Phase.LAUNCHING, Phase.ENDED): 75,
    (Phase.LAUNCHING, Phase.STOPPING): -90,
    (Phase.LAUNCHING, _END): -190,
    (Phase.UNCERTAIN, Phase.SEARCHING): -16,
    (Phase.SEARCHING, Phase.UNCERTAIN): -16,
    (Phase.SEARCHING, Phase.STOPPING): 40,
    (Phase.SEARCHING, Phase.WAITING): 30,
    (Phase.SEARCHING, _END): 70,
    (Phase.STARTING, Phase.EXITED): 66,
    (Phase.STARTING, Phase.WAITING): 80,
    (Phase.STARTING, Phase.UNCERTAIN): 40,
    (Phase.STOPPING, Phase.UNCERTAIN): 120,
    (Standing.OWNED, Standing.DETACHED): 60,
    (Standing.SUPERSEDED, Standing.OWNED): -18,
    (Standing.OWNED, Standing.SUPERSEDED): -18,
    (Standing.DETACHED, Standing.OWNED): 60,
    (_SECOND_BEGIN, Standing.DETACHED): -80,
}

_STYLE = """
  .phase { fill: #eef3fb; stroke: #3f6fb5; stroke-width: 1.5 }
  .group { fill: none; stroke: #3f6fb5; stroke-width: 1.2; stroke-dasharray: 5 4 }
  .word { font: 600 14px sans-serif; fill: #1d3557; text-anchor: middle; dominant-baseline: central }
  .way { fill: none; stroke: #7a8699; stroke-width: 1.4; marker-end: url(#head) }
  .badge { fill: #ffffff; stroke: #b8c0cc }
  .number { font: 11px sans-serif; fill: #333333; text-anchor: middle; dominant-baseline: central }
"""


_HEAD = (
    '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0 L10 5 L0 10 z" fill="#7a8699"/></marker></defs>'
)


def ways() -> list[tuple[Point, Point]]:
    """From where to where each arrow goes, in the order of the tables."""
    phases = [(_point(each.before, _BEGIN), _point(each.after, _END)) for each in PHASES]
    return phases + [(_point(each.before, _SECOND_BEGIN), _point(each.after, _SECOND_END)) for each in STANDINGS]


def _point(which: tuple[Phase | Standing | None, ...], outside: str) -> Point:
    if which == RUNS:
        return _GROUP
    # Out of the last table there is one way from all, which is drawn from the last.
    return which[-1] or outside


def drawn() -> str:
    """The picture, as SVG."""
    arrows = [_way(number, before, after) for number, (before, after) in enumerate(ways(), start=1)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {TOP} {WIDTH} {HEIGHT}" role="img">',
            "<title>The phases and the standings of a launch, and every way between them</title>",
            f"<style>{_STYLE}</style>",
            _HEAD,
            f'<rect y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            _group(),
            *(line for line, _ in arrows),
            *(_box(each) for each in (*Phase, *Standing)),
            *_ends(_BEGIN, _END),
            *_ends(_SECOND_BEGIN, _SECOND_END),
            *(badge for _, badge in arrows),
            "</svg>\n",
        ]
    )


def _group() -> str:
    x, y = PLACES[_GROUP]
    size = f'width="{2 * GROUP_WIDTH}" height="{2 * GROUP_HEIGHT}" rx="12"'
    return f'<rect class="group" x="{x - GROUP_WIDTH}" y="{y - GROUP_HEIGHT}" {size}/>'


def _box(which: Phase | Standing) -> str:
    x, y = PLACES[which]
    size = f'width="{2 * HALF_WIDTH}" height="{2 * HALF_HEIGHT}" rx="9"'
    box = f'<rect class="phase" x="{x - HALF_WIDTH}" y="{y - HALF_HEIGHT}" {size}/>'
    return f'{box}<text class="word" x="{x}" y="{y}">{which.name}</text>'


def _ends(begin: str, end: str) -> list[str]:
    (x, y), (end_x, end_y) = PLACES[begin], PLACES[end]
    return [
        f'<circle cx="{x}" cy="{y}" r="{DOT}" fill="#1d3557"/>',
        f'<circle cx="{end_x}" cy="{end_y}" r="{DOT}" fill="#ffffff" stroke="#1d3557" stroke-width="2"/>',
        f'<circle cx="{end_x}" cy="{end_y}" r="{DOT - 5}" fill="#1d3557"/>',
    ]


def _way(number: int, before: Point, after: Point) -> tuple[str, str]:
    """An arrow, and its number in the middle."""
    start, end = PLACES[before], PLACES[after]
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


def _edge(centre: tuple[float, float], towards: tuple[float, float], which: Point) -> tuple[float, float]:
    """Where the line from a centre to a point leaves the shape."""
    x, y = towards[0] - centre[0], towards[1] - centre[1]
    if isinstance(which, str) and which != _GROUP:
        share = (DOT + 3) / hypot(x, y)
    else:
        width, height = (GROUP_WIDTH, GROUP_HEIGHT) if which == _GROUP else (HALF_WIDTH, HALF_HEIGHT)
        share = min((width + 3) / abs(x) if x else 9e9, (height + 3) / abs(y) if y else 9e9)
    return centre[0] + share * x, centre[1] + share * y


def _at(point: tuple[float, ...]) -> str:
    return f"{point[0]:.0f} {point[1]:.0f}"
