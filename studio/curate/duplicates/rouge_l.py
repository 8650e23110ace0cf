"""Near-duplicates by ROUGE-L, keep first: the filter of Self-Instruct (arXiv 2212.10560) and Alpaca, exactly.

A row is a near-duplicate when the ROUGE-L F-measure with an earlier kept row is strictly greater than the
threshold. The decisions are those of comparing every pair; most pairs are never compared, because

- F = 2·LCS / (m + n) > t needs more than t·(m + n) / 2 tokens in common, in particular of similar lengths;
- two texts with `o` tokens in common, each sorted rarest token first, share one among the first m - o + 1
  and n - o + 1 (prefix filter: Chaudhuri et al. 2006, Bayardo et al. 2007).

So only a row's rarest tokens are indexed and looked up. Long texts must also pass a bitmap bound (see
`signatures`), and what remains is compared in C by rapidfuzz.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import Indel, LCSseq

from studio.curate.duplicates.join.signatures import LONG, Signature, width
from studio.errors import StudioError, UsageError
from studio.text.rouge import Vocabulary, character, exact
from studio.text.tokens import normalise, tokenize

THRESHOLD = 0.7
"""The ROUGE-L threshold of Self-Instruct and Alpaca; a score of exactly this is kept."""


class Pair(NamedTuple):
    """Row `right` repeats the earlier, kept row `left`. score: ROUGE-L F-measure, 1.0 when all tokens are equal."""

    left: int
    right: int
    score: float


class _Match(NamedTuple):
    """The kept row most like a text, the earliest of equals, and its score."""

    row: int
    score: float


def find_duplicates(
    rows: Iterable[tuple[int, str]],
    threshold: float | Fraction = THRESHOLD,
    alike: Callable[[int, int], bool] | None = None,
) -> Iterator[Pair | None]:
    """The near-duplicates among `rows` (id, text), which come in ascending order of their ids.

    One answer a row, so that a caller sees how far it is: None when the row is kept, else the pair with the kept
    row it is most like, the earliest of equals. Dropping the right row of each pair is the greedy filter that keeps
    first. All rows are read before the first answer. alike: a further condition on two rows (ids) for them to be
    near-duplicates. Raises UsageError for a threshold outside 0 to 1.
    """
    vocabulary = Vocabulary()
    coded = [(row, _encode(vocabulary, text)) for row, text in rows]
    ranks = _by_frequency(text.codes for _, text in coded)
    kept = _KeptRows(threshold, alike)
    for row, text in coded:
        yield kept.add(row, text._replace(codes=text.codes.translate(ranks)))


class _Coded(NamedTuple):
    codes: str
    """One character a token; a later code point is a rarer token."""
    blank: str
    """The normalised text when there are no tokens, else empty."""


def _encode(vocabulary: Vocabulary, text: str) -> _Coded:
    tokens = tokenize(text)
    try:
        return _Coded(vocabulary.encode(tokens), "" if tokens else normalise(text))
    except OverflowError as error:
        raise StudioError(
            f"Near-duplicates were not searched: the rows hold {error}.",
            hint="Search fewer rows at a time.",
        ) from error


def _by_frequency(texts: Iterable[str]) -> dict[int, str]:
    """A table for str.translate that renumbers codes, the most frequent first."""
    counts: Counter[str] = Counter()
    for codes in texts:
        counts.update(codes)
    return {ord(code): character(rank) for rank, (code, _) in enumerate(counts.most_common())}


class _KeptRows:
    """Kept rows by their rarest tokens and lengths."""

    def __init__(self, threshold: float | Fraction, alike: Callable[[int, int], bool] | None = None) -> None:
        self._may_match = alike
        self._threshold = exact(threshold)
        if not 0 <= self._threshold <= 1:
            raise UsageError(f"A ROUGE-L threshold lies between 0 and 1; {threshold} does not.")
        self._cutoff = float(self._threshold)
        self._rows: list[int] = []
        self._codes: list[str] = []
        self._same: dict[_Coded, int] = {}
        self._postings: dict[str, dict[int, list[int]]] = {}
        self._prefixes: dict[int, _Prefixes] = {}
        self._bitmaps: dict[int, int] = {}

    def add(self, row: int, text: _Coded) -> Pair | None:
        match = self._nearest(text, row)
        if match:
            return Pair(match.row, row, match.score)
        self._same[text] = row
        number = len(self._rows)
        self._rows.append(row)
        self._codes.append(text.codes)
        size = len(text.codes)
        for code in set(self._rarest(text.codes)):
            self._postings.setdefault(code, {}).setdefault(size, []).append(number)
        if size >= LONG:
            self._bitmaps[number] = Signature(text.codes).bits(width(size))
        return None

    def _nearest(self, text: _Coded, row: int) -> _Match | None:
        if text in self._same and self._may_match is None:
            return _Match(self._same[text], 1.0)
        numbers = sorted(self._candidates(text.codes))
        if self._may_match is not None:
            numbers = [number for number in numbers if self._may_match(self._rows[number], row)]
        if len(text.codes) >= LONG:
            numbers = self._alike(text.codes, numbers)
        if not numbers:
            return None
        # The cut-off is a little low because it is inclusive and a float; the answer is judged with integers.
        # Scores of equal fractions are equal floats, so of several best ones the first, the earliest row, comes.
        found = process.extractOne(
            text.codes,
            [self._codes[number] for number in numbers],
            scorer=Indel.normalized_similarity,
            score_cutoff=max(0.0, self._cutoff - 1e-9),
        )
        if found is None:
            return None
        codes, score, place = found
        if LCSseq.similarity(text.codes, codes) < _needed(self._threshold, len(text.codes) + len(codes)):
            return None
        return _Match(self._rows[numbers[place]], score)

    def _candidates(self, codes: str) -> set[int]:
        """Kept rows that share a token with the prefix of `codes` that their length calls for."""
        found: set[int] = set()
        ends = self._prefix(len(codes))
        for place, code in enumerate(self._rarest(codes)):
            for size, numbers in self._postings.get(code, {}).items():
                if place < ends[size]:
                    found.update(numbers)
        return found

    def _alike(self, codes: str, numbers: list[int]) -> list[int]:
        """Those of the kept rows `numbers` whose bitmaps leave room for enough common tokens."""
        signature = Signature(codes)
        size = len(codes)
        alike = []
        for number in numbers:
            other = len(self._codes[number])
            if number in self._bitmaps:
                differing = (signature.bits(width(other)) ^ self._bitmaps[number]).bit_count()
                if differing > size + other - 2 * _needed(self._threshold, size + other):
                    continue
            alike.append(number)
        return alike

    def _rarest(self, codes: str) -> list[str]:
        return sorted(codes, reverse=True)[: self._prefix(len(codes)).longest]

    def _prefix(self, size: int) -> _Prefixes:
        prefixes = self._prefixes.get(size)
        if prefixes is None:
            prefixes = self._prefixes[size] = _Prefixes(size, self._threshold)
        return prefixes


def _needed(threshold: Fraction, sizes: int) -> int:
    """The fewest common tokens with which texts of `sizes` tokens together exceed the threshold."""
    return threshold.numerator * sizes // (2 * threshold.denominator) + 1


class _Prefixes(dict[int, int]):
    """For texts of `size` tokens: how many of the rarest must be looked at, by the length of the other text.

    longest: the most that any other length calls for.
    """

    def __init__(self, size: int, threshold: Fraction) -> None:
        super().__init__()
        self._size = size
        self._threshold = threshold
        # The shortest partner has just the tokens in common: o > t·(size + o) / 2, so o > t·size / (2 - t).
        fewest = threshold.numerator * size // (2 * threshold.denominator - threshold.numerator) + 1
        self.longest = max(0, size - fewest + 1)

    def __missing__(self, other: int) -> int:
        needed = _needed(self._threshold, self._size + other)
        self[other] = length = self._size - needed + 1 if needed <= min(self._size, other) else 0
        return length
