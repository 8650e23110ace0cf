"""Finding duplicates: texts in, pairs of rows out.

exact     the same terms in the same order: case, white space, punctuation and full-width forms make no difference
overlap   the same terms, weighted by rarity (curate/overlap.py): for everything, and the default
rouge-l   the same order of words, as Self-Instruct filters (curate/rouge_duplicates.py): to repeat what papers did
minhash   overlap again, of candidates drawn by chance (curate/minhash.py): finds most pairs of very large sets
semantic  the same meaning, by vectors of an embeddings endpoint (curate/semantic.py)

Rows that are exactly alike are compared with others once, as one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from studio.curate import letters
from studio.curate.overlap import Features, Floats, Ints, features, scores, shared, spread, threshold_of
from studio.curate.prefix_join import Found, join
from studio.text.terms import Terms
from studio.text.tokens import normalise

Method = Literal["exact", "overlap", "rouge-l", "minhash", "semantic"]
METHODS: tuple[Method, ...] = get_args(Method)

By = Literal["exact", "overlap", "letters", "rouge-l", "semantic"]
"""What a pair's score is of. letters: the overlap, with words that differ by a typing mistake taken for the same."""
BYS: tuple[By, ...] = get_args(By)

THRESHOLD = 0.75
BAND = (0.65, 0.85)
"""Where a person should look: below it hardly anything is a duplicate, above it nearly everything."""

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


Join = Callable[[Features, Fraction], Generator[float, None, Found]]
"""Finds pairs of rows: all of them (`prefix_join.join`), or most (`minhash.join`)."""


def find(
    texts: Sequence[str], threshold: float = THRESHOLD, inner: Sequence[str] | None = None, by: Join = join
) -> Generator[float, None, Pairs]:
    """The pairs of texts alike by overlap, and those exactly alike; yields the share of the work that is done.

    inner: a part of each text, such as the input below an instruction, which must be alike as well where both have one,
    for one task over many inputs is a set of rows and not of duplicates; the score is then the lower one. Texts without
    a single term are compared as they are written. Raises UsageError for a threshold outside 0.4 to 1.
    """
    limit = threshold_of(threshold)
    alike, first = exact(texts)
    known = Terms()
    of = features(known.encode([texts[row] for row in first.tolist()]), len(first))
    yield 0.1
    found = yield from by(of, limit)
    left, right, score, partial = found
    kinds = np.full(len(left), BYS.index("overlap"), np.uint8)
    if inner is not None:
        score = np.minimum(score, _inner(of, known, [inner[row] for row in first.tolist()], left, right))
        enough = score >= float(limit)
        left, right, score, kinds = left[enough], right[enough], score[enough], kinds[enough]
    _look_again(texts, first, left, right, score, kinds)
    return _joined(alike, first[left], first[right], score, kinds, first[partial])


def find_exact(texts: Sequence[str]) -> Pairs:
    """The pairs of texts that are exactly alike."""
    alike, _ = exact(texts)
    nothing = np.zeros(0, np.int64)
    return _joined(alike, nothing, nothing, np.zeros(0), np.zeros(0, np.uint8), nothing)


def exact(texts: Sequence[str]) -> tuple[tuple[Ints, Ints], Ints]:
    """Rows exactly alike: (the first of them, the other), and the rows that are the first of their kind.

    A text that is empty or white space is like no other.
    """
    encoded = Terms().encode(texts)
    order = np.argsort(encoded.rows, kind="stable")
    rows, terms = encoded.rows[order], encoded.terms[order]
    starts = np.searchsorted(rows, np.arange(len(texts) + 1))
    leader = np.arange(len(texts))
    _lead(leader, starts, terms)
    _lead_wordless(leader, texts, np.flatnonzero(starts[1:] == starts[:-1]))
    others = np.flatnonzero(leader != np.arange(len(texts)))
    return (leader[others], others), np.flatnonzero(leader == np.arange(len(texts)))


