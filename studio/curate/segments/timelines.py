"""Time lines: segments that each say when they are, one after the other, in words, in attributes or in JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from studio.curate.segments.numerals import DAYS, HAN_DAYS, MONTHS

_DAYS, _MONTHS = ([name[:3] for name in names.split("|")] for names in (DAYS, MONTHS))


def _shortened(names: str) -> str:
    """Names that may be cut behind three letters."""
    return "|".join(f"{name[:3]}(?:{name[3:]})?" for name in names.split("|"))


_STAMP = (
    r"(?:(?P<clock>\d{1,2}[:：]\d{2}(?:[:：]\d{2})?)"
    r"|(?P<date>[12]\d{3}(?:[ ]?年(?:\d{1,2}月(?:\d{1,2}[日号])?)?|[-/.]\d{1,2}(?:[-/.]\d{1,2})?)?"
    r"(?:[T ]{1,2}\d{1,2}:\d{2}(?::\d{2})?Z?)?)"
    rf"|(?P<version>v?\d{{1,3}}(?:\.\d{{1,3}}){{1,3}})|(?P<day>{_shortened(DAYS)})"
    rf"|(?P<month>{_shortened(MONTHS)})(?:[ ](?P<nth>\d{{1,2}}))?"
    rf"|(?:周|星期)(?P<han>[{HAN_DAYS}])|(?P<moon>\d{{1,2}}月(?:\d{{1,2}}[日号])?))(?![a-z\d%])"
)
_BEGINS = re.compile(rf"[\s#*\[(（【]*(?:(?:in|on|at|by|since|from)[ ]+)?{_STAMP}", re.IGNORECASE)
_ENDS = re.compile(rf"(?:[(（\[]|[,，:：–—-][ ]?){_STAMP}[)）\]]?[.。]?\s*\Z", re.IGNORECASE)
_WHOLE = re.compile(rf"\s*{_STAMP}\s*", re.IGNORECASE)


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


def each_begins(texts: Sequence[str]) -> bool:
    """Whether every one of three or more texts begins with its time, and these are in order."""
    # Amounts are written like versions.
    return _all(texts, _BEGINS.match, 3, but="version")


def each_titled(titles: Sequence[str]) -> bool:
    """Whether every one of two or more titles begins with its time or version, and these are in order."""
    return _all(titles, _BEGINS.match, 2)


def each_ends(texts: Sequence[str]) -> bool:
    """Whether every one of three or more texts ends with its time, behind a comma, a dash or in brackets, in order."""
    return _all([text[-40:] for text in texts], _ENDS.search, 3, but="version")


def _all(texts: Sequence[str], read: Callable[[str], re.Match[str] | None], least: int, but: str = "") -> bool:
    stamps: list[Stamp | None] = []
    for text in texts:
        stamp = _stamp(read(text))
        if stamp is None or stamp.kind == but:
            return False
        stamps.append(stamp)
    return runs(stamps, least)


_WORDS_OF_KEY = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[\u4e00-\u9fff]+")
_OF_SPANS = "start begin begins end offset 开始 结束 开始时间 结束时间"
_OF_TIME = f"""
date time datetime timestamp year month day weekday hour started ended when created updated published
日期 时间 年份 年 月份 发布时间 创建时间 {_OF_SPANS}
"""
_SPANS, _TIME_WORDS = frozenset(_OF_SPANS.split()), frozenset(_OF_TIME.split())


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
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        numbers = [Stamp("number", (float(value),)) for value in values]
        return timed and runs(numbers, least if words.isdisjoint(_SPANS) else 2)
    if not all(isinstance(value, str) for value in values):
        return False
    stamps = [_stamp(_WHOLE.fullmatch(value)) for value in values]
    if not timed and any(stamp is None or len(stamp.parts) < 2 or stamp.kind == "version" for stamp in stamps):
        return False
    return runs(stamps, least)


def _stamp(found: re.Match[str] | None) -> Stamp | None:
    if found is None:
        return None
    kind = "month" if found["month"] else str(found.lastgroup)
    if kind == "day":
        return Stamp(kind, (_DAYS.index(found[kind][:3].lower()),))
    if kind == "month":
        return Stamp(kind, (_MONTHS.index(found[kind][:3].lower()), float(found["nth"] or 0)))
    if kind == "han":
        return Stamp("day", (min(HAN_DAYS.index(found[kind]), 6),))
    parts = tuple(float(number) for number in re.findall(r"\d+", found[kind]))
    return Stamp("month" if kind == "moon" else kind, parts)
