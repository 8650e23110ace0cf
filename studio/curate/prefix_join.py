"""All pairs of rows whose overlap reaches a threshold, without comparing all pairs.

A row's features stand in one order, the rarest first. If two rows share enough weight, the *first two* features they
share stand near the front of both: the common weight must fit into the first one and what follows from the second one
on. So each row is filed under the pairs of features that could be first and second there, and only rows filed under
the same pair are compared: the prefix filter (Chaudhuri et al. 2006, Bayardo et al. 2007) on pairs of rare terms, which
hardly any two strangers have in common.

Of rows that weigh V <= W the common weight must reach t·(V + W) / 2, so at least t·V (for the lighter row, which is
*sought*) and t / (2 - t)·W (for the heavier one, which *seeks*). Where one feature alone can be enough, and for heavy
rows, of which the pairs would be too many, single features are filed too.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from studio.curate.bitmaps import Bitmaps
from studio.curate.components import Components
from studio.curate.overlap import Features, Floats, Ints, reaches, scores, shared, spread

_Keys: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]

_PAIRS = 64
"""Pairs of features a row is filed under, on average, at most."""
_AT_ONCE = 1 << 19
"""Keys, and pairs of rows, that are in memory at a time: some 15 MB."""
_DENSE = 32
"""Of more rows than this under one key, those that are in one cluster already are not compared again."""
_SMALL = 64
"""Up to so many rows a cluster has all its pairs."""
_ENOUGH = 32
"""Pairs found for each row on average, from which on the same holds everywhere."""
_BITS = 25
MOST_ROWS = 1 << (_BITS - 1)


class Found(NamedTuple):
    """Pairs left[i] < right[i] with their scores.

    partial: rows of clusters so large that some of their pairs are missing (a template with 50,000 fillings has a
    billion); they are connected by the others. Of all other rows every pair is there.
    """

    left: Ints
    right: Ints
    scores: Floats
    partial: Ints


def join(of: Features, threshold: Fraction) -> Generator[float, None, Found]:
    """The pairs that reach the threshold, by left and right row; yields the share of the work that is done."""
    search = _Search(of, threshold)
    yield from search.run()
    return search.found()


class _Search:
    def __init__(self, of: Features, threshold: Fraction) -> None:
        self._of, self._threshold = of, threshold
        totals = of.totals
        # Rows by weight: the place of a row among them is what keys hold.
        self._rows = np.argsort(totals, kind="stable")
        self._places = np.empty_like(self._rows)
        self._places[self._rows] = np.arange(len(totals))
        self._sorted = totals[self._rows]
        over, under = threshold.numerator, threshold.denominator
        self._sought = -(-over * totals // under)
        self._seeks = -(-over * totals // (2 * under - over))
        # The heaviest row that could be a partner of one that weighs so much.
        self._heaviest = self._sorted * (2 * under - over) // over
        self._upto = np.zeros(len(of.ranks) + 1, np.int64)
        np.cumsum(of.weights[of.ranks], out=self._upto[1:])
        self._components = Components(len(totals))
        self._bitmaps: Bitmaps | None = None
        self._pairs: list[Ints] = []
        self._scores: list[Floats] = []
        self._n, self._seen = 0, 0
        self._passed_over = np.zeros(len(totals), bool)

    # -- keys ------------------------------------------------------------------------------------

    def run(self) -> Iterator[float]:
        entries, rows = self._front()
        second = self._second(entries, rows)
        sizes = np.maximum(second - entries - 1, 0)
        most = self._most(rows, sizes)
        in_pairs = self._seeks[rows] <= most
        sizes[~in_pairs] = 0
        # Entries by their feature, so that a part of them holds all keys that begin with it.
        order = np.argsort(self._of.ranks[entries], kind="stable")
        entries, rows, sizes, in_pairs = entries[order], rows[order], sizes[order], in_pairs[order]
        ranks = self._of.ranks[entries]
        work = np.cumsum(sizes + 1)
        begin = 0
        while begin < len(entries):
            end = int(np.searchsorted(work, (work[begin - 1] if begin else 0) + _AT_ONCE, side="right"))
            # No feature is cut in two.
            end = int(np.searchsorted(ranks, ranks[min(max(end, begin + 1), len(ranks)) - 1], side="right"))
            self._compare(self._filed(entries[begin:end], rows[begin:end], sizes[begin:end], most))
            yield float(work[end - 1] / work[-1])
            begin = end

    def _front(self) -> tuple[Ints, Ints]:
        """Entries that could be the first that their row shares with another, and their rows."""
        ends = self._upto[self._of.starts[1:]]
        # What follows from an entry on shrinks along the row, so the front ends where it falls below what is needed.
        last = np.searchsorted(self._upto[:-1], ends - self._seeks, side="right")
        rows, entries = spread(self._of.starts[:-1], np.minimum(last, self._of.starts[1:]))
        return entries, rows

    def _second(self, entries: Ints, rows: Ints) -> Ints:
        """Behind the last entry that could be the second one shared, when this entry is the first."""
        ends = self._upto[self._of.starts[rows + 1]]
        own = self._of.weights[self._of.ranks[entries]]
        last = np.searchsorted(self._upto[:-1], ends - self._seeks[rows] + own, side="right")
        return np.minimum(last, self._of.starts[rows + 1])

    def _most(self, rows: Ints, sizes: Ints) -> int:
        """The weight up to which rows are sought by pairs of features."""
        pairs = np.bincount(self._places[rows], weights=sizes, minlength=len(self._sorted))
        within = int(np.searchsorted(np.cumsum(pairs), _PAIRS * len(self._sorted) + _AT_ONCE))
        return int(self._sorted[min(within, len(self._sorted) - 1)]) if len(self._sorted) else 0

    def _filed(self, entries: Ints, rows: Ints, sizes: Ints, most: int) -> _Keys:
        """The keys of these first entries, sorted: a hash of the features, the row's place, whether it is sought."""
        ranks, rest = self._of.ranks, self._upto
        own = self._of.weights[ranks[entries]]
        which, second = spread(entries + 1, entries + 1 + sizes)
        first_of, row_of = entries[which], rows[which]
        end = rest[self._of.starts[row_of + 1]]
        need = self._sought[row_of]
        sought = (end - rest[first_of] >= need) & (end - rest[second] + own[which] >= need)
        sought &= self._of.totals[row_of] <= most
        pairs = _packed(_hashed(ranks[first_of], ranks[second]), self._places[row_of], sought)
        # Alone: where it can be enough, and of heavy rows always.
        heavy = self._of.totals[rows] > most
        alone = heavy | (own >= self._seeks[rows])
        entries, rows, own, heavy = entries[alone], rows[alone], own[alone], heavy[alone]
        need = self._sought[rows]
        sought = np.where(heavy, rest[self._of.starts[rows + 1]] - rest[entries] >= need, own >= need)
        singles = _packed(_hashed(ranks[entries], None), self._places[rows], sought)
        keys = np.concatenate([pairs, singles])
        keys.sort()
        return keys

    # -- rows under the same key -----------------------------------------------------------------

    def _compare(self, keys: _Keys) -> None:
        hashes = keys >> np.uint64(_BITS)
        followed = np.zeros(len(keys), bool)
        np.equal(hashes[1:], hashes[:-1], out=followed[:-1])
        at = np.flatnonzero(followed & (keys & np.uint64(1) == 1))
        places = _place(keys[at])
        heaviest = np.searchsorted(self._sorted, self._heaviest[places], side="right") - 1
        ends = np.searchsorted(keys, _packed(keys[at], heaviest, np.True_), side="right")
        sizes = ends - at - 1
        # Where a key begins among those that are sought.
        first = np.flatnonzero(np.diff(hashes[at], prepend=np.uint64(0)))
        if not len(first):
            return
        many = np.maximum.reduceat(ends, first) - at[first] > _DENSE
        of_many = np.repeat(many, np.diff(first, append=len(at)))
        few = np.flatnonzero(~of_many)
        for some in _parts(sizes[few]):
            self._pair(keys, places[few[some]], at[few[some]] + 1, ends[few[some]])
        if of_many.any():
            self._compare_many(keys, places[of_many], at[of_many], ends[of_many])

    def _compare_many(self, keys: _Keys, places: Ints, at: Ints, ends: Ints) -> None:
        """Keys of many rows: the foremost of each with all others, then more and more of them, until all that are
        alike are connected.
        """
        hashes = keys[at] >> np.uint64(_BITS)
        first = np.flatnonzero(np.diff(hashes, prepend=np.uint64(0)))
        key = np.repeat(np.arange(len(first)), np.diff(first, append=len(at)))
        turn = np.arange(len(at)) - first[key]
        begins, upto = at[first], np.maximum.reduceat(ends, first)
        for low, high in _doubling(int(turn.max()) + 1):
            left_over = np.zeros(len(first), bool)
            left_over[self._apart(keys, begins, upto)] = True
            # What is left of a key whose rows are all connected is not looked at.
            self._passed_over[self._rows[places[~left_over[key] & (turn >= low)]]] = True
            chosen = np.flatnonzero(left_over[key] & (turn >= low) & (turn < high))
            for some in _parts((ends - at)[chosen]):
                those = chosen[some]
                self._pair(keys, places[those], at[those] + 1, ends[those], connected=False)
            if not left_over.any():
                return

    def _apart(self, keys: _Keys, begins: Ints, ends: Ints) -> Ints:
        """Which of these ranges of keys have rows that are not connected."""
        found: list[Ints] = []
        for some in _parts(ends - begins):
            which, at = spread(begins[some], ends[some])
            of = self._components.of(self._rows[_place(keys[at])])
            starts = np.flatnonzero(np.diff(which, prepend=-1))
            differ = np.minimum.reduceat(of, starts) != np.maximum.reduceat(of, starts)
            found.append(which[starts][differ] + some.start)
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def _pair(self, keys: _Keys, places: Ints, begins: Ints, ends: Ints, *, connected: bool = True) -> None:
        """Compare the rows at places[i] with those under keys[begins[i]:ends[i]]."""
        which, at = spread(begins, ends)
        pairs = places[which] << 32 | _place(keys[at])
        pairs = _unique(pairs)
        left, right = self._rows[pairs >> 32], self._rows[pairs & 0xFFFFFFFF]
        if not connected or self._n > _ENOUGH * len(self._sorted):
            apart = self._components.of(left) != self._components.of(right)
            self._passed_over[left[~apart]] = True
            left, right = left[apart], right[apart]
        self._seen += len(left)
        if self._bitmaps is None and self._seen > len(self._sorted):
            self._bitmaps = Bitmaps(self._of)
        if self._bitmaps is not None:
            passed = self._bitmaps.may_reach(left, right, self._threshold)
            left, right = left[passed], right[passed]
        self._keep(left, right)

    def _keep(self, left: Ints, right: Ints) -> None:
        common, both = shared(self._of, left, right), self._of.totals[left] + self._of.totals[right]
        enough = reaches(common, both, self._threshold) & (left != right)
        left, right = left[enough], right[enough]
        self._components.connect(left, right)
        self._pairs.append(np.minimum(left, right) << 32 | np.maximum(left, right))
        self._scores.append(scores(common, both)[enough])
        self._n += len(left)

    def complete(self) -> Ints:
        """Compare what was passed over in small clusters; returns the rows of the others."""
        of = self._components.of(np.arange(len(self._sorted)))
        passed = np.isin(of, of[self._passed_over])
        rows = np.flatnonzero(passed)
        rows = rows[np.argsort(of[rows], kind="stable")]
        begins = np.flatnonzero(np.diff(of[rows], prepend=-1))
        ends = np.append(begins[1:], len(rows)).astype(np.int64)
        small = ends - begins <= _SMALL
        group, member = spread(begins[small], ends[small])
        for some in _parts(ends[small][group] - member):
            which, other = spread(member[some] + 1, ends[small][group][some])
            self._keep(rows[member[some]][which], rows[other])
        _, large = spread(begins[~small], ends[~small])
        return np.sort(rows[large])

    def found(self) -> Found:
        partial = self.complete()
        pairs, order = np.unique(np.concatenate([np.zeros(0, np.int64), *self._pairs]), return_index=True)
        return Found(pairs >> 32, pairs & 0xFFFFFFFF, np.concatenate([np.zeros(0), *self._scores])[order], partial)


