"""A curve as text, for a terminal of any width and without colour; both front ends draw it so.

Each position is a row: `██████├────●───┤`. The dot is the share of right answers between 0 and 100 %, the whisker its
95 % interval, and the block what lies surely below it.
"""

from __future__ import annotations

from typing import NamedTuple

from studio.methods.probe.curve import Curve, Point
from studio.methods.probe.verdict import Verdict, percent, third_of

BLOCK, LOW, LINE, DOT, HIGH = "█├─●┤"
_LEVELS = " ▁▂▃▄▅▆▇█"


class Row(NamedTuple):
    """One position. label: its number, from 1. counts: right of asked. weak: it is in a third that is surely weaker."""

    label: str
    counts: str
    share: str
    track: str
    weak: bool


def rows(curve: Curve, verdict: Verdict, width: int) -> list[Row]:
    """A row for each position, its track `width` columns wide; texts of a column have the same width."""
    label = len(str(curve.size))
    counts = [f"{point.right:,}/{point.asked:,}" for point in curve.points]
    longest = max(map(len, counts), default=0)
    return [
        Row(
            f"{point.index + 1:>{label}}",
            f"{told:>{longest}}",
            f"{percent(point.share) if point.asked else '-':>4}",
            track(point, width),
            verdict.sure and third_of(curve, point) in verdict.weakest,
        )
        for point, told in zip(curve.points, counts, strict=True)
    ]


def track(point: Point, width: int) -> str:
    """The row of one position; blank when nothing was asked there."""
    if not point.asked:
        return " " * width
    low, dot, high = (round(share * (width - 1)) for share in (point.interval[0], point.share, point.interval[1]))
    cells = [BLOCK] * low + [" "] * (width - low)
    cells[low : high + 1] = [LINE] * (high + 1 - low)
    cells[low], cells[high] = LOW, HIGH
    cells[dot] = DOT
    return "".join(cells)


def axis(width: int) -> str:
    """The scale above or below tracks of a width: 0, 50 and 100 %, without the middle where it is narrow."""
    half = "50%" if width >= 16 else ""
    left = (width + 1) // 2 - 2
    return ("0%" + f"{'':{max(0, left - 2)}}" + half).ljust(width - 4) + "100%"


def silhouette(curve: Curve, width: int) -> str:
    """The whole curve in a line so wide, head on the left: above each column the nearest position that was asked."""
    asked = [(curve.place(point), point.share) for point in curve.points if point.asked]
    if not asked:
        return " " * width
    places = ((column + 0.5) / width for column in range(width))
    shares = (min(asked, key=lambda point: abs(point[0] - place))[1] for place in places)
    return "".join(_level(share) for share in shares)


def outline(curve: Curve) -> str:
    """The whole curve on one line, two characters a position, head first: a U looks like one. Blank: not asked."""
    return "".join(_level(point.share) * 2 if point.asked else "  " for point in curve.points)


def _level(share: float) -> str:
    return _LEVELS[max(1, round(share * (len(_LEVELS) - 1)))]
