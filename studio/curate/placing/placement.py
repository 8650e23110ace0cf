"""Placing gold segments: to which place each row's goes, and in which order its segments stand then.

Models read the head and the tail of a long context better than its middle (Lost in the Middle, arXiv 2307.03172);
training data whose gold segments stand anywhere cures much of that (IN2, arXiv 2404.16811).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from math import factorial
from typing import get_args

from studio.curate.placing.deciles import Position, Quotas, spread
from studio.settings import Strategy

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

MEANINGS: dict[Strategy, str] = {
    "head": "gold goes to the first place",
    "middle": "gold goes to the middle",
    "tail": "gold goes to the last place",
    "edges": "first and last place by turns",
    "balanced": "equally often in every tenth, over all rows",
    "shuffle": "all segments in an order drawn by the seed",
    "inverse": "more often where a probe says the model reads worst",
    "original": "back to the order before the studio placed it",
}
"""What each strategy does, in few words."""

NEEDS_GOLD: frozenset[Strategy] = frozenset({"head", "middle", "tail", "edges", "balanced", "inverse"})
"""Strategies that cannot do without a gold segment."""

VARIED: frozenset[Strategy] = frozenset({"edges", "balanced", "shuffle", "inverse"})
"""Strategies that can give the rows made of one row different orders."""


def targets(
    positions: Sequence[Position],
    strategy: Strategy,
    seed: int,
    weights: Sequence[float] | None = None,
    *,
    standing: Iterable[Position] = (),
) -> list[int]:
    """The place to which the gold segment of each row goes, by row.

    positions: where each stands now, and of how many. edges: head and tail by turns. balanced, inverse: over all rows
    the tenths fill evenly, or as the ten weights want (see `deciles.spread`); which row goes where within its number of
    segments is drawn by the seed, so that it depends on nothing else the rows have in an order. standing: gold segments
    that stay. Raises ValueError for a strategy that moves no gold segment.
    """
    match strategy:
        case "head":
            return [0] * len(positions)
        case "middle":
            return [count // 2 for _, count in positions]
        case "tail":
            return [count - 1 for _, count in positions]
        case "edges":
            return [0 if number % 2 == 0 else count - 1 for number, (_, count) in enumerate(positions)]
        case "balanced" | "inverse":
            sizes = Counter(count for _, count in positions)
            quotas = spread(sizes, seed, weights if strategy == "inverse" else None, standing=standing)
            return _dealt([count for _, count in positions], quotas, seed)
    raise ValueError(f"{strategy} moves no gold segment")


def varied(
    positions: Sequence[Position],
    strategy: Strategy,
    k: int,
    seed: int,
    weights: Sequence[float] | None = None,
    *,
    standing: Iterable[Position] = (),
) -> list[list[int]]:
    """Up to k places for variants of each row: none twice, and none where the row's own gold segment stands.

    balanced, inverse: rows and variants together fill the tenths, with what is standing besides; with k = n - 1
    variants every place comes up once. edges: the ends where the row's own does not stand. Raises ValueError for a
    strategy that cannot vary.
    """
    if strategy == "edges":
        return [[end for end in (0, count - 1) if end != own][:k] for own, count in positions]
    if strategy not in ("balanced", "inverse"):
        raise ValueError(f"{strategy} gives every variant the same place")
    groups: dict[int, list[int]] = {}
    for number, (_, count) in enumerate(positions):
        groups.setdefault(count, []).append(number)
    own = {count: Counter(positions[number][0] for number in rows) for count, rows in groups.items()}
    limits = {count: [len(rows) - own[count][place] for place in range(count)] for count, rows in groups.items()}
    sizes = {count: len(rows) * min(k, count - 1) for count, rows in groups.items()}
    there = [*positions, *standing]
    quotas = spread(sizes, seed, weights if strategy == "inverse" else None, standing=there, limits=limits)
    found: list[list[int]] = [[] for _ in positions]
    for count, rows in groups.items():
        for number, places in _distinct([positions[row][0] for row in rows], quotas[count], min(k, count - 1), seed):
            found[rows[number]] = places
    return found


def arranged(count: int, gold: int, target: int) -> tuple[int, ...]:
    """The order, as `Segments.moved` takes it, that puts `gold` at `target`; the others keep theirs."""
    order = [place for place in range(count) if place != gold]
    order.insert(target, gold)
    return tuple(order)


def shuffled(count: int, seed: int, row: int) -> tuple[int, ...]:
    """An order drawn for this row."""
    order = list(range(count))
    random.Random(f"{seed}/{row}").shuffle(order)
    return tuple(order)


def shuffles(count: int, k: int, seed: int, row: int) -> list[tuple[int, ...]]:
    """Up to k different orders drawn for this row, none of them the one there is."""
    drawn = random.Random(f"{seed}/{row}/variants")
    as_it_is = tuple(range(count))
    found: dict[tuple[int, ...], None] = {}
    while len(found) < min(k, factorial(count) - 1):
        order = tuple(drawn.sample(as_it_is, count))
        if order != as_it_is:
            found[order] = None
    return list(found)


def turns(counts: Sequence[int], seed: int) -> list[int]:
    """With which place each row begins that has no gold segment: of rows with as many segments, each equally often."""
    quotas = {
        count: [rows // count + (place < rows % count) for place in range(count)]
        for count, rows in Counter(counts).items()
    }
    return _dealt(counts, quotas, seed)


def rotated(count: int, by: int) -> tuple[int, ...]:
    """The order that begins with place `by` and goes round."""
    return tuple((place + by) % count for place in range(count))


def _dealt(counts: Sequence[int], quotas: Quotas, seed: int) -> list[int]:
    """A place for each row: round and round through the places of its number of segments, to rows in a drawn order."""
    groups: dict[int, list[int]] = {}
    for number, count in enumerate(counts):
        groups.setdefault(count, []).append(number)
    found = [0] * len(counts)
    for count, rows in groups.items():
        random.Random(f"{seed}/{count}/rows").shuffle(rows)
        for number, place in zip(rows, _rounds(quotas[count]), strict=True):
            found[number] = place
    return found


def _rounds(quota: Sequence[int]) -> Iterable[int]:
    """Each place as often as its quota says, one round after the other."""
    left = list(quota)
    while any(left):
        for place, n in enumerate(left):
            if n:
                left[place] -= 1
                yield place


def _distinct(own: Sequence[int], quota: Sequence[int], k: int, seed: int) -> Iterable[tuple[int, list[int]]]:
    """k different places for each row, none of them its own, each place as often as its quota says or nearly so.

    The place goes first that is needed most by what rows are left to take it.
    """
    need = list(quota)
    takers = [sum(place != mine for mine in own) for place in range(len(quota))]
    order = list(range(len(own)))
    random.Random(f"{seed}/{len(quota)}/variants").shuffle(order)
    for number in order:
        mine = own[number]
        others = [place for place in range(len(quota)) if place != mine]
        others.sort(key=lambda place: (-(need[place] / takers[place]), place))
        chosen = sorted(others[:k])
        for place in chosen:
            need[place] -= 1
        for place in others:
            takers[place] -= 1
        yield number, chosen