def _hashed(first: Any, second: Any) -> _Keys:
    """One number for a feature, or for two in this order; equal ones by chance only make more work."""
    with np.errstate(over="ignore"):
        number: _Keys = (first.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        if second is not None:
            number += (second.astype(np.uint64) + np.uint64(1)) * np.uint64(0xC2B2AE3D27D4EB4F)
        number = (number ^ (number >> np.uint64(31))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(29))


def _packed(hashes: _Keys, places: Ints, sought: Any) -> _Keys:
    """hash, place, sought in one number, which sort in this order; of `hashes` only the upper bits are taken."""
    low: _Keys = places.astype(np.uint64) << np.uint64(1) | np.asarray(sought).astype(np.uint64)
    return hashes >> np.uint64(_BITS) << np.uint64(_BITS) | low


def _place(keys: _Keys) -> Ints:
    return ((keys & np.uint64((1 << _BITS) - 1)) >> np.uint64(1)).astype(np.int64)


def _unique(numbers: Ints) -> Ints:
    numbers = np.sort(numbers)
    first = np.ones(len(numbers), bool)
    np.not_equal(numbers[1:], numbers[:-1], out=first[1:])
    return numbers[first]


def _parts(sizes: Ints) -> Iterator[slice]:
    """Slices of a list whose sizes add up to no more than what is held at a time, or hold one."""
    upto = np.cumsum(sizes)
    begin = 0
    while begin < len(sizes):
        before = int(upto[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(upto, before + _AT_ONCE, side="right")))
        yield slice(begin, end)
        begin = end


def _doubling(n: int) -> Iterator[tuple[int, int]]:
    """0 to n in ranges, each twice as long as the one before."""
    low, step = 0, 1
    while low < n:
        yield low, low + step
        low, step = low + step, step * 2
