"""Finding segments: one kind after the other, until one of them is there."""

from __future__ import annotations

import re

from studio.curate.segments.lines import Source
from studio.curate.segments.shapes import Found, custom, documents, examples, json_array, lists, paragraphs, sections

_KINDS = (
    documents.find,
    json_array.find,
    examples.find,
    sections.find_xml,
    sections.find,
    lists.find,
    paragraphs.find,
)


def find(
    text: str, *, pattern: re.Pattern[str] | None = None, instruction: bool = False, asked: bool = False
) -> Found | None:
    """The segments of a text with what keeps them in their order, None when there are none.

    pattern: the person's own expression, tried first. instruction: the text says what is to be done, so its last
    sentences may be constraints. asked: what is asked about it stands elsewhere.
    """
    source = Source(text, asked=asked)
    if pattern is not None and (found := custom.find(source, pattern)):
        return found
    for kind in _KINDS:
        if found := kind(source):
            return found
    return paragraphs.find_constraints(source) if instruction else None
