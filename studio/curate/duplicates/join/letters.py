"""A second look at short texts that share most of their words: are the words they do not share typing mistakes?

One mistyped word of five takes a fifth of a short text's overlap away, and the rarest fifth at that. A typing mistake
shows in the letters: the words that are not shared, joined, differ in one or two letters. Nothing with digits or signs
is taken for a typing mistake (2018 is not 2019), nor words that begin otherwise (increase, decrease), nor a Chinese
character for another.
"""

from __future__ import annotations

from collections import Counter

from rapidfuzz.distance import OSA

from studio.text.terms import terms

SHORT = 16
"""Terms: a longer text with one mistyped word is alike enough without a second look."""
_LETTERS = 4
"""Letters that the unshared words of a text must have: hat and hut are two words, not one mistyped."""


def likeness(left: str, right: str) -> float:
    """How alike the words are that only one of the texts has, 0.0 to 1.0: 0.0 when they are other words."""
    lefts, rights = terms(left), terms(right)
    if max(len(lefts), len(rights)) > SHORT:
        return 0.0
    first, second = _only(lefts, rights), _only(rights, lefts)
    if min(len(first), len(second)) < _LETTERS or first[0] != second[0]:
        return 0.0
    if not (first.isalpha() and second.isalpha() and first.isascii() == second.isascii()):
        return 0.0
    longest = max(len(first), len(second))
    distance = OSA.distance(first, second)
    return 1 - distance / longest if distance <= (1 if longest < 2 * _LETTERS else 2) else 0.0


def _only(some: list[str], others: list[str]) -> str:
    """The terms of some that are not in others, in their order, joined into one string."""
    shared = Counter(others)
    found = []
    for term in some:
        if shared[term]:
            shared[term] -= 1
        else:
            found.append(term)
    return "".join(found)
