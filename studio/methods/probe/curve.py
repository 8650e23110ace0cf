"""What a probe found: how many questions were answered at each position, with the uncertainty of each share.

The weights that placement takes from it (`inverse`) are here too: where the model is weak, gold goes more often.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

DECILES = 10
_Z95 = 1.959963984540054
# Of the weights, this share is spread evenly: no decile goes without gold, however well the model reads there.
_EVENLY = 0.2


class Point(msgspec.Struct, frozen=True):
    """One position of the answer. index: from 0. asked: questions answered in some way, right: those answered right."""

    index: int
    asked: int
    right: int

    @property
    def share(self) -> float:
        """Right answers of those asked; 0 when none was."""
        return self.right / self.asked if self.asked else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval for the share: between 0 and 1, also for few questions and shares of 0 and 1."""
        return wilson(self.right, self.asked)


class Curve(msgspec.Struct, frozen=True):
    """Right answers by position, ascending. size: of how many (pairs, documents) the answer's is one."""

    size: int
    points: tuple[Point, ...]

    @property
    def asked(self) -> int:
        return sum(point.asked for point in self.points)

    @property
    def right(self) -> int:
        return sum(point.right for point in self.points)

    def place(self, point: Point) -> float:
        """Where a point lies, 0 at the head and 1 at the tail."""
        return point.index / (self.size - 1) if self.size > 1 else 0.5


def counted(size: int, indices: Sequence[int], answers: Iterable[tuple[int, bool]]) -> Curve:
    """The curve of answers, each as (index, whether it was right), over these positions."""
    asked, right = dict.fromkeys(indices, 0), dict.fromkeys(indices, 0)
    for index, is_right in answers:
        asked[index] += 1
        right[index] += is_right
    return Curve(size, tuple(Point(index, asked[index], right[index]) for index in sorted(asked)))


def positions(size: int, n: int) -> tuple[int, ...]:
    """n indices of size, evenly from the first to the last, rounded down as the paper's are: 0, 4, 9, 14, 19 of 20.

    Raises ValueError unless 2 <= n <= size.
    """
    if not 2 <= n <= size:
        raise ValueError(f"{n} positions of {size}")
    return tuple(number * (size - 1) // (n - 1) for number in range(n))


def wilson(right: int, asked: int) -> tuple[float, float]:
    """Wilson's score interval for a share, 95 % (E. B. Wilson, JASA 22, 1927); (0, 1) when nothing was asked."""
    if not asked:
        return (0.0, 1.0)
    share, z2 = right / asked, _Z95**2
    centre = (share + z2 / (2 * asked)) / (1 + z2 / asked)
    half = _Z95 * math.sqrt(share * (1 - share) / asked + z2 / (4 * asked**2)) / (1 + z2 / asked)
    # At shares of 0 and 1 the bounds are 0 and 1; rounding must not leave them a little inside.
    return (0.0 if not right else centre - half, 1.0 if right == asked else centre + half)


def weights_by_decile(curve: Curve) -> tuple[float, ...]:
    """How often gold should stand in each tenth of the input: ten numbers above 0 that sum to 1, head first.

    More where the model is weak: in proportion to the share of wrong answers, which is taken from each position with
    Laplace's rule of succession (few questions pull it to one half) and between positions from the line through them.
    A fifth of the whole is spread evenly, so no decile gets less than 0.02. Without an answer all are equal.
    """
    known = [(curve.place(point), 1 - (point.right + 1) / (point.asked + 2)) for point in curve.points if point.asked]
    if not known:
        return (1 / DECILES,) * DECILES
    weak = [_between(known, (decile + 0.5) / DECILES) for decile in range(DECILES)]
    total = sum(weak)
    return tuple(_EVENLY / DECILES + (1 - _EVENLY) * one / total for one in weak)


def _between(known: Sequence[tuple[float, float]], place: float) -> float:
    """The value at a place on the lines through known (place, value); beyond the last one, its value."""
    if place <= known[0][0]:
        return known[0][1]
    for (left, low), (right, high) in pairwise(known):
        if place <= right:
            return low + (high - low) * (place - left) / (right - left)
    return known[-1][1]
