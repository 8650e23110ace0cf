"""Distractors: segments of other rows that do not hold the answer, put among a row's own (arXiv 2307.03172).

The paper takes the passages that a search for the question finds and that do not hold the answer. Here the nearest to
the question are taken of those drawn from the rows of the project.
"""

from __future__ import annotations

import hashlib
import heapq
import random
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz

from studio.curate.segments.gold import answer_keys, holds
from studio.curate.segments.numerals import PATTERN
from studio.curate.segments.segment import Kind, Segments
from studio.text.tokens import Language, language, normalise

KINDS: frozenset[Kind] = frozenset(
    {"documents", "json", "xml", "sections", "bullets", "numbered", "paragraphs", "pattern"}
)
"""Kinds that can take in segments of other rows. An example of another task, or a constraint, would change the task."""

POOL = 512
"""So many segments of a form are kept to draw from."""
_TRIED = 96
"""Of these so many are looked at for a row."""
_SAME = 92.0
"""Percent of likeness from which on two segments say the same."""


class Distractor(NamedTuple):
    """A segment of another row."""

    row: int
    body: str


class _Kept(NamedTuple):
    """A segment in the pool. drawn: its number in the draw, negated; said: its text as it is compared."""

    drawn: int
    row: int
    body: str
    said: str


class Pool:
    """Segments to draw from: of each form and language a sample that the seed chooses, whatever order rows come in."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._kept: dict[tuple[str, Language], list[_Kept]] = {}
        self._sorted: dict[tuple[str, Language], list[_Kept]] = {}

    def add(self, row: int, segments: Segments) -> None:
        """Take a row's segments in."""
        if segments.kind not in KINDS:
            return
        kept = self._kept.setdefault(_form(segments), [])
        for place, body in enumerate(segments.bodies):
            # A heap of the smallest draws: its root is the greatest of them, negated.
            drawn = -_draw(self._seed, row, segments.order[place])
            if len(kept) < POOL:
                heapq.heappush(kept, _Kept(drawn, row, body, plain(body)))
            elif drawn > kept[0].drawn:
                heapq.heapreplace(kept, _Kept(drawn, row, body, plain(body)))

    def draw(self, row: int, segments: Segments, question: str, answer: str, n: int) -> list[Distractor]:
        """Up to n segments for a row, none of its own, none that holds the answer or says what one of its own says.

        Of those that the seed draws for the row, the nearest to the question.
        """
        form = _form(segments)
        if form not in self._sorted:
            self._sorted[form] = sorted(self._kept.get(form, []))
        kept = self._sorted[form]
        tried = random.Random(f"{self._seed}/{row}/drawn").sample(kept, min(_TRIED, len(kept)))
        asked, told = normalise(question), Answer(answer, question)
        near = [
            (-fuzz.token_set_ratio(asked, one.said), one)
            for one in tried
            if one.row != row and one.body not in segments.bodies and not told.held_by(one.said)
        ]
        return list(_different([one for _, one in sorted(near)], segments.bodies, n))


class Answer:
    """An answer that other segments must not hold. What the question says already tells nothing."""

    def __init__(self, answer: str, question: str) -> None:
        self._told = plain(answer).rstrip(".。!！ ")
        asked = frozenset(answer_keys(plain(question)))
        self._keys = [key for key in answer_keys(plain(answer)) if key not in asked]

    def held_by(self, said: str) -> bool:
        """Whether a segment, made plain, may answer too: it has the answer word for word, or of what the question does
        not say one number or half of the rare words.
        """
        if self._told and len(self._told) <= 200 and holds(said, self._told):
            return True
        found = [key for key in self._keys if key in said and holds(said, key)]
        if any(key.isdecimal() and len(key) > 1 for key in found):
            return True
        return bool(found) and len(found) * 2 >= len(self._keys)


_GROUPED = re.compile(r"(?<=\d)[,，](?=\d{3}(?!\d))")


def plain(text: str) -> str:
    """A text to look in: normalised, 1,913,000 as 1913000."""
    return _GROUPED.sub("", normalise(text))


def _different(fitting: Sequence[_Kept], own: Sequence[str], n: int) -> Iterator[Distractor]:
    taken = [normalise(body) for body in own]
    left = n
    for one in fitting:
        if left and all(fuzz.ratio(one.said, other, score_cutoff=_SAME) == 0 for other in taken):
            taken.append(one.said)
            left -= 1
            yield Distractor(one.row, one.body)


_NUMBER = re.compile(PATTERN)


def _form(segments: Segments) -> tuple[str, Language]:
    """What segments must share to change rows: kind, the words of their labels, how they begin, their language."""
    body = segments.bodies[0]
    label = _NUMBER.sub("#", segments.labels[0])
    begins = re.match(r"\s*(?:[(（](?:title|标题)|[:：]|#{1,6}|<\w+|[{\"])?", body, re.IGNORECASE)
    keys = ",".join(re.findall(r'"([^"\\]{1,40})"\s*:', body)) if segments.kind == "json" else ""
    form = f"{segments.kind}|{label}|{begins[0] if begins else ''}|{keys}"
    return form, language("\n".join(segments.bodies[:3]))


def _draw(seed: int, row: int, what: object) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}/{row}/{what}".encode(), digest_size=8).digest())
