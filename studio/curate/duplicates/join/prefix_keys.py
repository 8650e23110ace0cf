"""Under which keys rows are filed, so that rows whose overlap reaches a threshold meet under one of them.

A row's features stand in one order, the rarest first. If two rows share enough weight, the *first two* features they
share stand near the front of both: the common weight must fit into the first one and what follows from the second one
on. So each row is filed under the pairs of features that could be first and second there: the prefix filter (Chaudhuri
et al. 2006, Bayardo et al. 2007) on pairs of rare terms, which hardly any two strangers have in common.

Of rows that weigh V <= W the common weight must reach t·(V + W) / 2, so at least t·V (for the lighter row, which is
*sought*) and t / (2 - t)·W (for the heavier one, which *seeks*). Where one feature alone can be enough, and for heavy
rows, of which the pairs would be too many, single features are filed too.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from studio.curate.duplicates.overlap import Features, Ints, Small, spread

Keys: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]
"""A hash of features, the place of a row among all rows by weight, and whether it is sought, in one number: sorted, the
rows under one hash stand together, the lightest first."""

_PAIRS = 64
"""Pairs of features a row is filed under, on average, at most."""
AT_ONCE = 1 << 19
"""Keys, and pairs of rows, that are in memory at a time: some 15 MB."""
BITS = 25
"""Bits of a key that are not hash."""


class _Fronts(NamedTuple):
    """Entries that could be the first one their row shares with another row, sorted by feature.

    seeks, sought: how many of the next entries could be the second one, for a row that seeks and for one that is
    sought. low: the lower bits of the entry's keys: the place of its row, and 0 for the bit that marks a sought row.
    """

    entries: Ints
    ranks: Small
    seeks: Ints
    sought: Ints
    low: Keys
    alone: Ints

    def part(self, begin: int, end: int) -> _Fronts:
        """Some of them."""
        some = slice(begin, end)
        return _Fronts(
            self.entries[some],
            self.ranks[some],
            self.seeks[some],
            self.sought[some],
            self.low[some],
            self.alone[some],
        )


class Filing:
    """The keys of rows for a threshold. places: the place of each row in the order of weight. rows, weights: the row
    and the weight at each place.
    """

    def __init__(self, of: Features, threshold: Fraction) -> None:
        self._of = of
        over, under = threshold.numerator, threshold.denominator
        totals = of.totals
        self.rows = np.argsort(totals, kind="stable")
        self.places = np.empty_like(self.rows)
        self.places[self.rows] = np.arange(len(totals))
        self.weights = totals[self.rows]
        self.heaviest = self.weights * (2 * under - over) // over
        """For each place, the weight of the heaviest row that can still reach the threshold with its row."""
        self._sought = -(-over * totals // under)
        self._seeks = -(-over * totals // (2 * under - over))
        self._upto = np.zeros(len(of.ranks) + 1, np.int64)
        np.cumsum(of.weights[of.ranks], out=self._upto[1:])

    def parts(self) -> Iterator[tuple[Keys, float]]:
        """The keys in sorted parts, those of one hash in one part; and the share of the work that is done."""
        fronts = self._fronts()
        first, second = _scattered(len(self._of.weights))
        work = np.cumsum(fronts.seeks + 1)
        begin = 0
        while begin < len(work):
            end = int(np.searchsorted(work, (work[begin - 1] if begin else 0) + AT_ONCE, side="right"))
            # No feature is cut in two.
            last = fronts.ranks[min(max(end, begin + 1), len(work)) - 1]
            end = int(np.searchsorted(fronts.ranks, last, side="right"))
            yield self._keys(fronts.part(begin, end), first, second), float(work[end - 1] / work[-1])
            begin = end

    def _fronts(self) -> _Fronts:
        of, upto = self._of, self._upto
        ends = upto[of.starts[1:]]
        # The weight from an entry to the end of its row shrinks along the row; the front ends where it is too little.
        last = np.searchsorted(upto[:-1], ends - self._seeks, side="right")
        rows, entries = spread(of.starts[:-1], np.minimum(last, of.starts[1:]))
        ranks = of.ranks[entries]
        own, end, stop = of.weights[ranks].astype(np.int64), ends[rows], of.starts[rows + 1]
        seeks = self._behind(entries, end - self._seeks[rows] + own, stop)
        need = self._sought[rows]
        in_front = end - upto[entries] >= need
        sought = np.where(in_front, self._behind(entries, end - need + own, stop), 0)
        most = self._most(rows, seeks)
        heavy = of.totals[rows] > most
        sought[heavy] = 0
        seeks[self._seeks[rows] > most] = 0
        # 0: not filed alone; 1: it seeks; 2: it is sought as well.
        alone = np.where(heavy, 1 + in_front, np.where(own >= self._seeks[rows], 1 + (own >= need), 0))
        low = self.places[rows].astype(np.uint64) << np.uint64(1)
        # Sorted by feature, so that one part holds all keys whose first feature it is.
        order = np.argsort(ranks, kind="stable")
        return _Fronts(entries[order], ranks[order], seeks[order], sought[order], low[order], alone[order])

    def _behind(self, entries: Ints, limits: Ints, stop: Ints) -> Ints:
        """How many of the next entries could be the second one: those with at most the limit's weight before them."""
        last = np.searchsorted(self._upto[:-1], limits, side="right")
        return np.maximum(np.minimum(last, stop) - entries - 1, 0)

    def _most(self, rows: Ints, pairs: Ints) -> int:
        """The weight up to which rows are sought by pairs of features."""
        by_place = np.bincount(self.places[rows], weights=pairs, minlength=len(self.weights))
        within = int(np.searchsorted(np.cumsum(by_place), _PAIRS * len(self.weights) + AT_ONCE))
        return int(self.weights[min(within, len(self.weights) - 1)]) if len(self.weights) else 0

    def _keys(self, fronts: _Fronts, first: Keys, second: Keys) -> Keys:
        begins = fronts.entries + 1
        which, at = spread(begins, begins + fronts.seeks)
        with np.errstate(over="ignore"):
            hashes = first[fronts.ranks][which] + second[self._of.ranks[at]]
        pairs = _packed(hashes, fronts.low[which], at < (begins + fronts.sought)[which])
        alone = np.flatnonzero(fronts.alone)
        singles = _packed(first[fronts.ranks[alone]], fronts.low[alone], fronts.alone[alone] == 2)
        keys = np.concatenate([pairs, singles])
        keys.sort()
        return keys


def up_to(keys: Keys, places: Ints) -> Keys:
    """For each key, the greatest key with its hash that a row at this place, or before it, can have."""
    return _packed(keys, places.astype(np.uint64) << np.uint64(1), np.ones(len(keys), bool))


def place_of(keys: Keys) -> Ints:
    """The place of each key's row."""
    return ((keys & np.uint64((1 << BITS) - 1)) >> np.uint64(1)).astype(np.int64)


def is_sought(keys: Keys) -> Any:
    """Whether each key is of a row that is sought."""
    return keys & np.uint64(1) == 1


def _packed(hashes: Keys, low: Keys, sought: Any) -> Keys:
    keys: Keys = hashes >> np.uint64(BITS) << np.uint64(BITS) | low | sought
    return keys


def _scattered(n: int) -> tuple[Keys, Keys]:
    """Two numbers for each feature, one as the first of a pair, one as the second (splitmix64)."""
    with np.errstate(over="ignore"):
        numbers = np.arange(1, 2 * n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        numbers ^= numbers >> np.uint64(31)
    return numbers[:n], numbers[n:]
