"""ROUGE-L (Lin 2004) as Self-Instruct and Alpaca use it to tell near-duplicates: F-measure, no stemmer.

F = 2·LCS / (m + n) for token lists of m and n tokens, LCS their longest common subsequence. Decisions
compare integers: a score of exactly the threshold is kept, strictly more is a near-duplicate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from rapidfuzz.distance import LCSseq

_SURROGATES = range(0xD800, 0xE000)
CAPACITY = 0x110000 - len(_SURROGATES)
"""How many tokens have a code point of their own."""


class Vocabulary:
    """Gives each token a code point, so that the longest common subsequence is one of strings.

    Codes are given in order of first appearance and never change. `capacity`: at most so many
    tokens are told apart; `encode` raises OverflowError beyond that.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._codes: dict[str, str] = {}
        self._capacity = min(capacity, CAPACITY)

    def __len__(self) -> int:
        return len(self._codes)

    def encode(self, tokens: Iterable[str]) -> str:
        """One code point a token; equal tokens get equal code points in every call."""
        codes = self._codes
        try:
            return "".join([codes[token] for token in tokens])
        except KeyError:
            return "".join([codes.get(token) or self._learn(token) for token in tokens])

    def _learn(self, token: str) -> str:
        number = len(self._codes)
        if number >= self._capacity:
            raise OverflowError(f"more than {self._capacity} different tokens")
        code = self._codes[token] = character(number)
        return code


def character(number: int) -> str:
    """The character that stands for the token with this number, surrogates left out."""
    return chr(number if number < _SURROGATES.start else number + len(_SURROGATES))


def rouge_l(left: Sequence[str], right: Sequence[str]) -> float:
    """ROUGE-L F-measure of two token lists, 0.0 to 1.0; 0.0 when either is empty."""
    if not left or not right:
        return 0.0
    return 2 * common(left, right) / (len(left) + len(right))


def exceeds(left: Sequence[str], right: Sequence[str], threshold: Fraction) -> bool:
    """Whether the ROUGE-L F-measure is strictly greater than `threshold`, decided with integers."""
    if not left or not right:
        return False
    return 2 * common(left, right) * threshold.denominator > threshold.numerator * (len(left) + len(right))


def common(left: Sequence[str], right: Sequence[str]) -> int:
    """The length of the longest common subsequence of two token lists."""
    codes = Vocabulary()
    return LCSseq.similarity(codes.encode(left), codes.encode(right))


def exact(threshold: float | Fraction) -> Fraction:
    """The threshold as the decimal it was written as: 0.7 is 7/10, not the float beside it."""
    return threshold if isinstance(threshold, Fraction) else Fraction(repr(threshold))
