"""Tenths of a context: where gold segments stand over a whole dataset, and how rows can fill all tenths evenly.

A row with n segments offers n places, each of which lies in one tenth: the first in 0, the last in 9. Rows of 10 reach
every tenth, rows of 3 only tenths 0, 5 and 9. So rows of one number of segments after the other go to the emptiest of
the tenths that they reach, over and over until nothing changes.
"""

from __future__ import annotations

import math
import random
from collections import Counter
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


Quotas = dict[int, list[int]]
"""By number of segments, how many rows go to each of their places."""
_ROUNDS = 60


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
    wanted; None: equally often. standing: gold segments that stay where they are, and count. limits: as many at a
    place at most. What does not come out even, the seed shares out.
    """
    load = histogram(standing)
    total = sum(load) + sum(sizes.values())
    most = max(weights or (0.0,))
    wanted = [weight / most for weight in weights] if weights and most else [1.0] * DECILES
    whole = sum(wanted)
    room = {count: limits[count] if limits else [rows] * count for count, rows in sizes.items()}
    tenths = _levelled(sizes, load, [total * weight / whole for weight in wanted], room, seed)
    found: Quotas = {count: [0] * count for count in sizes}
    for count, by_tenth in tenths.items():
        for tenth, places in places_by_decile(count).items():
            vessels = {place: (0.0, room[count][place]) for place in places}
            for place, n in _poured(by_tenth[tenth], vessels, f"{seed}/{count}/{tenth}").items():
                found[count][place] = n
    return found


def even(positions: Sequence[Position]) -> list[int]:
    """The histogram of as many gold segments, as even as their numbers of segments allow."""
    load = [0] * DECILES
    sizes = Counter(count for _, count in positions)
    room = {count: [rows] * count for count, rows in sizes.items()}
    _levelled(sizes, load, [len(positions) / DECILES] * DECILES, room, 0)
    return load


def _levelled(
    sizes: Mapping[int, int], load: list[int], wanted: Sequence[float], room: Quotas, seed: int
) -> dict[int, dict[int, int]]:
    """By number of segments, how many rows go to each tenth. load: what stands there; it counts along.

    room: how many rows each place can take.
    """
    found = {count: dict.fromkeys(places_by_decile(count), 0) for count in sizes}
    for turn in range(_ROUNDS):
        before = list(load)
        for count in sorted(sizes, reverse=turn % 2 == 1):
            for tenth, n in found[count].items():
                load[tenth] -= n
            vessels = {
                tenth: (load[tenth] - wanted[tenth], sum(room[count][place] for place in places))
                for tenth, places in places_by_decile(count).items()
            }
            found[count] = _poured(sizes[count], vessels, f"{seed}/{count}")
            for tenth, n in found[count].items():
                load[tenth] += n
        if load == before:
            break
    return found


def _poured(rows: int, vessels: Mapping[int, tuple[float, int]], seed: str) -> dict[int, int]:
    """Rows poured into vessels, each by how high it is filled and what room it has: always into the lowest one.

    Of those that are as low, the seed says which one is the first.
    """
    order = list(vessels)
    random.Random(seed).shuffle(order)
    found = dict.fromkeys(vessels, 0)
    while rows and (free := [one for one in order if found[one] < vessels[one][1]]):
        height = {one: vessels[one][0] + found[one] for one in free}
        lowest = min(height.values())
        group = sorted((one for one in free if height[one] < lowest + 1), key=height.__getitem__)
        above = min((height[one] for one in free if height[one] >= lowest + 1), default=lowest + rows)
        least = min(vessels[one][1] - found[one] for one in group)
        step = max(1, min(rows // len(group), int(above - lowest), least))
        for one in group[:rows]:
            found[one] += step
            rows -= step
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
