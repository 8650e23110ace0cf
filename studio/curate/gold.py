"""Guessing the gold segment: the one that answers the question, as Lost in the Middle (arXiv 2307.03172) calls it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from studio.curate.segments import Segments
from studio.text.tokens import CJK, tokenize

EVIDENCE = 5
"""So many keys are named as evidence at most."""

_CJK = re.compile(f"[{CJK}]")
_COMMON_WORDS = """
a about after all also an and any are as at be because been before but by can did do does for from had has have
he her him his how if in into is it its more most no not of on one only or other our out she so some such than
that the their them then there these they this those through to under up was we were what when where which while
who why will with would yes you your according answer based passage document paragraph text context
的 了 是 在 和 有 不 就 都 而 及 与 着 或 也 很 到 说 要 去 你 会 我 他 她 它 们 这 那 其 被 把 从 对 为 以 于
中 上 下 个 用
"""
_COMMON = frozenset(_COMMON_WORDS.split())


class Guess(NamedTuple):
    """The place of the gold segment, and the keys of the answer that occur there and in no other segment."""

    place: int
    evidence: tuple[str, ...]


def guess_gold(segments: Segments, question: str, answer: str) -> Guess | None:
    """The segment that the answer comes from, or None when that is not certain.

    A short answer that stands word for word in one segment only decides. Otherwise each key of the answer (an
    uncommon word, or two neighbouring CJK characters, not in the question) that occurs in one segment only must
    point to the same segment: the ambiguity check of IN2 (arXiv 2404.16811).
    """
    bodies = [_spaced(tokenize(body)) for body in segments.bodies]
    tokens = tokenize(answer)
    if any(token not in _COMMON for token in tokens):
        verbatim = [index for index, body in enumerate(bodies) if _spaced(tokens) in body]
        if verbatim:
            return Guess(verbatim[0], (answer.strip(),)) if len(verbatim) == 1 else None
    asked = _spaced(tokenize(f"{question}\n{segments.prefix}\n{segments.suffix}"))
    votes = [
        (key, where[0])
        for key in _keys(tokens)
        if _spaced(key) not in asked
        and len(where := [index for index, body in enumerate(bodies) if _spaced(key) in body]) == 1
    ]
    if len({index for _, index in votes}) != 1:
        return None
    return Guess(votes[0][1], tuple(_written(key) for key, _ in votes[:EVIDENCE]))


def _keys(tokens: list[str]) -> list[tuple[str, ...]]:
    """Uncommon words and pairs of uncommon neighbouring CJK characters, each once, in order."""
    words = [(token,) for token in tokens if token not in _COMMON and not _CJK.match(token)]
    pairs = [pair for pair in pairwise(tokens) if all(_CJK.match(token) and token not in _COMMON for token in pair)]
    return list(dict.fromkeys([*words, *pairs]))


def _spaced(tokens: list[str] | tuple[str, ...]) -> str:
    """Tokens between spaces, so that a substring of it is a run of whole tokens."""
    return f" {' '.join(tokens)} "


def _written(key: tuple[str, ...]) -> str:
    return "".join(key)
