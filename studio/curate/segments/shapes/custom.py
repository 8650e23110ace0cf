"""Segments by a person's own regular expression, [position] pattern in studio.toml."""

from __future__ import annotations

import re

from studio.curate.segments.lines import Source
from studio.curate.segments.numerals import value
from studio.curate.segments.segment import Naming, Span, cut
from studio.curate.segments.shapes import Found
from studio.errors import UsageError


def compiled(pattern: str) -> re.Pattern[str] | None:
    """The expression; None for an empty one. Raises UsageError that says what is wrong with it."""
    if not pattern:
        return None
    try:
        found = re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise UsageError(
            f"[position] pattern is no regular expression: {error}.",
            hint="Single quotes in TOML leave backslashes alone: pattern = '^Note \\d+:'",
        ) from None
    if found.search(""):
        raise UsageError("[position] pattern matches the empty text, so it would cut everywhere.")
    return found


def find(source: Source, pattern: re.Pattern[str]) -> Found | None:
    """Two or more segments that the expression tells.

    With a group called body each match is a segment, and that group is what moves. Otherwise a match is where a segment
    begins, and it goes up to the next one, the last to the end of its block. With a group called number what is
    matched is a label that stays; without it moves along.
    """
    matches = [found for found in pattern.finditer(source.text) if found.end() > found.start()]
    if len(matches) < 2:
        return None
    spans = _spans(source, pattern, matches)
    return None if spans is None else Found(cut(source, "pattern", spans, _naming(pattern, matches)))


def _spans(source: Source, pattern: re.Pattern[str], matches: list[re.Match[str]]) -> list[Span] | None:
    if "body" in pattern.groupindex:
        spans = [Span(found.start("body"), found.start("body"), found.end("body")) for found in matches]
        return None if any(span.start < 0 for span in spans) else spans
    ends = [found.start() for found in matches[1:]] + [_end(source, matches[-1].end())]
    stays = "number" in pattern.groupindex
    return [
        Span(found.start(), found.end() if stays else found.start(), source.trimmed(found.end(), end))
        for found, end in zip(matches, ends, strict=True)
    ]


def _end(source: Source, at: int) -> int:
    """The end of the block that goes on from at."""
    for line in source.lines:
        if line.start >= at and (line.blank or line.asks) and source.text[at : line.start].strip():
            return line.start
    return len(source.text)


def _naming(pattern: re.Pattern[str], matches: list[re.Match[str]]) -> Naming | None:
    if "number" not in pattern.groupindex:
        return None
    numbers = [found["number"] or "" for found in matches]
    values = [value(number) if number else -1 for number in numbers]
    in_sequence = values[0] in (0, 1) and values == list(range(values[0], values[0] + len(values)))
    return Naming(_noun(matches), values[0], numbers[0]) if in_sequence else None


_BEFORE_NUMBER = re.compile(r"([^\W\d_]+)[^\w]*$")


def _noun(matches: list[re.Match[str]]) -> str:
    """The word before the numbers, "" unless it is the same everywhere."""
    words = [_BEFORE_NUMBER.search(found[0][: found.start("number") - found.start()]) for found in matches]
    nouns = {word[1].casefold() if word else "" for word in words}
    noun = nouns.pop() if len(nouns) == 1 else ""
    return "" if noun == "第" else noun
