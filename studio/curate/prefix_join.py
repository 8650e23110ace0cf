"""All pairs of rows whose overlap reaches a threshold, without comparing all pairs: rows are filed under keys of rare
features (see `prefix_keys`), and those under the same key compared. Where thousands of rows stand under one key, such
as those of one template, rows that are connected already are not compared again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from studio.curate.bitmaps import Bitmaps
from studio.curate.components import Components
from studio.curate.overlap import Features, Floats, Ints, reaches, scores, shared, spread
from studio.curate.prefix_keys import AT_ONCE, BITS, Filing, Keys, is_sought, place_of, up_to

_DENSE = 32
"""Of more rows than this under one key, those that are in one cluster already are not compared again."""
_SMALL = 64
"""Up to so many rows a cluster has all its pairs."""
_ENOUGH = 32
"""Pairs found for each row on average, from which on the same holds everywhere."""


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
        self._filing = Filing(of, threshold)
        self._rows = self._filing.rows
        self._components = Components(of.n)
        self._bitmaps: Bitmaps | None = None
        self._pairs: list[Ints] = []
        self._scores: list[Floats] = []
        self._n, self._seen = 0, 0
        self._passed_over = np.zeros(of.n, bool)

    def run(self) -> Iterator[float]:
        for keys, share in self._filing.parts():
            self._compare(keys)
            yield share

    def _compare(self, keys: Keys) -> None:
        hashes = keys >> np.uint64(BITS)
        followed = np.zeros(len(keys), bool)
        np.equal(hashes[1:], hashes[:-1], out=followed[:-1])
        at = np.flatnonzero(followed & is_sought(keys))
        places = place_of(keys[at])
        filing = self._filing
        heaviest = np.searchsorted(filing.weights, filing.heaviest[places], side="right") - 1
        ends = np.searchsorted(keys, up_to(keys[at], heaviest), side="right")
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

    def _compare_many(self, keys: Keys, places: Ints, at: Ints, ends: Ints) -> None:
        """Keys of many rows: the foremost of each with all others, then more and more of them, until all that are
        alike are connected.
        """
        hashes = keys[at] >> np.uint64(BITS)
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

    def _apart(self, keys: Keys, begins: Ints, ends: Ints) -> Ints:
        """Which of these ranges of keys have rows that are not connected."""
        found: list[Ints] = []
        for some in _parts(ends - begins):
            which, at = spread(begins[some], ends[some])
            of = self._components.of(self._rows[place_of(keys[at])])
            starts = np.flatnonzero(np.diff(which, prepend=-1))
            differ = np.minimum.reduceat(of, starts) != np.maximum.reduceat(of, starts)
            found.append(which[starts][differ] + some.start)
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def _pair(self, keys: Keys, places: Ints, begins: Ints, ends: Ints, *, connected: bool = True) -> None:
        """Compare the rows at places[i] with those under keys[begins[i]:ends[i]]."""
        which, at = spread(begins, ends)
        pairs = places[which] << 32 | place_of(keys[at])
        pairs = _unique(pairs)
        left, right = self._rows[pairs >> 32], self._rows[pairs & 0xFFFFFFFF]
        if not connected or self._n > _ENOUGH * self._of.n:
            apart = self._components.of(left) != self._components.of(right)
            self._passed_over[left[~apart]] = True
            left, right = left[apart], right[apart]
        self._seen += len(left)
        if self._bitmaps is None and self._seen > self._of.n:
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
        of = self._components.of(np.arange(self._of.n))
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
        end = max(begin + 1, int(np.searchsorted(upto, before + AT_ONCE, side="right")))
        yield slice(begin, end)
        begin = end


def _doubling(n: int) -> Iterator[tuple[int, int]]:
    """0 to n in ranges, each twice as long as the one before."""
    low, step = 0, 1
    while low < n:
        yield low, low + step
        low, step = low + step, step * 2
