"""Terms of texts, one by one as words and by the million as numbers: what near-duplicates by overlap are made of.

A term is a token (`studio.text.tokens`), with three differences: signs that carry meaning in formulas, code and prices
(+ * / = < > % ^ & | ~ # @ $ \\ and their kin beyond ASCII) belong to words as letters do, so do the minus and the point
of a number, and an emoji is a term. So "2+3" is another question than "2*3", -5 another number than 5 and 1.5 than 15,
and a full-width ＋ is a +. Other punctuation, case and white space make no difference; a hyphen or a full stop behind a
letter is such punctuation, whatever follows.

As a number a term is a hash of 64 bits of its letters, worked out for a whole batch of texts at once with arrays, which
is several times as fast as cutting words out and looking them up. That two of a million terms have one number happens
once in ten million sets.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
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
_ALPHABETIC = rf"[^\W\d_{CJK}]"
_OF_NUMBER = rf"(?<!{_ALPHABETIC})(?:(?<!-)-(?=\.?[0-9])|(?<!\.)\.(?=[0-9]))"
_SINGLE = f"[{CJK}{_PICTURES}]"
# Stands between the texts of a batch. It is in no term, so a text may hold one: it only must not look like an end.
_END = "\x01"
_BATCH = 256
"""Texts at a time: their arrays stay in the processor's cache."""
# Kinds of characters: between terms, part of a word, a term by itself (of a script that has no words, or a picture), a
# mark on what stands before it.
_GAP, _WORD, _CHARACTER, _PICTURE, _MARK, _UNKNOWN = range(6)
_OF_CHARACTER = 256
"""The bit of a term's hash that says that it is one character of such a script."""
_MINUS, _POINT = ord("-"), ord(".")
_BASE = 0x9E3779B97F4A7C15


class Encoded(NamedTuple):
    """What texts are made of, as numbers.

    features: a number for each term and which occurrence of it in its text it is (the second "the" is another feature
    than the first), odd for one character of a script without words; rows[i] is the place of the text that features[i]
    belongs to. Those of a text stand together; texts may stand in any order. texts: for each text a number that says
    which terms it has in which order, 0 for none.
    """

    rows: Rows
    features: Hashes
    texts: Hashes

    @classmethod
    def none(cls) -> Encoded:
        """Of no texts."""
        import numpy as np

        return cls(np.zeros(0, np.int32), np.zeros(0, np.uint64), np.zeros(0, np.uint64))


def terms(text: str) -> list[str]:
    """The terms of one text."""
    folded = fold(text)
    return _pattern(marks(folded)).findall(folded)


def encode(texts: Iterable[str]) -> Encoded:
    """The terms of all texts as numbers; equal terms have equal numbers in every call. Uses all processors."""
    import numpy as np

    rest = iter(texts)
    batches = list(iter(lambda: list(islice(rest, _BATCH)), []))
    if not batches:
        return Encoded.none()
    if len(batches) == 1:
        return _batch(batches[0])
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        parts = list(threads.map(_batch, batches))
    return Encoded(
        np.concatenate([part.rows + np.int32(number * _BATCH) for number, part in enumerate(parts)]),
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.texts for part in parts]),
    )


def _batch(texts: Sequence[str]) -> Encoded:
    import numpy as np

    wholes = np.zeros(len(texts), np.uint64)
    plain = np.fromiter(map(str.isascii, texts), bool, len(texts))
    rows: list[Rows] = []
    features: list[Hashes] = []
    for some in (plain, ~plain):
        places = np.flatnonzero(some).astype(np.int32)
        if len(places):
            of, found, wholes[places] = _encode([texts[place] for place in places.tolist()])
            rows.append(places[of])
            features.append(found)
    return Encoded(np.concatenate(rows), np.concatenate(features), wholes)


def _encode(texts: Sequence[str]) -> tuple[Any, Hashes, Hashes]:
    """Of at most a batch of texts: the place of each feature's text, the features, a number for each text."""
    import numpy as np

    codes, ends = _joined(texts)
    terms, begins = _terms(codes)
    of = np.searchsorted(ends, begins, side="right")
    wholes = _wholes(terms, of, len(texts))
    # The text in the upper byte, the term below: one sort brings equal terms of a text together.
    order = np.sort(of.astype(np.uint64) << np.uint64(56) | terms >> np.uint64(8))
    first = np.ones(len(order), bool)
    np.not_equal(order[1:], order[:-1], out=first[1:])
    places = np.arange(len(order))
    times = places - np.maximum.accumulate(np.where(first, places, 0)) if len(order) else places
    with np.errstate(over="ignore"):
        features = _mixed((order << np.uint64(8)) + times.astype(np.uint64))
    features = (features & ~np.uint64(1)) | (order & np.uint64(1))
    return (order >> np.uint64(56)).astype(np.int64), features, wholes