def _lead(leader: Ints, starts: Ints, terms: Any) -> None:
    """Give each row with terms the first row that has the same terms in the same order."""
    sizes = np.diff(starts)
    longest = int(sizes.max(initial=0))
    with np.errstate(over="ignore"):
        powers = np.cumprod(np.full(longest + 1, 0x9E3779B97F4A7C15, np.uint64))
        _, places = spread(np.zeros(len(sizes), np.int64), sizes)
        mixed = (terms.astype(np.uint64) + np.uint64(1)) * np.uint64(0xC2B2AE3D27D4EB4F)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * powers[places]
        upto = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed)])
        hashes = upto[starts[1:]] - upto[starts[:-1]]
    rows = np.flatnonzero(sizes)
    order = rows[np.argsort(hashes[rows], kind="stable")]
    first = np.ones(len(order), bool)
    np.not_equal(hashes[order[1:]], hashes[order[:-1]], out=first[1:])
    leads = order[np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))] if len(order) else order
    same = (sizes[order] == sizes[leads]) & (order != leads)
    order, leads = order[same], leads[same]
    # Equal hashes are only likely to be equal texts.
    which, one = spread(starts[order], starts[order + 1])
    _, other = spread(starts[leads], starts[leads + 1])
    differ = np.bincount(which[terms[one] != terms[other]], minlength=len(order)) > 0
    leader[order[~differ]] = leads[~differ]


def _lead_wordless(leader: Ints, texts: Sequence[str], rows: Ints) -> None:
    """The same for texts without a term, such as "?!", as they are written."""
    first: dict[str, int] = {}
    for row in rows.tolist():
        if written := normalise(texts[row]):
            leader[row] = first.setdefault(written, row)


def _inner(of: Features, known: Terms, inner: Sequence[str], left: Ints, right: Ints) -> Floats:
    """The scores of the pairs' inner texts, with the weights that their terms have in the whole texts."""
    rows, place = np.unique(np.concatenate([left, right]), return_inverse=True)
    part = features(known.encode([inner[row] for row in rows.tolist()]), len(rows))
    weight_of: dict[tuple[int, int], int] = dict(
        zip(zip(of.terms.tolist(), of.occurrences.tolist(), strict=True), of.weights.tolist(), strict=True)
    )
    heaviest = int(of.weights.max(initial=1))
    weights = np.array(
        [weight_of.get(key, heaviest) for key in zip(part.terms.tolist(), part.occurrences.tolist(), strict=True)],
        np.int32,
    )
    totals = np.add.reduceat(np.append(weights[part.ranks], 0), part.starts[:-1]) * (np.diff(part.starts) > 0)
    part = part._replace(weights=weights, totals=totals.astype(np.int64))
    one, other = place[: len(left)], place[len(left) :]
    both = part.totals[one] + part.totals[other]
    found = scores(shared(part, one, other), both)
    # Where one has no inner text, the whole ones decide.
    found[(part.totals[one] == 0) | (part.totals[other] == 0)] = 1.0
    return found


def _look_again(texts: Sequence[str], first: Ints, left: Ints, right: Ints, score: Floats, kinds: _Codes) -> None:
    """Raise the scores of short texts in the band that differ by typing mistakes."""
    for place in np.flatnonzero(score < BAND[1]).tolist():
        likeness = letters.likeness(texts[first[left[place]]], texts[first[right[place]]])
        if likeness:
            score[place] += (1 - score[place]) * likeness
            kinds[place] = BYS.index("letters")


def _joined(alike: tuple[Ints, Ints], left: Ints, right: Ints, score: Floats, kinds: _Codes, partial: Ints) -> Pairs:
    one, other = np.minimum(left, right), np.maximum(left, right)
    return Pairs(
        np.concatenate([alike[0], one]),
        np.concatenate([alike[1], other]),
        np.concatenate([np.ones(len(alike[0])), score]),
        np.concatenate([np.full(len(alike[0]), BYS.index("exact"), np.uint8), kinds]),
        partial,
    )
