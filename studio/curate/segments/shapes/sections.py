"""Sections: those of Markdown under headings of one level, and XML elements of one name that follow each other."""

from __future__ import annotations

import re

from studio.curate.segments import guards
from studio.curate.segments.guards import Guard
from studio.curate.segments.lines import Source
from studio.curate.segments.numerals import value
from studio.curate.segments.segment import Naming, Span, cut
from studio.curate.segments.shapes import Found, endings
from studio.curate.segments.timelines import column

_HEADING = re.compile(r"[ ]{0,3}(#{1,6})[ \t]+(\S.*)")


def find(source: Source) -> Found | None:
    """Two or more Markdown sections of the highest level that has as many, with their headings.

    A question after them is suffix.
    """
    if "#" not in source.text:
        return None
    headings = [
        (line, len(found[1]), found[2])
        for line in source.lines
        if not line.fenced and (found := _HEADING.match(line.text.rstrip("\r\n")))
    ]
    levels = [level for _, level, _ in headings]
    level = next((level for level in sorted(set(levels)) if levels.count(level) >= 2), None)
    if level is None:
        return None
    begins = [(line, title) for line, depth, title in headings if depth == level]
    first = begins[0][0]
    if any(depth < level and line.start > first.start for line, depth, _ in headings):
        # Chapters with sections of their own: none of them stand side by side.
        return None
    ends = [line.start for line, _ in begins[1:]] + [len(source.text)]
    bodies = [
        Span(line.start, line.end, source.trimmed(line.start, end)) for (line, _), end in zip(begins, ends, strict=True)
    ]
    closed, doubt = endings.closed(source, bodies, headed=True)
    spans = [Span(span.start, span.start, span.end) for span in closed]
    texts = [source.text[line.end : span.end] for (line, _), span in zip(begins, spans, strict=True)]
    guard = (
        doubt
        or guards.outline([title for _, title in begins])
        or guards.leaning(texts)
        or guards.in_order([text.lstrip() for text in texts])
        or guards.announced(source.lead(first.start).lstrip("# "))
    )
    return Found(cut(source, "sections", spans), guard)


_OPENING = re.compile(
    r"^[ \t]*<(?P<tag>[A-Za-z_\u4e00-\u9fff][\w.-]{0,40})"
    r"(?:[ \t]+(?P<key>id|index|n|no|num|number|idx)=(?P<quote>[\"']?)(?P<number>\d{1,3})(?P=quote))?(?=[\s>])[^<>]*>",
    re.MULTILINE,
)
# What is no document of its own, whatever its name says.
_HTML = """
p li ol ul tr td th div span table tbody thead body head html script style a img br hr b i em strong pre code
h1 h2 h3 h4 h5 h6 dl dt dd section think
"""
_MARKUP = frozenset(_HTML.split())
_TURNS = frozenset({"turn", "message", "user", "assistant", "human", "utterance", "对话", "用户", "助手"})
_STEPS = frozenset({"step", "stage", "phase", "步骤", "阶段", "chapter", "章"})

_HAPPENINGS = frozenset({"event", "entry", "log", "record", "commit", "release", "事件", "记录", "日志"})
_TAG = re.compile(r"</?(\w+)[^<>]*>")


def find_xml(source: Source) -> Found | None:
    """Two or more XML elements of one name with nothing but white space between them.

    A number that is the first attribute stays in its place, if these count up from 0 or 1; other names move along.
    """
    text = source.text
    if "</" not in text:
        return None
    for opening in _OPENING.finditer(text):
        tag = opening["tag"]
        if tag.casefold() in _MARKUP or _fenced(source, opening.start()):
            continue
        found = _siblings(source, tag, opening)
        if len(found) >= 2:
            return _elements(source, tag, found)
    return None


def _siblings(source: Source, tag: str, opening: re.Match[str]) -> list[tuple[re.Match[str], int]]:
    """This element and those of its name that follow on it: the opening tag and the end of each."""
    text, closing = source.text, f"</{tag}>"
    found: list[tuple[re.Match[str], int]] = []
    following: re.Match[str] | None = opening
    while following is not None and following["tag"] == tag:
        end = text.find(closing, following.end())
        if end < 0 or f"<{tag}" in text[following.end() : end]:
            break
        end += len(closing)
        found.append((following, end))
        gap = len(text) - len(text[end:].lstrip())
        # A tag of its own line begins behind the blanks of that line.
        start = text.rfind("\n", 0, gap) + 1
        following = _OPENING.match(text, start) if start >= end else None
    return found


def _elements(source: Source, tag: str, found: list[tuple[re.Match[str], int]]) -> Found:
    text = source.text
    begins = [opening.start() + len(opening[0]) - len(opening[0].lstrip()) for opening, _ in found]
    numbers = [opening["number"] for opening, _ in found]
    naming = None
    if all(numbers) and value(numbers[0]) in (0, 1):
        first = value(numbers[0])
        if [value(number) for number in numbers] == list(range(first, first + len(numbers))):
            naming = Naming(tag.casefold(), first, numbers[0])
    spans = [
        Span(start, opening.end("number") + len(opening["quote"]) if naming else start, end)
        for start, (opening, end) in zip(begins, found, strict=True)
    ]
    texts = [text[opening.end() : end - len(tag) - 3] for opening, end in found]
    return Found(cut(source, "xml", spans, naming), _guard(source, tag, found, [text.strip() for text in texts]))


def _guard(source: Source, tag: str, found: list[tuple[re.Match[str], int]], texts: list[str]) -> Guard | None:
    if tag.casefold() in _TURNS:
        return Guard("dialogue", f"<{tag}>")
    if tag.casefold() in _STEPS:
        return Guard("steps", f"<{tag}>")
    if timed := _timed(tag, [opening[0] for opening, _ in found]):
        return Guard("chronology", timed)
    return (
        guards.sequel(texts[1:])
        or guards.in_order(texts)
        or guards.conversation(texts)
        or guards.announced(_TAG.sub(r"\1", source.lead(found[0][0].start())))
    )


_ATTRIBUTE = re.compile(r"""([\w.:-]+)[ \t]*=[ \t]*(?:"([^"<>]*)"|'([^'<>]*)')""")


def _timed(tag: str, openings: list[str]) -> str:
    """The attribute that says when each element is, in order of time; "" for none."""
    each = [{hit[1]: hit[2] or hit[3] or "" for hit in _ATTRIBUTE.finditer(opening)} for opening in openings]
    least = 2 if tag.casefold() in _HAPPENINGS else 3
    return next(
        (key for key in each[0] if all(key in one for one in each) and column(key, [one[key] for one in each], least)),
        "",
    )


def _fenced(source: Source, at: int) -> bool:
    return any(line.fenced and line.start <= at < line.end for line in source.lines)
