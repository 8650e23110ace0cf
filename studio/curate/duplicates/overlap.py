"""Likeness of two texts by the terms they share, weighted by rarity: Dice's coefficient over multisets of terms.

    score = 2 · Σ w(shared) / (Σ w(left) + Σ w(right)),   w = ln(1 + N / df)

A term's second occurrence is a feature of its own. df: rows that have the feature. N: rows that have any feature of its
script (words, or single characters), so the weight of a Chinese character does not depend on how many English rows
there are, and the other way round. Words of a template that thousands of rows share weigh next to nothing, so that only
what a row has of its own makes it a duplicate: where ROUGE-L > 0.7 and fuzz.ratio flag a hundred wrong pairs for a true
one in templated data, this flags almost none.

Weights are whole numbers, and thresholds fractions: a decision is exact, whatever the order of the rows.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from studio.errors import UsageError
from studio.text.terms import Encoded

if TYPE_CHECKING:
    from studio.text.terms import Hashes

Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Small: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]
Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

UNIT = 1024
"""A weight of 1.0 as a whole number."""
LOWEST = Fraction(2, 5)
"""Texts less alike than this are not looked for: nearly all share that much."""
_ENTRIES = 1 << 20
"""Features that are compared at a time: their numbers stay in the processor's cache."""


class Features(NamedTuple):
    """The features of n rows, those of a row one after the other, the rarest first.

    starts: n + 1 places, row r has entries starts[r] to starts[r + 1]. ranks: of each entry, its feature; a smaller
    rank is at least as rare. weights: of each feature by its rank. totals: the weight of each row. keys: what feature a
    rank is, see `text.terms.Encoded`.
    """

    starts: Ints
    ranks: Small
    weights: Small
    totals: Ints
    keys: Hashes

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.totals)

    def part(self, rows: Ints) -> Features:
        """The features of these rows alone, with the same ranks and weights."""
        if len(rows) == self.n:
            return self
        _, entries = spread(self.starts[rows], self.starts[rows + 1])
        sizes = np.diff(self.starts)[rows]
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        return self._replace(starts=starts, ranks=self.ranks[entries], totals=self.totals[rows])

    def weighed(self, weights: Small) -> Features:
        """The same features with other weights."""
        return self._replace(weights=weights, totals=_sums(weights[self.ranks], self.starts))


def threshold_of(value: float | Fraction) -> Fraction:
    """A threshold as the decimal it was written as, to four places. Raises UsageError for one that finds everything."""
    if not LOWEST <= value <= 1:
        raise UsageError(f"A threshold of overlap lies between {float(LOWEST)} and 1; {float(value):g} does not.")
    return value if isinstance(value, Fraction) else Fraction(repr(value)).limit_denominator(10_000)


def features(encoded: Encoded, n: int) -> Features:
    """The features of n encoded rows; a row without terms has none and weighs 0."""
    keys, numbers = _numbered(encoded.features)
    found = np.bincount(numbers, minlength=len(keys))
    by_rarity = np.argsort(found, kind="stable").astype(np.int32)
    rank_of = np.empty_like(by_rarity)
    rank_of[by_rarity] = np.arange(len(by_rarity), dtype=np.int32)
    entries = encoded.rows.astype(np.int64) << 32
    entries |= rank_of[numbers]
    del numbers
    entries.sort()
    ranks = entries.astype(np.uint32).view(np.int32)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(encoded.rows, minlength=n))])
    weights = weigh(found[by_rarity], rows_of(encoded.rows, encoded.features)[script_of(keys[by_rarity])])
    return Features(starts, ranks, weights, _sums(weights[ranks], starts), keys[by_rarity])


def rows_of(rows: Any, features: Hashes) -> Ints:
    """How many rows have a feature of each script: words, single characters. rows: of each feature, its row."""
    script = script_of(features)
    return np.array([np.count_nonzero(np.bincount(rows[script == one])) for one in (0, 1)])


def script_of(features: Hashes) -> Ints:
    """The place of each feature's script in `rows_of`, see `text.terms.Encoded`."""
    return (features & np.uint64(1)).astype(np.int64)


def weigh(found: Any, n: Any) -> Small:
    """The weight of a feature that `found` of n rows have."""
    weights: Small = np.rint(UNIT * np.log1p(n / np.maximum(found, 1))).astype(np.int32)
    return weights


def _numbered(features: Hashes) -> tuple[Hashes, Small]:
    """The different features in ascending order, and the place of each feature among them."""
    # Sorting takes a fifth of the time that np.unique takes.
    known = np.sort(features)
    known = known[np.concatenate([np.ones(min(len(known), 1), bool), known[1:] != known[:-1]])]
    # Hashes are spread evenly: their upper bits lead to the place, or just before it.
    bits = max(1, len(known).bit_length() + 1)
    before = np.bincount((known >> np.uint64(64 - bits)).astype(np.int64), minlength=1 << bits)
    places = (np.cumsum(before) - before).astype(np.int32)[features >> np.uint64(64 - bits)]
    wrong = np.flatnonzero(known[places] != features) if len(features) else places
    while len(wrong):
        places[wrong] += 1
        wrong = wrong[known[places[wrong]] != features[wrong]]
    return known, places


def _sums(values: Small, starts: Ints) -> Ints:
    """The sum of each row's values."""
    upto = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=upto[1:])
    return upto[starts[1:]] - upto[starts[:-1]]


def shared(of: Features, left: Ints, right: Ints) -> Ints:
    """The weight that the rows left[i] and right[i] have in common, for each i."""
    found = np.zeros(len(left), np.int64)
    sizes = np.diff(of.starts)
    upto = np.cumsum(sizes[left] + sizes[right])
    begin = 0
    while begin < len(left):
        before = upto[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(upto, before + _ENTRIES, side="right")))
        found[begin:end] = _shared(of, left[begin:end], right[begin:end])
        begin = end
    return found


def _shared(of: Features, left: Ints, right: Ints) -> Ints:
    keys = np.concatenate([_keys(of, left), _keys(of, right)])
    keys.sort()
    twice = keys[1:][keys[1:] == keys[:-1]]
    sums = np.bincount(twice >> 32, weights=of.weights[twice & 0xFFFFFFFF], minlength=len(left))
    return sums.astype(np.int64)


def _keys(of: Features, rows: Ints) -> Ints:
    """The features of these rows, each with the place of its row in `rows`."""
    places, entries = spread(of.starts[rows], of.starts[rows + 1])
    return places << 32 | of.ranks[entries]


def spread(begins: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Every number of the ranges begins[i] to ends[i], and its i."""
    sizes = np.maximum(ends - begins, 0)
    places = np.repeat(np.arange(len(sizes)), sizes)
    before = np.cumsum(sizes) - sizes
    return places, np.arange(len(places)) + np.repeat(begins - before, sizes)


def reaches(common: Ints, both: Ints, threshold: Fraction) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether a common weight of rows that weigh `both` together makes a score of at least the threshold."""
    return 2 * common * threshold.denominator >= both * threshold.numerator


def scores(common: Ints, both: Ints) -> Floats:
    """Scores, 0.0 to 1.0; of rows that weigh nothing 0.0."""
    return 2 * common / np.maximum(both, 1)
