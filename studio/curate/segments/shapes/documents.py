"""Numbered documents: "Document [1](Title: …)", "Passage 2:", "[3] …", "文档4：", "材料一："."""

from __future__ import annotations

import re
from typing import NamedTuple

from studio.curate.segments import guards
from studio.curate.segments.lines import LEAD, Source
from studio.curate.segments.nouns import PARTS
from studio.curate.segments.numerals import PATTERN, value
from studio.curate.segments.segment import Naming, Span, cut
from studio.curate.segments.shapes import Found, endings

_NOUNS = (
    "document|doc|passage|paragraph|context|source|article|reference|excerpt|snippet|evidence|text"
    "|文档|文件|文章|段落|资料|材料|文献|来源|片段|参考资料|参考文献|背景资料|阅读材料"
)
_NAMED = re.compile(
    rf"{LEAD}(?P<label>(?:#{{1,6}}[ \t]+|\*\*)?(?P<family>{_NOUNS})[ \t]*#?"
    rf"(?:[\[【(（][ \t]*(?P<number>{PATTERN})[ \t]*[\]】)）]|(?P<bare>{PATTERN})(?=[ \t]*(?:[:：(（*]|\r?$)))"
    r"(?:\*\*)?(?:[ \t]*[:：])?(?:\*\*)?)",
    re.IGNORECASE | re.MULTILINE,
)
_BRACKETED = re.compile(
    rf"{LEAD}(?P<label>(?P<family>[\[【])[ \t]*(?P<number>{PATTERN})(?P<bare>)[ \t]*[\]】](?![:：]))"
)


class Label(NamedTuple):
    """A label at the beginning of a line. number: as it is written."""

    family: str
    number: str
    start: int
    end: int


def find(source: Source) -> Found | None:
    """Two or more labelled documents, numbered in sequence from 0 or 1.

    A question or options after them are suffix, what leads up to them is prefix.
    """
    labels = labels_at(source, _NAMED) or labels_at(source, _BRACKETED)
    naming = in_sequence(labels)
    if naming is None:
        return None
    spans, doubt = endings.closed(source, spans_of(source, labels))
    text = source.text
    bodies = [text[span.body : span.end].lstrip(" \t:：") for span in spans]
    guard = (
        doubt
        or guards.sequel(bodies[1:])
        or guards.in_order(bodies)
        or guards.conversation(bodies)
        or guards.announced(source.lead(labels[0].start))
    )
    if guard is None and naming.noun in PARTS:
        guard = guards.leaning(bodies) or guards.told_in_time(bodies)
    return Found(cut(source, "documents", spans, naming), guard)


def labels_at(source: Source, pattern: re.Pattern[str]) -> list[Label]:
    """The labels at the beginnings of lines, of the family that comes first.

    pattern: with the groups label, family and number or bare.
    """
    labels: list[Label] = []
    for start in source.beginnings:
        if match := pattern.match(source.text, start):
            family = match["family"].casefold()
            if not labels or family == labels[0].family:
                labels.append(Label(family, match["number"] or match["bare"], *match.span("label")))
    return labels


def in_sequence(labels: list[Label]) -> Naming | None:
    """How the labels are numbered; None unless there are two or more, numbered on end from 0 or 1."""
    if len(labels) < 2:
        return None
    first = value(labels[0].number)
    if first not in (0, 1) or any(value(label.number) != first + place for place, label in enumerate(labels)):
        return None
    noun = labels[0].family
    return Naming("" if noun in "[【" else noun, first, labels[0].number)


def spans_of(source: Source, labels: list[Label]) -> list[Span]:
    """Each label with what follows it up to the next one, the last with all that is left."""
    text = source.text
    ends = [label.start for label in labels[1:]] + [len(text)]
    return [
        Span(label.start, label.end, source.trimmed(label.end, end)) for label, end in zip(labels, ends, strict=True)
    ]
