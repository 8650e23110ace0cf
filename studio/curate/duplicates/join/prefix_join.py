"""All pairs of rows whose overlap reaches a threshold, without comparing all pairs: rows are filed under keys of rare
features (see `prefix_keys`), and those under the same key compared. Where thousands of rows stand under one key, such
as those of one template, rows that are connected already are not compared again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from typing import NamedTuple, TypeAlias

import numpy as np

from studio.curate.duplicates.join.bitmaps import Bitmaps, Flags
from studio.curate.duplicates.join.components import Components
from studio.curate.duplicates.join.prefix_keys import AT_ONCE, BITS, Filing, Keys, is_sought, place_of, up_to
from studio.curate.duplicates.overlap import Features, Floats, Ints, reaches, scores, shared, spread

_DENSE = 32
"""When a key has more rows than this, rows that are already in one cluster are not compared again."""
_SMALL = 64
"""A cluster of up to this many rows gets all of its pairs."""
_ENOUGH = 32
"""Once this many pairs per row are found on average, rows of one cluster are not compared again under any key."""


Also: TypeAlias = Callable[[Ints, Ints], tuple[Ints, Ints]]
"""For pairs (left, right): the weight they share by another measure, and the weight of both together by it."""


class Found(NamedTuple):
    """Pairs left[i] < right[i] with their scores.

    partial: rows of clusters so large that some of their pairs are missing (a template with 50,000 fillings has a
    billion); they are connected by the others. Of all other rows every pair is there.
    """

    left: Ints
    right: Ints
    scores: Floats
    partial: Ints


def join(
    of: Features, threshold: Fraction, also: Also | None = None, lone: Flags | None = None
) -> Generator[float, None, Found]:
    """The pairs that reach the threshold, by left and right row; yields the share of the work that is done.

    also: another measure by which a pair must reach it too; the score is then the lower one. lone: flags rows; each
    pair has at least one flagged row. None: all rows.
    """
    search = _Search(of, threshold, also, lone)
    yield from search.run()
    return search.found()


def reaching(
    of: Features, left: Ints, right: Ints, threshold: Fraction, also: Also | None
) -> tuple[Ints, Ints, Floats]:
    """Those of the pairs that reach the threshold, by both measures, and their scores."""
    common, both = shared(of, left, right), of.totals[left] + of.totals[right]
    enough = reaches(common, both, threshold) & (left != right)
    left, right, score = left[enough], right[enough], scores(common, both)[enough]
    if also is not None and len(left):
        common, both = also(left, right)
        enough = reaches(common, both, threshold)
        left, right, score = left[enough], right[enough], np.minimum(score, scores(common, both))[enough]
    return left, right, score


class _Search:
    def __init__(self, of: Features, threshold: Fraction, also: Also | None, lone: Flags | None) -> None:
        self._of, self._threshold, self._also, self._lone = of, threshold, also, lone
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
        seeking = keys[followed & is_sought(keys)]
        if self._lone is None:
            self._meet(seeking, keys)
        else:
            lone = self._lone[self._rows[place_of(seeking)]]
            self._meet(seeking[lone], keys)
            self._meet(seeking[~lone], keys[self._lone[self._rows[place_of(keys)]]])

    def _meet(self, sought: Keys, keys: Keys) -> None:
        """Compare the row of each key in `sought` with the rows of the later keys that have the same hash."""
        places = place_of(sought)
        filing = self._filing
        heaviest = np.searchsorted(filing.weights, filing.heaviest[places], side="right") - 1
        begins = np.searchsorted(keys, sought, side="right")
        ends = np.searchsorted(keys, up_to(sought, heaviest), side="right")
        met = ends > begins
        hashes, places, begins, ends = sought[met] >> np.uint64(BITS), places[met], begins[met], ends[met]
        # The place in sought where each hash begins.
        first = np.flatnonzero(np.diff(hashes, prepend=np.uint64(0)))
        if not len(first):
            return
        many = np.maximum.reduceat(ends, first) - begins[first] >= _DENSE
        of_many = np.repeat(many, np.diff(first, append=len(places)))
        few = np.flatnonzero(~of_many)
        for some in _parts((ends - begins)[few]):
            those = few[some]
            self._pair(keys, places[those], begins[those], ends[those])
        if of_many.any():
            self._meet_many(keys, hashes[of_many], places[of_many], begins[of_many], ends[of_many])

    def _meet_many(self, keys: Keys, hashes: Keys, places: Ints, begins: Ints, ends: Ints) -> None:
        """Keys of many rows: compare the first row of each with all others, then the next 2, 4, 8 ... rows, until all
        rows of the key are connected.
        """
        first = np.flatnonzero(np.diff(hashes, prepend=np.uint64(0)))
        key = np.repeat(np.arange(len(first)), np.diff(first, append=len(places)))
        turn = np.arange(len(places)) - first[key]
        begin, end = begins[first], np.maximum.reduceat(ends, first)
        for low, high in _doubling(int(turn.max()) + 1):
            left_over = self._apart(keys, begin, end, places, first)
            # The remaining rows of a key whose rows are all connected are passed over.
            self._passed_over[self._rows[places[~left_over[key] & (turn >= low)]]] = True
            chosen = np.flatnonzero(left_over[key] & (turn >= low) & (turn < high))
            for some in _parts((ends - begins)[chosen]):
                those = chosen[some]
                self._pair(keys, places[those], begins[those], ends[those], connected=False)
            if not left_over.any():
                return

    def _apart(self, keys: Keys, begins: Ints, ends: Ints, places: Ints, first: Ints) -> Flags:
        """For each i, whether rows of keys[begins[i]:ends[i]] and the places from first[i] on are not connected."""
        of = self._components.of(self._rows[places])
        lowest, highest = np.minimum.reduceat(of, first), np.maximum.reduceat(of, first)
        for some in _parts(ends - begins):
            which, at = spread(begins[some], ends[some])
            of = self._components.of(self._rows[place_of(keys[at])])
            starts = np.flatnonzero(np.diff(which, prepend=-1))
            lowest[some] = np.minimum(lowest[some], np.minimum.reduceat(of, starts))
            highest[some] = np.maximum(highest[some], np.maximum.reduceat(of, starts))
        differ: Flags = lowest != highest
        return differ

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
        left, right, score = reaching(self._of, left, right, self._threshold, self._also)
        self._components.connect(left, right)
        self._pairs.append(np.minimum(left, right) << 32 | np.maximum(left, right))
        self._scores.append(score)
        self._n += len(left)

    def complete(self) -> Ints:
        """Compare the pairs that were passed over in clusters of up to 64 rows; returns the rows of larger clusters."""
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
            left, right = rows[member[some]][which], rows[other]
            if self._lone is not None:
                wanted = self._lone[left] | self._lone[right]
                left, right = left[wanted], right[wanted]
            self._keep(left, right)
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
    """Slices of `sizes` that add up to at most `AT_ONCE`; an entry larger than that is a slice of its own."""
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
