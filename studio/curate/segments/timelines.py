"""Time lines: segments that each say when they are, one after the other, in words, in attributes or in JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_HAN_DAYS = "一二三四五六日天"
_STAMP = (
    r"(?:(?P<clock>\d{1,2}[:：]\d{2}(?:[:：]\d{2})?)"
    r"|(?P<date>[12]\d{3}(?:[ ]?年(?:\d{1,2}月(?:\d{1,2}[日号])?)?|[-/.]\d{1,2}(?:[-/.]\d{1,2})?)?"
    r"(?:[T ]{1,2}\d{1,2}:\d{2}(?::\d{2})?Z?)?)"
    r"|(?P<version>v?\d{1,3}(?:\.\d{1,3}){1,3})"
    r"|(?P<day>(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?)"
    r"|(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?:[ ](?P<nth>\d{1,2}))?"
    rf"|(?:周|星期)(?P<han>[{_HAN_DAYS}])|(?P<moon>\d{{1,2}}月(?:\d{{1,2}}[日号])?))(?![a-z\d%])"
)
_BEGINS = re.compile(rf"[\s#*\[(（【]*(?:(?:in|on|at|by|since|from)[ ]+)?{_STAMP}", re.IGNORECASE)
_ENDS = re.compile(rf"(?:[(（\[]|[,，:：–—-][ ]?){_STAMP}[)）\]]?[.。]?\s*\Z", re.IGNORECASE)
_WHOLE = re.compile(rf"\s*{_STAMP}\s*", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")


class Stamp(NamedTuple):
    """When something is. kind: what can be compared with each other. parts: from the greatest to the smallest."""

    kind: str
    parts: tuple[float, ...]


def runs(stamps: Sequence[Stamp | None], least: int = 3) -> bool:
    """Whether all segments have stamps of one kind, and these go up or go down."""
    if len(stamps) < least or None in stamps or len({stamp.kind for stamp in stamps if stamp}) != 1:
        return False
    parts = [stamp.parts for stamp in stamps if stamp]
    up = all(before <= after for before, after in pairwise(parts))
    down = all(before >= after for before, after in pairwise(parts))
    return up != down


def _all(texts: Sequence[str], read: Callable[[str], Stamp | None], least: int, but: str = "") -> bool:
    stamps: list[Stamp | None] = []
    for text in texts:
        stamp = read(text)
        if stamp is None or stamp.kind == but:
            return False
        stamps.append(stamp)
    return runs(stamps, least)


def at_beginning(text: str) -> Stamp | None:
    """The stamp a text begins with."""
    return _stamp(_BEGINS.match(text))


def at_end(text: str) -> Stamp | None:
    """The stamp a text ends with, behind a comma or dash or in brackets."""
    return _stamp(_ENDS.search(text, max(0, len(text) - 40)))


def each_begins(texts: Sequence[str]) -> bool:
    """Whether every one of three or more texts begins with its time, and these are in order."""
    # Amounts are written like versions.
    return _all(texts, at_beginning, 3, but="version")


def each_titled(titles: Sequence[str]) -> bool:
    """Whether every one of two or more titles begins with its time or version, and these are in order."""
    return _all(titles, at_beginning, 2)


def each_ends(texts: Sequence[str]) -> bool:
    """Whether every one of three or more texts ends with its time, from the earliest to the latest."""
    return _all(texts, at_end, 3, but="version") and at_end(texts[0]) != at_end(texts[-1])


_WORDS_OF_KEY = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[\u4e00-\u9fff]+")
_OF_TIME = """
date time datetime timestamp year month day weekday hour start started begin begins end ended when created updated
published offset 日期 时间 年份 年 月份 开始 结束 开始时间 结束时间 发布时间 创建时间
"""
_TIME_WORDS = frozenset(_OF_TIME.split())
_OF_SPANS = "start begin begins end offset 开始 结束 开始时间 结束时间"
_SPANS = frozenset(_OF_SPANS.split())


def words_of(key: str) -> frozenset[str]:
    """The words of a key such as "start_time" or "createdAt"."""
    return frozenset(word.casefold() for word in _WORDS_OF_KEY.findall(key))


def column(key: str, values: Sequence[Any], least: int = 3) -> bool:
    """Whether the values under a key are times in order. least: so many of them at least.

    A number is a time only under a key that says so, for numbers in order are ids and prices too. Where passages of
    speech begin and end they say it for two of them.
    """
    words = words_of(key)
    timed = not words.isdisjoint(_TIME_WORDS)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if numbers:
        spans = not words.isdisjoint(_SPANS)
        return timed and runs([Stamp("number", (float(value),)) for value in values], 2 if spans else least)
    if not all(isinstance(value, str) for value in values):
        return False
    stamps = [_stamp(_WHOLE.fullmatch(value)) for value in values]
    if not timed and any(stamp is None or len(stamp.parts) < 2 or stamp.kind == "version" for stamp in stamps):
        return False
    return runs(stamps, least)


def _stamp(found: re.Match[str] | None) -> Stamp | None:
    if found is None:
        return None
    kind = found.lastgroup if found.lastgroup != "nth" else "month"
    assert kind is not None
    if kind == "day":
        return Stamp(kind, (_DAYS.index(found[kind][:3].lower()),))
    if kind == "month":
        return Stamp(kind, (_MONTHS.index(found[kind][:3].lower()), float(found["nth"] or 0)))
    if kind == "han":
        return Stamp("day", (min(_HAN_DAYS.index(found[kind]), 6),))
    return Stamp("month" if kind == "moon" else kind, tuple(float(number) for number in _NUMBER.findall(found[kind])))
