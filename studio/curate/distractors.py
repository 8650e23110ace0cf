"""Distractors: segments of other rows that do not hold the answer, put among a row's own (arXiv 2307.03172).

The paper takes the passages that a search for the question finds and that do not hold the answer. Here the nearest to
the question are taken of those drawn from the rows of the project.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz

from studio.curate.gold import answer_keys, holds
from studio.curate.numerals import PATTERN
from studio.curate.segments import Kind, Segments
from studio.text.tokens import Language, language, normalise

KINDS: frozenset[Kind] = frozenset(
    {"documents", "json", "xml", "sections", "bullets", "numbered", "paragraphs", "pattern"}
)
"""Kinds that can take in segments of other rows. An example of another task, or a constraint, would change the task."""

POOL = 512
"""So many segments of a form are kept to draw from."""
_LOOKED_AT = 64
_SAME = 92.0
"""Percent of likeness from which on two segments say the same."""


class Distractor(NamedTuple):
    """A segment of another row."""

    row: int
    body: str


class Pool:
    """Segments to draw from: of each form and language a sample that the seed chooses, whatever order rows come in."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._kept: dict[tuple[str, Language], list[tuple[int, int, str]]] = {}

    def add(self, row: int, segments: Segments) -> None:
        """Take a row's segments in."""
        if segments.kind not in KINDS:
            return
        kept = self._kept.setdefault(_form(segments), [])
        for place, body in enumerate(segments.bodies):
            # A heap of the smallest draws: its root is the greatest of them, negated.
            drawn = -_draw(self._seed, row, segments.order[place])
            if len(kept) < POOL:
                heapq.heappush(kept, (drawn, row, body))
            elif drawn > kept[0][0]:
                heapq.heapreplace(kept, (drawn, row, body))

    def draw(self, row: int, segments: Segments, question: str, answer: str, n: int) -> list[Distractor]:
        """Up to n segments for a row, none of its own, none that holds the answer or says what one of its own says."""
        kept = self._kept.get(_form(segments), [])
        order = sorted(kept, key=lambda one: (_draw(self._seed, row, f"{one[1]}/{one[2]}"), one))
        fitting = []
        for _, source, body in order:
            if source == row or body in segments.bodies or holds_answer(body, answer):
                continue
            fitting.append(Distractor(source, body))
            if len(fitting) == _LOOKED_AT:
                break
        asked = normalise(question)
        fitting.sort(key=lambda one: -fuzz.token_set_ratio(asked, normalise(one.body)))
        return list(_different(fitting, segments.bodies, n))


def holds_answer(body: str, answer: str) -> bool:
    """Whether a segment may answer too: it has the answer word for word, one of its numbers, or half its rare words."""
    folded, told = normalise(body), normalise(answer).rstrip(".。!！ ")
    if told and len(told) <= 200 and holds(folded, told):
        return True
    keys = answer_keys(answer)
    found = [key for key in keys if holds(folded, key)]
    return any(key.isdecimal() and len(key) > 1 for key in found) or len(found) * 2 >= max(1, len(keys)) > 0 < len(
        found
    )


def _different(fitting: Sequence[Distractor], own: Sequence[str], n: int) -> Iterator[Distractor]:
    taken = [normalise(body) for body in own]
    left = n
    for one in fitting:
        body = normalise(one.body)
        if left and all(fuzz.ratio(body, other, score_cutoff=_SAME) == 0 for other in taken):
            taken.append(body)
            left -= 1
            yield one


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
