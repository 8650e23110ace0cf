"""Placing gold segments, and showing where they stand.

Models read the head and the tail of a long context better than its middle (Lost in the Middle, arXiv 2307.03172);
training data whose gold segments stand anywhere cures much of that (IN2, arXiv 2404.16811).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, get_args

from studio.curate.segments import Segments

Strategy = Literal["head", "middle", "tail", "edges", "balanced", "shuffle"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

DECILES = 10
_CRITICAL = (6.635, 9.210, 11.345, 13.277, 15.086, 16.812, 18.475, 20.090, 21.666)
"""Chi-square at 1 % for 1 to 9 degrees of freedom."""


def ranks(counts: Iterable[int], strategy: Strategy) -> list[int]:
    """The rank of each placed row for `place`. counts: the rows' numbers of segments, in row order.

    For `balanced` the ordinal among rows with as many segments, else among all.
    """
    seen: Counter[int] = Counter()
    found = []
    for count in counts:
        group = count if strategy == "balanced" else 0
        found.append(seen[group])
        seen[group] += 1
    return found


def place(segments: Segments, gold: int | None, strategy: Strategy, rank: int, seed: int) -> Segments:
    """The segments with the gold one where the strategy wants it; the others keep their order among themselves.

    head, middle (place n // 2), tail; edges: head and tail by turns of `rank`; balanced: a place further with each
    rank, from a place the seed chooses, so that over rows with n segments each place is gold equally often, within
    one; shuffle: all segments at random, with or without a gold one. The same arguments give the same result.
    rank: see `ranks`. Raises ValueError when a strategy other than shuffle is given no gold segment.
    """
    places = list(range(len(segments)))
    if strategy == "shuffle":
        random.Random(f"{seed}/{len(segments)}/{rank}").shuffle(places)
        return segments.moved(places)
    if gold is None:
        raise ValueError(f"{strategy} needs a gold segment")
    places.remove(gold)
    places.insert(_target(len(segments), strategy, rank, seed), gold)
    return segments.moved(places)


def _target(count: int, strategy: Strategy, rank: int, seed: int) -> int:
    match strategy:
        case "middle":
            return count // 2
        case "balanced":
            return (random.Random(f"{seed}/{count}").randrange(count) + rank) % count
        case "edges":
            return 0 if rank % 2 == 0 else count - 1
        case _:
            return 0 if strategy == "head" else count - 1


def decile(index: int, count: int) -> int:
    """In which tenth of the context place `index` of `count` lies: the first place in 0, the last in 9."""
    return min(DECILES - 1, DECILES * index // max(1, count - 1))


def histogram(positions: Iterable[tuple[int, int]]) -> list[int]:
    """How many gold segments stand in each tenth. positions: (index, number of segments) a row."""
    counts = Counter(decile(index, count) for index, count in positions)
    return [counts[tenth] for tenth in range(DECILES)]


class Imbalance(NamedTuple):
    """Pearson's chi-square of the tenths against gold segments that stand anywhere equally often.

    degrees: of freedom, 0 to 9. uneven: chance alone would give so much in less than 1 % of cases.
    """

    chi_square: float
    degrees: int
    uneven: bool


def imbalance(positions: Sequence[tuple[int, int]]) -> Imbalance:
    """How far gold positions are from even. positions: (index, number of segments) a row.

    What even means follows from the rows: three segments can only stand in tenths 0, 5 and 9.
    """
    expected = [0.0] * DECILES
    for count, rows in Counter(count for _, count in positions).items():
        for index in range(count):
            expected[decile(index, count)] += rows / count
    possible = [(observed, wanted) for observed, wanted in zip(histogram(positions), expected, strict=True) if wanted]
    chi_square = sum((observed - wanted) ** 2 / wanted for observed, wanted in possible)
    degrees = max(0, len(possible) - 1)
    return Imbalance(chi_square, degrees, degrees > 0 and chi_square > _CRITICAL[degrees - 1])
