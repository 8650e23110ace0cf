"""Tenths of a context: where gold segments stand over a whole dataset, and how rows can fill all tenths evenly.

A row with n segments offers n places, each of which lies in one tenth: the first in 0, the last in 9. Rows of 10 reach
every tenth, rows of 3 only tenths 0, 5 and 9. So which rows go where is a flow from numbers of segments to tenths; it
is pushed from crowded tenths to empty ones until no row could move to a tenth that has two less.
"""

from __future__ import annotations

import math
import random
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

DECILES = 10

Position = tuple[int, int]
"""A gold segment's place, from 0, and of how many."""


def decile(index: int, count: int) -> int:
    """In which tenth of the context place `index` of `count` lies: the first place in 0, the last in 9."""
    return min(DECILES - 1, DECILES * index // max(1, count - 1))


def histogram(positions: Iterable[Position]) -> list[int]:
    """How many gold segments stand in each tenth."""
    found = [0] * DECILES
    for position, times in Counter(positions).items():
        found[decile(*position)] += times
    return found


@cache
def places_by_decile(count: int) -> dict[int, tuple[int, ...]]:
    """The places of a context of so many segments, by their tenth."""
    found: dict[int, list[int]] = {}
    for index in range(count):
        found.setdefault(decile(index, count), []).append(index)
    return {tenth: tuple(places) for tenth, places in found.items()}


# Shares of rows are no whole numbers, and a step that gains nothing would be taken for ever.
_NOTHING = 1e-6

Quotas = dict[int, list[int]]
"""By number of segments, how many rows go to each of their places."""


def spread(
    sizes: Mapping[int, int],
    seed: int,
    weights: Sequence[float] | None = None,
    *,
    standing: Iterable[Position] = (),
    limits: Quotas | None = None,
) -> Quotas:
    """How many rows go to each place, so that the tenths fill as the weights want, as far as the sizes allow.

    sizes: by number of segments, how many gold segments are to be placed. weights: ten numbers, how often each tenth is
    wanted; None: equally often. Each number of segments starts from a rotation through its places, from one the seed
    chooses, and leaves it only for the tenths' sake. standing: gold segments that stay where they are, and count.
    limits: as many at a place at most.
    """
    flow = _Flow(sizes, seed, limits)
    load = histogram(standing)
    total = sum(load) + sum(sizes.values())
    most = max(weights or (0.0,))
    wanted = [weight / most for weight in weights] if weights and most else [1.0] * DECILES
    whole = sum(wanted)
    flow.level([total * weight / whole for weight in wanted], load)
    return flow.quotas(seed)


def even(positions: Sequence[Position]) -> list[int]:
    """The histogram of as many gold segments, as even as their numbers of segments allow."""
    flow = _Flow(Counter(count for _, count in positions), 0, None)
    load = [0] * DECILES
    flow.level([len(positions) / DECILES] * DECILES, load)
    return load


class _Flow:
    """How many rows of each number of segments stand in each tenth, and how many may."""

    def __init__(self, sizes: Mapping[int, int], seed: int, limits: Quotas | None) -> None:
        self._rotation = {count: _rotation(count, rows, seed, limits) for count, rows in sizes.items()}
        self._limits = limits
        self._rows: dict[int, dict[int, int]] = {}
        self._most: dict[int, dict[int, int]] = {}
        for count, places in self._rotation.items():
            by_decile = places_by_decile(count)
            self._rows[count] = {tenth: sum(places[place] for place in found) for tenth, found in by_decile.items()}
            self._most[count] = {
                tenth: sum(limits[count][place] for place in found) if limits else sizes[count]
                for tenth, found in by_decile.items()
            }

    def level(self, wanted: Sequence[float], load: list[int]) -> None:
        """Push rows from tenths with too many to tenths with too few; load counts along, from what stands there."""
        for rows in self._rows.values():
            for tenth, n in rows.items():
                load[tenth] += n
        while True:
            crowded = sorted(range(DECILES), key=lambda tenth: wanted[tenth] - load[tenth])
            for source in crowded:
                path = self._path(source, [n - want for n, want in zip(load, wanted, strict=True)])
                if path:
                    break
            else:
                return
            target = path[-1][2]
            gap = (load[source] - wanted[source]) - (load[target] - wanted[target])
            most = min(
                min(self._rows[count][start], self._most[count][end] - self._rows[count][end])
                for count, start, end in path
            )
            n = max(1, min(most, math.floor(gap / 2)))
            for count, start, end in path:
                self._rows[count][start] -= n
                self._rows[count][end] += n
            load[source] -= n
            load[target] += n

    def _path(self, source: int, excess: list[float]) -> list[tuple[int, int, int]]:
        """The steps (rows of so many segments, from tenth, to tenth) to the emptiest tenth that gains; [] for none."""
        came: dict[int, tuple[int, int, int]] = {}
        ahead = deque([source])
        while ahead:
            start = ahead.popleft()
            for count, rows in self._rows.items():
                if rows.get(start, 0) <= 0:
                    continue
                for end, n in rows.items():
                    if end != source and end not in came and n < self._most[count][end]:
                        came[end] = (count, start, end)
                        ahead.append(end)
        if not came:
            return []
        target = min(came, key=lambda tenth: (excess[tenth], tenth))
        if excess[source] - excess[target] <= 1 + _NOTHING:
            return []
        path = [came[target]]
        while path[-1][1] != source:
            path.append(came[path[-1][1]])
        return path[::-1]

    def quotas(self, seed: int) -> Quotas:
        """Rows by place: those of a tenth shared among its places, as before where the tenth kept its number."""
        found: Quotas = {}
        for count, rows in self._rows.items():
            places = self._rotation[count]
            for tenth, members in places_by_decile(count).items():
                if sum(places[place] for place in members) != rows[tenth]:
                    limits = [self._limits[count][place] if self._limits else rows[tenth] for place in members]
                    for place, n in zip(members, _shared(rows[tenth], limits, f"{seed}/{count}/{tenth}"), strict=True):
                        places[place] = n
            found[count] = places
        return found


def _rotation(count: int, rows: int, seed: int, limits: Quotas | None) -> list[int]:
    """Rows by place when they rotate through all places, from one the seed chooses."""
    if limits is not None:
        return _shared(rows, limits[count], f"{seed}/{count}")
    start = random.Random(f"{seed}/{count}").randrange(count)
    return [rows // count + ((place - start) % count < rows % count) for place in range(count)]


def _shared(rows: int, limits: Sequence[int], seed: str) -> list[int]:
    """rows shared as evenly as the limits allow; who gets one more, the seed says."""
    order = list(range(len(limits)))
    random.Random(seed).shuffle(order)
    found = [0] * len(limits)
    open_places = [place for place in order if limits[place]]
    left = min(rows, sum(limits))
    while left:
        share = max(1, min(left // len(open_places), min(limits[place] - found[place] for place in open_places)))
        for place in open_places[: left if share == 1 else None]:
            found[place] += share
            left -= share
        open_places = [place for place in open_places if found[place] < limits[place]]
    return found


# What chance gives in fewer cases is called lopsided.
_SELDOM = 0.01


class Imbalance(NamedTuple):
    """Pearson's chi-square of the tenths against the most even histogram that these rows could have.

    degrees: of freedom. p: how often chance alone would give as much or more, were the gold segments spread evenly.
    shuffled: the same, were every place of a row as likely: rows of few segments then fill some tenths more than
    others. least: gold segments expected in the least of the tenths; below 5 the test says little.
    """

    chi_square: float
    degrees: int
    p: float
    shuffled: float
    least: float

    @property
    def seldom(self) -> float:
        """How often chance alone would give so much, whichever way it spreads."""
        return max(self.p, self.shuffled)

    @property
    def uneven(self) -> bool:
        """Chance alone would give so much in less than 1 % of cases."""
        return self.degrees > 0 and self.seldom < _SELDOM

    @property
    def as_shuffled(self) -> bool:
        """Not even over the tenths, but as chance leaves it that prefers no place."""
        return self.degrees > 0 and self.p < _SELDOM <= self.shuffled

    @property
    def words(self) -> str:
        """The verdict in a sentence for people."""
        figures = f"chi-square {self.chi_square:.1f}, {self.degrees} degrees of freedom, p {_small(self.p)}"
        if self.degrees == 0:
            return "nothing to compare: gold can only stand in one tenth"
        if self.least < 5 and not self.uneven:
            return f"too few rows to judge by ({figures})"
        if self.uneven:
            return f"lopsided: spread by chance, {_seldom(self.seldom)} would be as uneven ({figures})"
        if self.as_shuffled:
            return f"as if shuffled: no place is preferred, but the tenths are not even ({figures})"
        return f"even enough: spread by chance, {_often(self.p)} would be more uneven ({figures})"


def imbalance(positions: Sequence[Position]) -> Imbalance:
    """How far gold positions are from even, as far as the rows' numbers of segments allow that."""
    observed, expected = histogram(positions), even(positions)
    possible = [(seen, wanted) for seen, wanted in zip(observed, expected, strict=True) if wanted]
    chi_square = _chi_square(possible)
    # A tenth that could be filled, but is not in the most even histogram, does not come up: there it has one row.
    degrees = max(0, len(possible) - 1)
    least = min((wanted for _, wanted in possible), default=0)
    by_chance = [(seen, wanted) for seen, wanted in zip(observed, _shuffled(positions), strict=True) if wanted]
    shuffled = chance(_chi_square(by_chance), len(by_chance) - 1)
    return Imbalance(chi_square, degrees, chance(chi_square, degrees), shuffled, float(least))


def _chi_square(tenths: Iterable[tuple[float, float]]) -> float:
    return sum((seen - wanted) ** 2 / wanted for seen, wanted in tenths)


def _shuffled(positions: Sequence[Position]) -> list[float]:
    """What to expect in each tenth where every place of a row is as likely."""
    found = [0.0] * DECILES
    for count, rows in Counter(count for _, count in positions).items():
        for tenth, places in places_by_decile(count).items():
            found[tenth] += rows * len(places) / count
    return found


def chance(chi_square: float, degrees: int) -> float:
    """The probability that chi-square with so many degrees of freedom is at least so large; 1.0 for no degrees.

    The closed form for whole degrees of freedom (Abramowitz and Stegun, 26.4.4 and 26.4.5).
    """
    if degrees <= 0 or chi_square <= 0:
        return 1.0
    half = chi_square / 2
    odd = degrees % 2
    total = math.erfc(math.sqrt(half)) if odd else 0.0
    term = math.exp(-half) * (math.sqrt(half) / math.gamma(1.5) if odd else 1.0)
    for step in range(1, degrees // 2 + 1):
        total += term
        term *= half / (step + odd / 2)
    return min(1.0, total)


def _small(p: float) -> str:
    return "below 0.0001" if p < 0.0001 else f"{p:.4f}" if p < 0.01 else f"{p:.2f}"


def _seldom(p: float) -> str:
    return f"fewer than 1 dataset in {10_000:,}" if p < 0.0001 else f"1 dataset in {round(1 / p):,}"


def _often(p: float) -> str:
    return "nearly every dataset" if p > 0.995 else f"{max(1, round(100 * p))} in 100 datasets"
