"""Terms of texts, one by one as words and by the million as numbers: what near-duplicates by overlap are made of.

A term is a token (`studio.text.tokens`), with two differences: signs that carry meaning in formulas, code and prices
(+ * / = < > % ^ & | ~ # @ $ \\ and their kin beyond ASCII) belong to words as letters do, and an emoji is a term. So
"2+3" is another question than "2*3", and a full-width ＋ is a +. Other punctuation, case and white space make no
difference.

As a number a term is a hash of 64 bits of its letters, worked out for a whole batch of texts at once with arrays, which
is several times as fast as cutting words out and looking them up. That two of a million terms have one number happens
once in ten million sets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from studio.text.tokens import CJK, fold, is_selector, marks

if TYPE_CHECKING:
    import numpy as np

    Rows: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]
    Hashes: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]
    _Codes: TypeAlias = np.ndarray[Any, np.dtype[np.uint32]]
    _Kinds: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]

_SIGNS = "+*/=<>%^&|~#@$\\"
_MORE_SIGNS = "¢-¥±×÷\u20a0-\u20cf\u2190-\u22ff"
_PICTURES = "\u2300-\u27bf\U0001f000-\U0001faff"
_LETTER = rf"(?:[^\W_{CJK}]|[{re.escape(_SIGNS)}{_MORE_SIGNS}])"
_SINGLE = f"[{CJK}{_PICTURES}]"
# Stands between the texts of a batch. It is in no term, so a text may hold one: it only must not look like an end.
_END = "\x01"
_BATCH = 256
"""Texts at a time: their arrays stay in the processor's cache."""
# Kinds of characters: between terms, part of a word, a term by itself, a mark on what stands before it.
_GAP, _WORD, _ALONE, _MARK, _UNKNOWN = range(5)
_BASE = 0x9E3779B97F4A7C15


class Encoded(NamedTuple):
    """The terms of texts, one after the other: rows[i] is the place of the text that terms[i] comes from.

    Terms of a text are in their order, and texts that are ASCII come in theirs; the others may stand anywhere between.
    """

    rows: Rows
    terms: Hashes

    @classmethod
    def none(cls) -> Encoded:
        """The terms of no texts."""
        import numpy as np

        return cls(np.zeros(0, np.int32), np.zeros(0, np.uint64))


def terms(text: str) -> list[str]:
    """The terms of one text."""
    folded = fold(text)
    return _pattern(marks(folded)).findall(folded)


def encode(texts: Iterable[str]) -> Encoded:
    """The terms of all texts as numbers; equal terms have equal numbers in every call."""
    import numpy as np

    parts: list[Encoded] = []
    numbered = enumerate(texts)
    while batch := list(islice(numbered, _BATCH)):
        plain = np.fromiter((text.isascii() for _, text in batch), bool, len(batch))
        for some in (plain, ~plain):
            chosen = np.flatnonzero(some).tolist()
            if chosen:
                places = np.array([batch[one][0] for one in chosen], np.int32)
                parts.append(_encode(places, [batch[one][1] for one in chosen]))
    if not parts:
        return Encoded.none()
    return Encoded(np.concatenate([part.rows for part in parts]), np.concatenate([part.terms for part in parts]))


def _encode(places: Rows, texts: Sequence[str]) -> Encoded:
    import numpy as np

    codes, ends = _joined(texts)
    kinds = _kinds(codes)
    begins, ends_of_terms = _bounds(kinds)
    hashes = _hashes(codes, begins, ends_of_terms)
    rows = np.searchsorted(ends, begins, side="right")
    return Encoded(places[rows], hashes)


def _joined(texts: Sequence[str]) -> tuple[Any, Any]:
    """The texts folded and laid end to end with a gap between, as code points; and where each gap is."""
    import numpy as np

    blob = _END.join([*texts, ""])
    if blob.isascii():
        codes = np.frombuffer(blob.lower().encode("ascii"), np.uint8)
    else:
        codes = np.frombuffer(fold(blob).encode("utf-32-le", "surrogatepass"), np.uint32)
    ends = np.flatnonzero(codes == ord(_END))
    if len(ends) != len(texts):
        return _joined([text.replace(_END, " ") for text in texts])
    return codes, ends