def _wholes(terms: Hashes, of: Any, n: int) -> Hashes:
    """A number for the terms of each of n texts in their order."""
    import numpy as np

    found = np.zeros(n, np.uint64)
    sizes = np.bincount(of, minlength=n)
    filled = np.flatnonzero(sizes)
    if len(filled):
        starts = (np.cumsum(sizes) - sizes)[filled]
        places = np.arange(len(terms)) - np.repeat(starts, sizes[filled])
        with np.errstate(over="ignore"):
            powers, _ = _powers(_room(int(sizes.max())))
            # Never 0, which is for texts without a term.
            found[filled] = _mixed(np.add.reduceat(terms * powers[places], starts)) | np.uint64(1)
    return found


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


def _terms(codes: _Codes) -> tuple[Hashes, Any]:
    """A hash of each term of these code points, and where it begins.

    The hash is a polynomial of the letters modulo 2^64, scattered; what is in no term counts 0.
    """
    import numpy as np

    kinds, letters = _kinds(codes), _letters(codes)
    of_number = _of_number(codes)
    kinds[of_number], letters[of_number] = _WORD, _mixed(codes[of_number].astype(np.uint64) + np.uint64(1))
    if codes.dtype != np.uint8:
        if (kinds == _MARK).any():
            # A mark is of the kind of what it stands on, and goes with it.
            places = np.arange(len(kinds))
            carrier = kinds[np.maximum.accumulate(np.where(kinds != _MARK, places, 0))]
            alone = (carrier == _CHARACTER) | (carrier == _PICTURE)
            kinds = np.where((kinds == _MARK) & ~alone, carrier, kinds)
        letters[kinds == _GAP] = 0
    begins_word = kinds == _WORD
    begins_word[1:] &= kinds[:-1] != _WORD
    if codes.dtype != np.uint8:
        begins_word |= (kinds == _CHARACTER) | (kinds == _PICTURE)
    begins = np.flatnonzero(begins_word)
    if not len(begins):
        return np.zeros(0, np.uint64), begins
    with np.errstate(over="ignore"):
        powers, inverses = _powers(_room(len(codes)))
        sums = np.add.reduceat(letters * powers[: len(codes)], begins)
        terms = _mixed(sums * inverses[begins]) & ~np.uint64(_OF_CHARACTER)
    return terms | np.where(kinds[begins] == _CHARACTER, np.uint64(_OF_CHARACTER), np.uint64(0)), begins


def _of_number(codes: _Codes) -> Any:
    """Where a minus or a point belongs to a number, as `_OF_NUMBER` says."""
    import numpy as np

    at = np.flatnonzero((codes == _MINUS) | (codes == _POINT))
    own, before, behind, then = (codes[np.clip(at + step, 0, len(codes) - 1)] for step in (0, -1, 1, 2))
    before[at == 0] = ord(" ")
    begins = _digits(behind) | ((own == _MINUS) & (behind == _POINT) & _digits(then))
    found = at[begins & (before != own)]
    carriers = codes[np.maximum(found - 1, 0)]
    for code in np.unique(carriers).tolist():
        if _takes_no_number(chr(code)):
            found, carriers = found[carriers != code], carriers[carriers != code]
    return found


def _digits(codes: _Codes) -> Any:
    return (codes >= ord("0")) & (codes <= ord("9"))


def _takes_no_number(char: str) -> bool:
    """Whether a minus or a point behind this character is punctuation."""
    return bool(_IS_ALPHABETIC.match(char)) or _kind(char) == _MARK


def _letters(codes: _Codes) -> Hashes:
    """A number for each character."""
    import numpy as np

    if codes.dtype == np.uint8:
        return _in_ascii()[codes]
    with np.errstate(over="ignore"):
        return _mixed(codes.astype(np.uint64) + np.uint64(1))


def _room(n: int) -> int:
    """At least n, in few different sizes."""
    return 1 << max(16, n.bit_length())


def _mixed(numbers: Hashes) -> Hashes:
    """The numbers scattered (the finaliser of splitmix64)."""
    import numpy as np

    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


@cache
def _in_ascii() -> Hashes:
    """The number of each ASCII character; 0 for those that are in no term."""
    import numpy as np

    with np.errstate(over="ignore"):
        numbers = _mixed(np.arange(1, 129, dtype=np.uint64))
    numbers[_table()[:128] == _GAP] = 0
    return numbers


@lru_cache(maxsize=4)
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
        return _CHARACTER if _IS_CHARACTER.match(char) else _PICTURE
    if _IS_LETTER.match(char):
        return _WORD
    is_mark = unicodedata.category(char)[0] == "M" and not is_selector(ord(char))
    return _MARK if is_mark else _GAP


_IS_SINGLE, _IS_CHARACTER = re.compile(_SINGLE), re.compile(f"[{CJK}]")
_IS_LETTER, _IS_ALPHABETIC = re.compile(_LETTER), re.compile(_ALPHABETIC)


@lru_cache(maxsize=256)
def _pattern(found_marks: str) -> re.Pattern[str]:
    """One term of texts in which these combining marks occur."""
    if not found_marks:
        return re.compile(rf"{_SINGLE}|(?:{_LETTER}|{_OF_NUMBER})+")
    inside = re.escape(found_marks)
    letter = rf"{_LETTER}|(?<![{inside}]){_OF_NUMBER}"
    return re.compile(rf"{_SINGLE}[{inside}]*|(?:{letter})(?:{letter}|[{inside}])*")
