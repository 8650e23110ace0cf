"""What a curve says in words: where the model is weakest, whether that is more than chance, whether it is a U.

The third of the input (head, middle, tail) with the smallest share of right answers is held against the two others by
Fisher's exact test; where that is not sure, so is the one with the largest. Neither was chosen before, so the p-value
counts the three comparisons there are (Bonferroni). The same samples are asked at every position, which makes the true
difference clearer than a test for independent ones can see: it errs on the side of "not sure".
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import msgspec

from studio.methods.probe.curve import Curve, Point

Third = Literal["head", "middle", "tail"]
THIRDS: tuple[Third, ...] = get_args(Third)

SIGNIFICANCE = 0.05
"""A p-value below this counts as more than chance."""

Shape = Literal["u", "uneven", "flat", "all", "none", "unknown"]
"""u: the middle is surely weaker than the head, and than the tail. uneven: the weakest third is surely weaker than the
rest, and it is no sure U. flat: no sure difference. all, none: every question or none was answered right. unknown: too
little was answered.
"""


class Verdict(msgspec.Struct, frozen=True):
    """weakest: the third, or the two, with the fewest right answers; () where there is none. p: how probable such a
    difference is by chance alone.
    """

    shape: Shape
    weakest: tuple[Third, ...]
    p: float
    words: str

    @property
    def sure(self) -> bool:
        """Whether the weakest is weaker than chance explains."""
        return self.p < SIGNIFICANCE


def third_of(curve: Curve, point: Point) -> Third:
    """In which third of the input a point lies, by its number among the positions.

    Positions are evenly spread and rounded down; by their places, the fourth of five would often be in the middle.
    """
    number, last = curve.points.index(point), len(curve.points) - 1
    return "head" if 3 * number < last else "middle" if 3 * number <= 2 * last else "tail"


def judge(curve: Curve) -> Verdict:
    """The verdict on a curve."""
    thirds = {name: _together([point for point in curve.points if third_of(curve, point) == name]) for name in THIRDS}
    if not all(third.asked for third in thirds.values()):
        return Verdict("unknown", (), 1.0, "Too little was answered to say anything: a third of the input has none.")
    if not curve.right:
        words = f"None of {curve.asked} questions is answered right: that says nothing about positions. Ask with fewer."
        return Verdict("none", (), 1.0, words)
    if curve.right == curve.asked:
        words = f"All {curve.asked} questions are answered right: at this length no position is weak. Ask with more."
        return Verdict("all", (), 1.0, words)
    shares = ", ".join(f"{name} {percent(third.share)}" for name, third in thirds.items())
    lowest, highest = min(third.share for third in thirds.values()), max(third.share for third in thirds.values())
    if lowest == highest:
        return Verdict("flat", (), 1.0, f"Head, middle and tail are answered equally often: {shares}.")
    least = tuple(name for name in THIRDS if thirds[name].share == lowest)
    behind = tuple(name for name in THIRDS if thirds[name].share != highest)
    splits = [_against_the_rest(thirds, some) for some in (least, behind)]
    sure = next((split for split in splits if split.p < SIGNIFICANCE), None)
    if sure is None:
        p = min(split.p for split in splits)
        told = f"Chance alone may do this ({probability(p)}); more samples would tell."
        return Verdict("flat", least, p, f"No sure difference: {shares}. {told}")
    weakest, weak, rest, p = sure
    # Both comparisons have to hold, so neither needs a correction.
    is_u = weakest == ("middle",) and all(_fisher(weak, thirds[end]) < SIGNIFICANCE for end in ("head", "tail"))
    named = f"The {weakest[0]} is" if len(weakest) == 1 else f"The {weakest[0]} and the {weakest[1]} are"
    counts = f"{weak.right} of {weak.asked} right there, {rest.right} of {rest.asked} elsewhere"
    words = f"{shares}. {named} weakest, and not by chance ({probability(p)}): {counts}."
    return Verdict("u" if is_u else "uneven", weakest, p, f"{'A' if is_u else 'No sure'} U-shape: {words}")


def fisher(right: int, asked: int, other_right: int, other_asked: int) -> float:
    """The two-sided p-value of Fisher's exact test on two shares, as usual: all tables no likelier than this one."""
    all_right, total = right + other_right, asked + other_asked
    lowest, highest = max(0, all_right - other_asked), min(asked, all_right)
    logs = [_log_ways(asked, n) + _log_ways(other_asked, all_right - n) for n in range(lowest, highest + 1)]
    whole, seen = _log_ways(total, all_right), logs[right - lowest]
    # Equally likely tables differ by rounding.
    return min(1.0, math.fsum(math.exp(one - whole) for one in logs if one <= seen + 1e-7))


def percent(share: float) -> str:
    """A share as people read it; only what is all is 100 %, only nothing 0 %."""
    shown = round(100 * share)
    if shown in (0, 100) and 0 < share < 1:
        return "<1%" if shown == 0 else ">99%"
    return f"{shown}%"


def probability(p: float) -> str:
    """A p-value with as many digits as it deserves."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


class _Split(NamedTuple):
    """Some thirds together, the rest together, and how probable their difference is by chance alone."""

    some: tuple[Third, ...]
    weak: Point
    rest: Point
    p: float


def _against_the_rest(thirds: dict[Third, Point], some: tuple[Third, ...]) -> _Split:
    weak, rest = (_together([thirds[name] for name in THIRDS if (name in some) == side]) for side in (True, False))
    return _Split(some, weak, rest, min(1.0, len(THIRDS) * _fisher(weak, rest)))


def _fisher(one: Point, other: Point) -> float:
    return fisher(one.right, one.asked, other.right, other.asked)


def _together(points: list[Point]) -> Point:
    return Point(0, sum(point.asked for point in points), sum(point.right for point in points))


def _log_ways(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
