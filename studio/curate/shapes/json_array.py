"""JSON arrays of objects or texts: the elements move, the JSON around them stays as it is, byte for byte."""

from __future__ import annotations

import json
import re
from json.decoder import JSONDecodeError
from typing import Any

from studio.curate import guards
from studio.curate.guards import Guard
from studio.curate.lines import Source
from studio.curate.segments import Span, cut
from studio.curate.shapes import Found
from studio.text.tokens import CJK

_decoder = json.JSONDecoder()
_BRACKET = re.compile(r"\[(?=\s*[{\"])")
# An array begins a line, or is the value of a key, or stands behind a colon.
_BEFORE = re.compile(r"(?:(?:^|\n)[ \t]*|[:：]\s*)\Z")
_BETWEEN = re.compile(r"\s*,\s*")
_AROUND = re.compile(r"\s*")
_STEPS = frozenset({"step", "steps", "stage", "phase", "turn", "round", "order", "步骤", "阶段", "轮次", "顺序"})
_RANKS = frozenset({"rank", "ranking", "position", "priority", "place", "排名", "名次", "优先级"})
_TIMES = frozenset(
    {"date", "time", "timestamp", "year", "month", "day", "created_at", "datetime", "日期", "时间", "年份"}
)
_SPEAKERS = frozenset({"role", "speaker", "from", "author_role", "角色", "说话人"})
_LEAST_TEXTS = 3
_INDENT = 40
# So long are elements that have something to say: a task about ["b", "a", "c"] is mostly about their order.
_TEXT, _OBJECT = 20, 36
_WIDE = re.compile(f"[{CJK}]")


def find(source: Source) -> Found | None:
    """The first array of two or more objects, or of three or more texts."""
    text = source.text
    for bracket in _BRACKET.finditer(text):
        before = text[max(0, bracket.start() - _INDENT) : bracket.start()]
        found = _elements(text, bracket.end()) if _BEFORE.search(before) else None
        if found is None:
            continue
        spans, values = found
        objects = all(isinstance(value, dict) for value in values)
        texts = all(isinstance(value, str) for value in values)
        if not (objects and len(values) >= 2) and not (texts and len(values) >= _LEAST_TEXTS):
            continue
        if _length([text[span.start : span.end] for span in spans]) >= (_OBJECT if objects else _TEXT):
            return Found(cut(source, "json", spans), _guard(values) if objects else guards.sequel(values[1:]))
    return None


def _elements(text: str, at: int) -> tuple[list[Span], list[Any]] | None:
    """The array's elements from behind its bracket on; None where it is no whole JSON array."""
    spans: list[Span] = []
    values: list[Any] = []
    at = _after(_AROUND, text, at)
    while True:
        try:
            value, end = _decoder.raw_decode(text, at)
        except (JSONDecodeError, RecursionError):
            return None
        spans.append(Span(at, at, end))
        values.append(value)
        comma = _BETWEEN.match(text, end)
        if comma is None:
            break
        at = comma.end()
    closing = _after(_AROUND, text, spans[-1].end)
    return (spans, values) if text[closing : closing + 1] == "]" else None


def _length(elements: list[str]) -> float:
    """The mean length of the elements in letters; a Chinese character says as much as three."""
    return sum(len(element) + 2 * len(_WIDE.findall(element)) for element in elements) / len(elements)


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _guard(objects: list[dict[str, Any]]) -> Guard | None:
    keys = {key.casefold() for key in objects[0]}
    if found := keys & _SPEAKERS:
        return Guard("dialogue", min(found))
    if found := keys & _STEPS:
        return Guard("steps", min(found))
    if found := keys & _RANKS:
        return Guard("ranking", min(found))
    for key in objects[0]:
        if key.casefold() in _TIMES and len(objects) >= 3:
            times = [str(one.get(key)) for one in objects]
            if times in (sorted(times), sorted(times, reverse=True)) and len(set(times)) > 1:
                return Guard("chronology", f"{key}: {times[0]}, {times[1]}")
    return None
