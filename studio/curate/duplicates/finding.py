"""Finding duplicates: texts in, pairs of rows out.

exact     the same terms in the same order: case, white space, punctuation and full-width forms make no difference
overlap   the same terms, weighted by rarity (`overlap`): for everything, and the default
rouge-l   the same order of words, as Self-Instruct filters (`rouge_l`): to repeat what papers did
minhash   overlap again, of candidates drawn by chance (`join/minhash`): finds most pairs of very large sets
semantic  the same meaning, by vectors of an embeddings endpoint (`semantic`)

Rows that are exactly alike are compared with others once, as one.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from studio.curate.duplicates.compared import BYS
from studio.curate.duplicates.index import Arrays, arrays_of
from studio.curate.duplicates.join import letters, task_join
from studio.curate.duplicates.join.prefix_join import join
from studio.curate.duplicates.join.task_join import Join
from studio.curate.duplicates.overlap import Features, Floats, Ints, features, threshold_of
from studio.curate.duplicates.rouge_l import Pair, find_duplicates
from studio.curate.selecting import entry_overlap
from studio.text.rouge import exact, exceeds
from studio.text.terms import Encoded, encode
from studio.text.tokens import normalise, tokenize

if TYPE_CHECKING:
    from studio.text.terms import Hashes

THRESHOLD = 0.75
BAND = (0.65, 0.85)
"""Scores that a person should review: below 0.65 hardly any pair is a duplicate, above 0.85 nearly every pair is."""

_NONE: Ints = np.zeros(0, np.int64)
_STEP = 500
_Codes: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]


class Pairs(NamedTuple):
    """left[i] < right[i] are rows (places in the texts that were given), scores[i] 0.0 to 1.0, by[i] a place in BYS.

    Of rows that are exactly alike only the first is in pairs with others; it is `left` of a pair with each of the
    rest. partial: rows of clusters so large that some pairs are missing, see `prefix_join.Found`.
    """

    left: Ints
    right: Ints
    scores: Floats
    by: _Codes
    partial: Ints

    @property
    def n(self) -> int:
        """How many pairs."""
        return len(self.left)


class Texts:
    """Texts taken apart into terms, and which of them are exactly alike.

    A text without a single term, such as "?!", is compared as it is written; an empty one is like no other.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._encoded: Encoded | None = encode(texts)
        self._leader = _leaders(texts, self._encoded.texts)
        self._first = np.flatnonzero(self._leader == np.arange(len(texts)))

    @property
    def firsts(self) -> list[int]:
        """The texts that are the first of their kind."""
        return [int(one) for one in self._first]

    def exact(self) -> Pairs:
        """The pairs of texts that are exactly alike."""
        return self._pairs(_NONE, _NONE, np.zeros(0), np.zeros(0, np.uint8), _NONE)

    def overlap(
        self, threshold: float = THRESHOLD, inner: Sequence[str] | None = None, by: Join = join
    ) -> Generator[float, None, Pairs]:
        """The pairs alike by overlap, and those exactly alike; yields the share of the work that is done.

        inner: a part of each text, such as the input below an instruction, which must be alike as well where both have
        one, for one task over many inputs is a set of rows and not of duplicates; the score is then the lower one.
        Raises UsageError for a threshold outside 0.4 to 1.
        """
        limit = threshold_of(threshold)
        if inner is None:
            left, right, score, partial = yield from by(self._features, limit)
        else:
            inside = [inner[row] for row in self._first.tolist()]
            joining = task_join.join(by, self._features, self._inner(inside), inside, limit)
            left, right, score, partial = yield from joining
        left, right = self._first[left], self._first[right]
        kinds = np.full(len(left), BYS.index("overlap"), np.uint8)
        self._look_again(left, right, score, kinds)
        return self._pairs(left, right, score, kinds, self._first[partial])

    def near_entries(self, n: int, threshold: float = THRESHOLD) -> Generator[float, None, Pairs]:
        """The pairs of one of the first n texts with one of the others, which are the entries of a benchmark.

        Those that are near (see `entry_overlap`) and those exactly alike, these also among each other; yields the share
        of the work that is done.
        """
        limit = threshold_of(threshold)
        firsts = np.arange(len(self._first))
        rows, entries = (np.isin(self._first, some) for some in (self._leader[:n], self._leader[n:]))
        left, right, score = yield from entry_overlap.near(self._features, firsts[rows], firsts[entries], limit)
        # Two texts that are both row and entry are a pair twice.
        _, once = np.unique(np.minimum(left, right) << 32 | np.maximum(left, right), return_index=True)
        kinds = np.full(len(once), BYS.index("overlap"), np.uint8)
        return self._pairs(self._first[left[once]], self._first[right[once]], score[once], kinds, _NONE)

    def rouge_l(self, threshold: float, inner: Sequence[str] | None = None) -> Generator[float, None, Pairs]:
        """The pairs of a text and an earlier text that stays, too alike by ROUGE-L: Self-Instruct's filter (arXiv
        2212.10560).

        Two texts that both go are never compared with each other.
        """
        limit = exact(threshold)
        inners = [tokenize(one) for one in inner] if inner is not None else []

        def alike(left: int, right: int) -> bool:
            one, other = inners[left], inners[right]
            return not one or not other or one == other or exceeds(one, other, limit)

        sought = ((row, self._texts[row]) for row in self._first.tolist() if normalise(self._texts[row]))
        found: list[Pair] = []
        for done, pair in enumerate(find_duplicates(sought, threshold, alike if inner is not None else None), start=1):
            if pair is not None:
                found.append(pair)
            if done % _STEP == 0:
                yield done / len(self._first)
        left, right = (np.array([pair[side] for pair in found], np.int64) for side in (0, 1))
        kinds = np.full(len(found), BYS.index("rouge-l"), np.uint8)
        return self._pairs(left, right, np.array([pair.score for pair in found]), kinds, np.union1d(left, right))

    def index(self, rows: Sequence[int]) -> Arrays:
        """The arrays that a `DuplicateIndex` of the texts opens with. rows: the row id of each text."""
        members: dict[int, list[int]] = {int(first): [] for first in self._first}
        for text, leader in enumerate(self._leader.tolist()):
            members[leader].append(rows[text])
        return arrays_of(self._features, list(members.values()))

    @cached_property
    def _features(self) -> Features:
        """The features of the texts that are the first of their kind."""
        assert self._encoded is not None
        encoded, self._encoded = self._encoded, None  # half of the memory, and not needed again
        if len(self._first) < len(self._texts):
            place = np.full(len(self._texts), -1, np.int32)
            place[self._first] = np.arange(len(self._first), dtype=np.int32)
            rows = place[encoded.rows]
            encoded = Encoded(rows[rows >= 0], encoded.features[rows >= 0], encoded.texts)
        return features(encoded, len(self._first))

    def _inner(self, inside: Sequence[str]) -> Features:
        """The features of these inner texts, with the weights that their terms have in the whole texts."""
        whole, inner = self._features, features(encode(inside), len(inside))
        order = np.argsort(whole.keys)
        place = np.minimum(np.searchsorted(whole.keys, inner.keys, sorter=order), max(len(order) - 1, 0))
        weights = np.full(len(inner.keys), whole.weights.max(initial=1), np.int32)
        if len(order):
            known = whole.keys[order[place]] == inner.keys
            weights[known] = whole.weights[order[place[known]]]
        return inner.weighed(weights)

    def _look_again(self, left: Ints, right: Ints, score: Floats, kinds: _Codes) -> None:
        """Raise the scores of short texts in the band that differ by typing mistakes."""
        for place in np.flatnonzero(score < BAND[1]).tolist():
            likeness = letters.likeness(self._texts[left[place]], self._texts[right[place]])
            if likeness:
                score[place] += (1 - score[place]) * likeness
                kinds[place] = BYS.index("letters")

    def _pairs(self, left: Ints, right: Ints, score: Floats, kinds: _Codes, partial: Ints) -> Pairs:
        others = np.flatnonzero(self._leader != np.arange(len(self._leader)))
        return Pairs(
            np.concatenate([self._leader[others], np.minimum(left, right)]),
            np.concatenate([others, np.maximum(left, right)]),
            np.concatenate([np.ones(len(others)), score]),
            np.concatenate([np.full(len(others), BYS.index("exact"), np.uint8), kinds]),
            partial,
        )


def _leaders(texts: Sequence[str], wholes: Hashes) -> Ints:
    """For each text, the place of the first text that is exactly like it. wholes: `Encoded.texts`."""
    leader = np.arange(len(texts))
    rows = np.flatnonzero(wholes)
    order = rows[np.argsort(wholes[rows], kind="stable")]
    first = np.ones(len(order), bool)
    np.not_equal(wholes[order[1:]], wholes[order[:-1]], out=first[1:])
    if len(order):
        leader[order] = order[np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))]
    _lead_wordless(leader, texts, np.flatnonzero(wholes == 0))
    return leader


def _lead_wordless(leader: Ints, texts: Sequence[str], rows: Ints) -> None:
    """Set the leader of texts without a term, such as "?!": the first one that is written the same."""
    first: dict[str, int] = {}
    for row in rows.tolist():
        if written := normalise(texts[row]):
            leader[row] = first.setdefault(written, row)