def _bounds(kinds: _Kinds) -> tuple[Any, Any]:
    """Where terms begin and end."""
    import numpy as np

    if (kinds == _MARK).any():
        # A mark is of the kind of what it stands on.
        places = np.arange(len(kinds))
        carrier = kinds[np.maximum.accumulate(np.where(kinds != _MARK, places, 0))]
        on_word, on_single = (kinds == _MARK) & (carrier == _WORD), (kinds == _MARK) & (carrier == _ALONE)
        kinds = np.where(on_word, _WORD, kinds)
    else:
        on_single = np.zeros(len(kinds), bool)
    word, alone = kinds == _WORD, kinds == _ALONE
    before, after = np.zeros(len(kinds), bool), np.zeros(len(kinds), bool)
    before[1:], after[:-1] = word[:-1], word[1:]
    begins = np.flatnonzero((word & ~before) | alone)
    inside = alone | on_single
    goes_on = np.zeros(len(kinds), bool)
    goes_on[:-1] = on_single[1:]
    ends = np.flatnonzero((word & ~after) | (inside & ~goes_on)) + 1
    return begins, ends


def _hashes(codes: _Codes, begins: Any, ends: Any) -> Hashes:
    """A hash of each stretch of the codes: a polynomial of its code points modulo 2^64, scattered."""
    import numpy as np

    with np.errstate(over="ignore"):
        powers, inverses = _powers(1 << max(10, len(codes).bit_length()))
        upto = np.zeros(len(codes) + 1, np.uint64)
        letters = _scattered()[codes] if codes.dtype == np.uint8 else _mixed(codes.astype(np.uint64) + np.uint64(1))
        np.cumsum(letters * powers[: len(codes)], out=upto[1:])
        return _mixed((upto[ends] - upto[begins]) * inverses[begins])


def _mixed(numbers: Hashes) -> Hashes:
    """The numbers scattered (the finaliser of splitmix64)."""
    import numpy as np

    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


@cache
def _scattered() -> Hashes:
    """`_mixed` of each ASCII character."""
    import numpy as np

    with np.errstate(over="ignore"):
        return _mixed(np.arange(1, 129, dtype=np.uint64))


@lru_cache(maxsize=2)
def _powers(n: int) -> tuple[Hashes, Hashes]:
    """The first n powers of the base, and of its inverse, modulo 2^64."""
    import numpy as np

    with np.errstate(over="ignore"):
        found = []
        for base in (_BASE, pow(_BASE, -1, 1 << 64)):
            factors = np.full(n, base, np.uint64)
            factors[0] = 1
            found.append(np.cumprod(factors))
    return found[0], found[1]


def _kinds(codes: _Codes) -> _Kinds:
    """The kind of each character."""
    import numpy as np

    table = _table()
    if codes.dtype == np.uint8:
        return table[:128][codes]
    kinds = table[codes]
    if (kinds == _UNKNOWN).any():
        for code in np.unique(codes[kinds == _UNKNOWN]).tolist():
            table[code] = _kind(chr(code))
        kinds = table[codes]
    return kinds


@cache
def _table() -> _Kinds:
    """Kinds by code point; those beyond ASCII are filled in as they come up."""
    import numpy as np

    table = np.full(0x110000, _UNKNOWN, np.uint8)
    table[:128] = [_kind(chr(code)) for code in range(128)]
    return table


def _kind(char: str) -> int:
    if _IS_SINGLE.match(char):
        return _ALONE
    if _IS_LETTER.match(char):
        return _WORD
    is_mark = unicodedata.category(char)[0] == "M" and not is_selector(ord(char))
    return _MARK if is_mark else _GAP


_IS_SINGLE, _IS_LETTER = re.compile(_SINGLE), re.compile(_LETTER)


@lru_cache(maxsize=256)
def _pattern(found_marks: str) -> re.Pattern[str]:
    """One term of texts in which these combining marks occur."""
    if not found_marks:
        return re.compile(rf"{_SINGLE}|{_LETTER}+")
    inside = re.escape(found_marks)
    return re.compile(rf"{_SINGLE}[{inside}]*|{_LETTER}(?:{_LETTER}|[{inside}])*")
