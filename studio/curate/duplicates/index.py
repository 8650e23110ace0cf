"""The rows of a project filed by their terms, so that a new or edited row is compared with all of them at once.

A search writes arrays to disk; the index maps them instead of reading them, so opening takes no time. Rows that came or
changed since the search are kept in memory. Weights stay those of the search: they hardly change before the next one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from studio.curate.duplicates.overlap import UNIT, Features, Ints, Small, features, rows_of, spread, threshold_of, weigh
from studio.text.terms import Encoded, encode, terms

Arrays: TypeAlias = Mapping[str, np.ndarray[Any, Any]]
Feature: TypeAlias = int
"""A term and which occurrence of it, as a hash of 64 bits."""
Passing: TypeAlias = Callable[[Sequence[int]], Collection[int]]
_Hit: TypeAlias = tuple[float, int, int | None]
_AT_ONCE = 256
"""Texts whose rows are passed to one call of `passing`."""


class Near(NamedTuple):
    """A row and its score, over 0.0 to 1.0."""

    row: int
    score: float


class _Text(NamedTuple):
    """The features of a text with their weights, the rarest first."""

    features: list[Feature]
    weights: list[int]
    total: int


def arrays_of(of: Features, members: Sequence[Sequence[int]]) -> Arrays:
    """The arrays that an index opens with. members: for each compared text, the rows that have it."""
    order = np.argsort(of.keys)
    entries = np.argsort(of.ranks, kind="stable")
    texts = np.repeat(np.arange(of.n, dtype=np.int32), np.diff(of.starts))
    sizes = np.array([len(rows) for rows in members], np.int64)
    return {
        "keys": of.keys[order],
        "ranks_of_keys": order.astype(np.int32),
        "starts": of.starts,
        "ranks": of.ranks,
        "weights": of.weights,
        "rarest": weigh(1, np.maximum(rows_of(texts, of.keys[of.ranks]), 1)),
        "totals": of.totals,
        "filed": texts[entries],
        "filed_starts": np.searchsorted(of.ranks[entries], np.arange(len(of.weights) + 1)),
        "members": np.array([row for rows in members for row in rows], np.int64),
        "member_starts": np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]),
    }


class DuplicateIndex:
    """Rows by their terms. Not for several threads at once."""

    def __init__(self, arrays: Arrays) -> None:
        self._a = arrays
        self._weight_of_rank: Small = np.zeros(len(arrays["weights"]), np.int32)
        order = np.argsort(arrays["members"], kind="stable")
        self._rows, self._text_of = (
            arrays["members"][order],
            np.searchsorted(arrays["member_starts"], order, side="right") - 1,
        )
        self._dropped: set[int] = set()
        self._added: dict[int, _Text] = {}
        self._filed: defaultdict[Feature, set[int]] = defaultdict(set)

    @classmethod
    def empty(cls) -> DuplicateIndex:
        """An index of no rows."""
        return cls(arrays_of(features(Encoded.none(), 0), []))

    def put(self, row: int, text: str) -> None:
        """File a row under this text: a new row, or one whose text changed."""
        self.drop(row)
        self._added[row] = found = self._text(text)
        for feature in found.features:
            self._filed[feature].add(row)

    def drop(self, row: int) -> None:
        """The row takes no part any more."""
        self._dropped.add(row)
        if (before := self._added.pop(row, None)) is not None:
            for feature in before.features:
                self._filed[feature].discard(row)

    def near(
        self, text: str, threshold: float, limit: int = 10, but: int | None = None, passing: Passing | None = None
    ) -> list[Near]:
        """At most `limit` rows whose overlap with the text reaches the threshold, the nearest first, then by number.

        Of rows filed with one text, only the first that passes is given. but: a row to leave out, such as the asked
        one. passing: gives those of some rows that pass, such as the rows that are not rejected; None: all pass. Raises
        UsageError for a threshold outside 0.4 to 1.
        """
        asked, at_least = self._text(text), threshold_of(threshold)
        # A hit is a score, the first row of a text, and the place of that text; None for a row that was put in.
        hits = [*self._near_filed(asked, at_least), *self._near_added(asked, at_least)]
        hits.sort(key=lambda hit: (-hit[0], hit[1]))
        found: list[Near] = []
        for begin in range(0, len(hits), _AT_ONCE):
            rows = [[row for row in self._rows_of(*hit[1:]) if row != but] for hit in hits[begin : begin + _AT_ONCE]]
            asked_for = [row for some in rows for row in some]
            passed = frozenset(asked_for if passing is None else passing(asked_for))
            for (score, *_), some in zip(hits[begin:], rows, strict=False):
                found += (Near(row, score) for row in [one for one in some if one in passed][:1])
            if len(found) >= limit:
                break
        return sorted(found, key=lambda one: (-one.score, one.row))[:limit]

    def equal(self, row: int) -> list[int]:
        """The rows filed with the text of this row, itself included, ascending; [] for a row that is not here."""
        if row in self._added or row in self._dropped or not len(self._rows):
            return [row] if row in self._added else []
        place = int(np.searchsorted(self._rows, row))
        if place == len(self._rows) or self._rows[place] != row:
            return []
        return self._rows_of(row, int(self._text_of[place]))

    def scores(self, text: str, rows: Sequence[int]) -> list[float]:
        """The scores of the text with these rows; 0.0 for a row that is not here."""
        asked = self._text(text)
        wanted = np.array(rows, np.int64)
        place = np.minimum(np.searchsorted(self._rows, wanted), max(len(self._rows) - 1, 0))
        here = (self._rows[place] == wanted) if len(self._rows) else np.zeros(len(wanted), bool)
        found = np.zeros(len(rows))
        texts = self._text_of[place[here]]
        common = self._shared(asked, texts)
        found[here] = 2 * common / np.maximum(self._a["totals"][texts] + asked.total, 1)
        for at, row in enumerate(rows):
            if row in self._added:
                found[at] = _score(asked, self._added[row])
            elif row in self._dropped:
                found[at] = 0.0
        return [float(score) for score in found]

    def score(self, left: str, right: str) -> float:
        """The score of two texts."""
        return _score(self._text(left), self._text(right))

    def shared(self, left: str, right: str) -> list[tuple[str, float]]:
        """The terms that both texts have, the rarest first, each with its weight."""
        both = Counter(terms(left)) & Counter(terms(right))
        # A term that both have twice is two features.
        again = encode(" ".join([term] * times) for term, times in both.items())
        weights = np.bincount(again.rows, weights=self._weights(again.features.tolist()), minlength=len(both))
        found = zip(both, (weights / UNIT).tolist(), strict=True)
        return sorted(found, key=lambda one: (-one[1], one[0]))

    # -- searching -------------------------------------------------------------------------------

    def _near_filed(self, asked: _Text, threshold: Fraction) -> Iterator[_Hit]:
        over, under = threshold.numerator, threshold.denominator
        ranks = self._ranks(asked.features)
        rest = asked.total
        front: list[int] = []
        need = -(-over * asked.total // (2 * under - over))
        for rank, weight in zip(ranks, asked.weights, strict=True):
            if rest < need:
                break
            rest -= weight
            if rank is not None:
                front.append(rank)
        if not front:
            return
        starts = self._a["filed_starts"]
        which, entries = spread(starts[front], starts[np.array(front) + 1])
        texts, place = np.unique(self._a["filed"][entries], return_inverse=True)
        so_far = np.bincount(place, weights=self._a["weights"][front][which]).astype(np.int64)
        both = self._a["totals"][texts] + asked.total
        texts = texts[2 * (so_far + rest) * under >= both * over]
        common = self._shared(asked, texts)
        both = self._a["totals"][texts] + asked.total
        enough = 2 * common * under >= both * over
        texts, score = texts[enough], 2 * common[enough] / both[enough]
        firsts = self._a["members"][self._a["member_starts"][texts]]
        yield from zip(score.tolist(), firsts.tolist(), texts.tolist(), strict=True)

    def _near_added(self, asked: _Text, threshold: Fraction) -> Iterator[_Hit]:
        if not self._added or not asked.total:
            return
        common: Counter[int] = Counter()
        for feature, weight in zip(asked.features, asked.weights, strict=True):
            for row in self._filed.get(feature, ()):
                common[row] += weight
        for row, weight in common.items():
            both = asked.total + self._added[row].total
            if 2 * weight * threshold.denominator >= both * threshold.numerator:
                yield 2 * weight / both, row, None

    def _shared(self, asked: _Text, texts: Ints) -> Ints:
        """The weight that the asked text shares with each of these."""
        if not len(texts):
            return np.zeros(0, np.int64)
        ranks = [rank for rank in self._ranks(asked.features) if rank is not None]
        self._weight_of_rank[ranks] = self._a["weights"][ranks]
        which, entries = spread(self._a["starts"][texts], self._a["starts"][texts + 1])
        found = np.bincount(which, weights=self._weight_of_rank[self._a["ranks"][entries]], minlength=len(texts))
        self._weight_of_rank[ranks] = 0
        return found.astype(np.int64)

    def _rows_of(self, row: int, text: int | None) -> list[int]:
        """The rows still filed under the text at this place; only the row where text is None."""
        if text is None:
            return [row]
        first, end = self._a["member_starts"][text : text + 2]
        return [one for one in self._a["members"][first:end].tolist() if one not in self._dropped]

    # -- texts -----------------------------------------------------------------------------------

    def _text(self, text: str) -> _Text:
        found = encode([text]).features.tolist()
        weighed = sorted(zip(self._weights(found), found, strict=True), key=lambda one: (-one[0], one[1]))
        return _Text([one[1] for one in weighed], [one[0] for one in weighed], sum(one[0] for one in weighed))

    def _ranks(self, features: Sequence[Feature]) -> list[int | None]:
        """The rank of each feature; None for one that no filed row has."""
        keys = self._a["keys"]
        if not len(keys):
            return [None] * len(features)
        wanted = np.array(features, np.uint64)
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        known = keys[place] == wanted
        ranks = self._a["ranks_of_keys"][place]
        return [int(rank) if one else None for rank, one in zip(ranks, known, strict=True)]

    def _weights(self, features: Sequence[Feature]) -> list[int]:
        """The weight of each feature; one that no filed row has weighs as if one row of its script had it."""
        rarest, weights = self._a["rarest"].tolist(), self._a["weights"]
        ranks = zip(features, self._ranks(features), strict=True)
        return [rarest[feature & 1] if rank is None else int(weights[rank]) for feature, rank in ranks]


def _score(one: _Text, other: _Text) -> float:
    weights = dict(zip(other.features, other.weights, strict=True))
    common = sum(weights.get(feature, 0) for feature in one.features)
    return 2 * common / max(one.total + other.total, 1)
