"""JSON arrays of objects or texts: the elements move, the JSON around them stays as it is, byte for byte."""

from __future__ import annotations

import json
import re
from json.decoder import JSONDecodeError
from typing import Any

from studio.curate.segments import guards
from studio.curate.segments.guards import Guard
from studio.curate.segments.lines import Source
from studio.curate.segments.segment import Span, cut
from studio.curate.segments.shapes import Found
from studio.curate.segments.timelines import column, words_of
from studio.text.tokens import CJK

_decoder = json.JSONDecoder()
_BRACKET = re.compile(r"\[(?=\s*[{\"])")
# An array begins a line, or is the value of a key, or stands behind a colon.
_BEFORE = re.compile(r"(?:(?:^|\n)[ \t]*|[:：]\s*)\Z")
_BETWEEN = re.compile(r"\s*,\s*")
_AROUND = re.compile(r"\s*")
_STEPS = frozenset({"step", "steps", "stage", "phase", "turn", "round", "order", "步骤", "阶段", "轮次", "顺序"})
_RANKS = frozenset({"rank", "ranking", "position", "priority", "place", "排名", "名次", "优先级"})
_SPEAKERS = frozenset({"role", "speaker", "from", "author_role", "角色", "说话人"})
_ASKING = frozenset({"human", "user", "用户"})
_ANSWERING = frozenset({"assistant", "bot", "gpt", "ai", "助手", "机器人"})
_STEP_WORDS = frozenset({"step", "steps", "stage", "phase", "turn"})
# Names of arrays.
_OF_TALKS = """
messages conversation conversations dialog dialogs dialogue dialogues turns chat transcript captions subtitles
utterances 对话 聊天记录 消息 字幕 台词
"""
_TALKS = frozenset(_OF_TALKS.split())
_OF_SEQUENCES = "instructions chapters scenes acts stages phases log logs history episodes lines 章节 阶段 日志 历史"
_SEQUENCES = frozenset(_OF_SEQUENCES.split())
_KEY = re.compile(r"[\"'“]([^\"'“”\n]{1,40})[\"'”]\s*[:：]\s*\Z")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W_a-zA-Z]+")
_LEAST_TEXTS = 3
_INDENT = 40
_LEAD = 120
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
            guard = _guard(text[: bracket.start()][-_LEAD:], values, objects=objects)
            return Found(cut(source, "json", spans), guard)
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


def _guard(lead: str, values: list[Any], *, objects: bool) -> Guard | None:
    """lead: what stands on the same line before the array, the key that it is the value of among it."""
    key = _KEY.search(lead)
    name = " ".join(_PART.findall(key[1])) if key else lead.rstrip(" \t\n:：").rpartition("\n")[2]
    if name.casefold() in _TALKS:
        return Guard("dialogue", name)
    if key and name.casefold() in _SEQUENCES:
        return Guard("steps", name)
    if guard := guards.announced(name):
        return guard
    if objects:
        return _of_objects(values)
    return guards.sequel(values[1:]) or guards.in_order(values) or guards.conversation(values)


def _of_objects(objects: list[dict[str, Any]]) -> Guard | None:
    keys = {key.casefold() for key in objects[0]}
    if found := keys & _SPEAKERS:
        return Guard("dialogue", min(found))
    if keys & _ASKING and (found := keys & _ANSWERING):
        return Guard("dialogue", min(found))
    if found := keys & _STEPS or {word for key in objects[0] for word in words_of(key)} & _STEP_WORDS:
        return Guard("steps", min(found))
    if found := keys & _RANKS:
        return Guard("ranking", min(found))
    for key in objects[0]:
        values = [one.get(key) for one in objects]
        if column(key, values):
            return Guard("chronology", f"{key}: {values[0]}, {values[1]}")
    texts = next(iter(zip(*[_texts(one) for one in objects], strict=False)), ())
    return guards.in_order(texts) if len(texts) == len(objects) else None


def _texts(one: dict[str, Any]) -> list[str]:
    return [value for value in one.values() if isinstance(value, str)]
