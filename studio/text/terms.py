"""Terms of many texts at once, as numbers: what near-duplicates by overlap are made of.

A term is a token (`studio.text.tokens`), with two differences: signs that carry meaning in formulas, code and prices
(+ * / = < > % ^ & | ~ # @ $ \\ and their kin beyond ASCII) belong to words as letters do, and an emoji is a term. So
"2+3" is another question than "2*3", and a full-width ＋ is a +. Other punctuation, case and white space make no
difference.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import count, islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from studio.text.tokens import CJK, fold, marks

if TYPE_CHECKING:
    import numpy as np

    Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]

_SIGNS = "+*/=<>%^&|~#@$\\"
_MORE_SIGNS = "¢-¥±×÷\u20a0-\u20cf\u2190-\u22ff"
_PICTURES = "\u2300-\u27bf\U0001f000-\U0001faff"
# Stands between the texts of a batch, so that one call takes a whole batch apart. No text keeps one of its own.
_END = "\x01"
_IN_ASCII = bytes(
    ord(char.lower()) if char.isalnum() or char in _SIGNS or char == _END else ord(" ") for char in map(chr, range(128))
).ljust(256)
_BATCH = 1000


class Encoded(NamedTuple):
    """The terms of texts, one after the other: rows[i] is the place of the text that terms[i] comes from.

    Terms of a text are in their order; texts are in any order.
    """

    rows: Numbers
    terms: Numbers

    @classmethod
    def none(cls) -> Encoded:
        """The terms of no texts."""
        import numpy as np

        return cls(np.zeros(0, np.int32), np.zeros(0, np.int32))


class Terms:
    """Gives each term a number, in the order of first appearance."""

    def __init__(self) -> None:
        self._numbers: defaultdict[str, int] = defaultdict(count().__next__)
        self._end = self._numbers[_END]

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        """The terms, by number; number 0 is none of any text."""
        return iter(self._numbers)

    def encode(self, texts: Iterable[str]) -> Encoded:
        """The terms of all texts (6 bytes of memory a term beside the vocabulary's)."""
        import numpy as np

        parts: list[Encoded] = []
        numbered = enumerate(texts)
        while batch := list(islice(numbered, _BATCH)):
            plain = [(place, text) for place, text in batch if text.isascii()]
            other = [(place, text) for place, text in batch if not text.isascii()]
            for some, cut in ((plain, _plain), (other, _other)):
                if some:
                    parts.append(self._encode([place for place, _ in some], cut([text for _, text in some])))
        if not parts:
            return Encoded.none()
        return Encoded(np.concatenate([part.rows for part in parts]), np.concatenate([part.terms for part in parts]))

    def _encode(self, places: list[int], terms: list[str]) -> Encoded:
        import numpy as np

        numbers = np.fromiter(map(self._numbers.__getitem__, terms), np.int32, len(terms))
        ends = numbers == self._end
        rows = np.array(places, np.int32)[np.minimum(np.cumsum(ends), len(places) - 1)]
        return Encoded(rows[~ends], numbers[~ends])


def terms(text: str) -> list[str]:
    """The terms of one text."""
    cut = _plain if text.isascii() else _other
    return cut([text])[:-1]


def _joined(texts: list[str]) -> str:
    blob = f" {_END} ".join([*texts, ""])
    if blob.count(_END) == len(texts):
        return blob
    return f" {_END} ".join([*(text.replace(_END, " ") for text in texts), ""])


def _plain(texts: list[str]) -> list[str]:
    """The terms of ASCII texts, each text followed by the end mark."""
    return _joined(texts).encode("ascii").translate(_IN_ASCII).decode("ascii").split()


def _other(texts: list[str]) -> list[str]:
    """The same for any texts."""
    folded = fold(_joined(texts))
    found_marks = marks(folded)
    if found_marks:
        return _with_marks(found_marks).findall(folded)
    found: list[str] = []
    for run in _RUNS.findall(folded):
        if run > _LAST_SIGN and _SINGLE.match(run):
            found += run
        else:
            found.append(run)
    return found


_LETTER = rf"(?:[^\W_{CJK}]|[{re.escape(_SIGNS)}{_MORE_SIGNS}])"
_LAST_SIGN = "\u22ff"
_SINGLE = re.compile(f"[{CJK}{_PICTURES}]")
_RUNS = re.compile(rf"[{CJK}{_PICTURES}]+|{_END}|{_LETTER}+")
"""Words, and runs of characters that are a term each: matching each of these alone takes ten times as long."""


@lru_cache(maxsize=256)
def _with_marks(found_marks: str) -> re.Pattern[str]:
    """Single terms of texts in which these combining marks occur."""
    inside = re.escape(found_marks)
    return re.compile(rf"[{CJK}{_PICTURES}{_END}][{inside}]*|{_LETTER}(?:{_LETTER}|[{inside}])*")
