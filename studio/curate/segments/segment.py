"""Segments of a text: the documents, list entries, examples or paragraphs of which one may hold the answer.

Follows the set-up of Lost in the Middle (arXiv 2307.03172): labelled documents such as "Document [1](Title: …)"
change places while the labels stay in ascending order. Taken apart and joined again, a text is what it was, byte for
byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

from studio.curate.segments.lines import Source

Kind = Literal[
    "documents",
    "examples",
    "json",
    "xml",
    "sections",
    "bullets",
    "numbered",
    "constraints",
    "paragraphs",
    "pattern",
]
"""What kind of segments. constraints: what an instruction asks of the answer. pattern: by the person's expression."""
KINDS: tuple[Kind, ...] = get_args(Kind)


class Naming(NamedTuple):
    """How labels call segments. noun: case-folded, "" for a number in brackets alone. first: the first number, 0 or 1.

    style: the first number as it is written.
    """

    noun: str
    first: int
    style: str


@dataclass(frozen=True, slots=True)
class Segments:
    """A text taken apart: prefix, then label, body, separator by turns, then suffix.

    labels: "Document [1]" and the like, "" where there are none; they never move. bodies: what moves. naming: None
    where labels have no numbers. order: for each place, the place its body had in the text as it was recognised.
    """

    kind: Kind
    prefix: str
    labels: tuple[str, ...]
    bodies: tuple[str, ...]
    separators: tuple[str, ...]
    suffix: str
    order: tuple[int, ...]
    naming: Naming | None = None

    def __len__(self) -> int:
        return len(self.bodies)

    def join(self) -> str:
        """The whole text; exactly the recognised one when nothing moved."""
        blocks = zip(self.labels, self.bodies, (*self.separators, ""), strict=True)
        return self.prefix + "".join([label + body + gap for label, body, gap in blocks]) + self.suffix

    def moved(self, places: Sequence[int]) -> Segments:
        """The same with the body of place `places[i]` at place i.

        Raises ValueError when `places` is no permutation of all places.
        """
        if sorted(places) != list(range(len(self.bodies))):
            raise ValueError(f"not a permutation of {len(self)} places: {places}")
        return replace(
            self,
            bodies=tuple([self.bodies[place] for place in places]),
            order=tuple([self.order[place] for place in places]),
        )

    def spans(self) -> list[tuple[int, int]]:
        """Where each body begins and ends in the joined text."""
        at = len(self.prefix)
        found = []
        for label, body, gap in zip(self.labels, self.bodies, (*self.separators, ""), strict=True):
            at += len(label)
            found.append((at, at + len(body)))
            at += len(body) + len(gap)
        return found


class Span(NamedTuple):
    """A label (empty where there is none) and its body, as offsets in the text."""

    start: int
    body: int
    end: int


def cut(source: Source, kind: Kind, spans: Sequence[Span], naming: Naming | None = None) -> Segments:
    """The text taken apart at these spans, which are ascending and do not overlap."""
    text = source.text
    return Segments(
        kind=kind,
        prefix=text[: spans[0].start],
        labels=tuple([text[span.start : span.body] for span in spans]),
        bodies=tuple([text[span.body : span.end] for span in spans]),
        separators=tuple([text[span.end : after.start] for span, after in pairwise(spans)]),
        suffix=text[spans[-1].end :],
        order=tuple(range(len(spans))),
        naming=naming,
    )
