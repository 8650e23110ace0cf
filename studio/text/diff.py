"""Word differences of two texts, for reading two near-duplicates side by side."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from rapidfuzz.distance import Levenshtein

from studio.text.rouge import Vocabulary
from studio.text.tokens import marks, word

Kind = Literal["same", "replace", "delete", "insert"]


class Change(NamedTuple):
    """A stretch of both texts: all `left` parts joined are the left text, all `right` parts the right one.

    A delete has no right part, an insert no left one; the parts of "same" are equal.
    """

    kind: Kind
    left: str
    right: str


def word_diff(left: str, right: str) -> list[Change]:
    """The changes that turn `left` into `right`, by words, CJK characters, white space and punctuation.

    White space that alone stands between two changes belongs to them, so that a rewritten phrase reads as one
    change. No two neighbours are of the same kind. Memory stays small for long texts (Hirschberg's method).
    """
    lefts, rights = pieces(left), pieces(right)
    codes = Vocabulary()
    changes = [
        _change(
            "".join(lefts[code.src_start : code.src_end]),
            "".join(rights[code.dest_start : code.dest_end]),
            same=code.tag == "equal",
        )
        for code in Levenshtein.opcodes(codes.encode(lefts), codes.encode(rights))
    ]
    return _merged(changes)


def pieces(text: str) -> list[str]:
    """`text` cut into words, CJK characters, runs of white space, other characters; nothing is lost."""
    return _pattern(marks(text)).findall(text)


@lru_cache(maxsize=256)
def _pattern(found_marks: str) -> re.Pattern[str]:
    return re.compile(rf"\s+|{word(found_marks)}|.", re.DOTALL)


def _change(left: str, right: str, same: bool) -> Change:
    kind: Kind = "same" if same else "replace" if left and right else "delete" if left else "insert"
    return Change(kind, left, right)


def _merged(changes: list[Change]) -> list[Change]:
    merged: list[Change] = []
    for number, change in enumerate(changes):
        inner = 0 < number < len(changes) - 1
        bridge = inner and change.kind == "same" and change.left.isspace()
        if merged and merged[-1].kind != "same" and (bridge or change.kind != "same"):
            last = merged.pop()
            merged.append(_change(last.left + change.left, last.right + change.right, same=False))
        else:
            merged.append(change)
    return merged
