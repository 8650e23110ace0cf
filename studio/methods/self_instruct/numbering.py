"""Numbered lists as models write them: "9.", "9)", "9、", "（九）", "**Task 9:**", "第九题："."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_DIGITS = "一二三四五六七八九"
_NUMBER = rf"\d{{1,3}}|[{_DIGITS}]?十[{_DIGITS}]?|[{_DIGITS}]"
_MARKER = re.compile(
    rf"""(?P<indent>[ \t]*)(?P<emphasis>(?:[#>*_]+[ \t]*)*)
    (?:
        (?:Task|Instruction|任务|指令|题目)[ \t]*(?P<labelled>{_NUMBER})[ \t]*[.．、:：)）\-–—]
      | 第[ \t]*(?P<counted>{_NUMBER})[ \t]*(?:[题条项]|个任务)[ \t]*[.．、:：]?
      | [(（\[【][ \t]*(?P<bracketed>{_NUMBER})[ \t]*[)）\]】][.．、:：]?
      | (?P<plain>{_NUMBER})[ \t]?\\?[.．、:：)）]
    )(?!\d)[ \t]*""",
    re.VERBOSE | re.IGNORECASE,
)
_BULLET = re.compile(r"[ \t]*[-*•·][ \t]+")
_BOLD_START = re.compile(r"(\*\*|__)(.+?)\1")


class Entry(NamedTuple):
    """One entry of a list: its number, and its text with the line ends it had."""

    number: int
    text: str


def read_list(text: str, first: int) -> list[Entry]:
    """The entries of a list that was to go on with number `first`; text before the list and after it is left out.

    The entry `first` may come without its number, because prompts end with it. Any number begins an entry, as in the
    paper, unless it is further to the right than the list's own. An entry ends at an empty line, where the paper's
    request stops. Bullets are read when there is no number; a text with neither is one entry.
    """
    markers = list(_markers(text))
    if not markers:
        return _unnumbered(text, first)
    entries = []
    before = _last_paragraph(text[: markers[0].start])
    if before and markers[0].number == first + 1:
        entries.append(Entry(first, _plain(before)))
    ends = [marker.start for marker in markers[1:]] + [len(text)]
    for marker, end in zip(markers, ends, strict=True):
        entry = _first_paragraph(text[marker.end : end])
        entries.append(Entry(marker.number, _plain(entry, opened=marker.opened)))
    return [entry for entry in entries if entry.text]


class _Marker(NamedTuple):
    number: int
    start: int
    end: int
    indent: int
    opened: bool
    """Whether the number is inside bold markdown that ends later."""


def _markers(text: str) -> Iterator[_Marker]:
    indent: int | None = None
    place = 0
    for line in text.splitlines(keepends=True):
        found = _MARKER.match(line)
        if found:
            written = next(name for name in ("labelled", "counted", "bracketed", "plain") if found[name])
            marker = _Marker(
                _value(found[written]), place, place + found.end(), len(found["indent"]), "**" in found["emphasis"]
            )
            if indent is None or marker.indent <= indent:
                yield marker
                indent = marker.indent
        place += len(line)


def _value(written: str) -> int:
    """The number that digits, or Chinese numerals up to 99, stand for."""
    if written.isdecimal():
        return int(written)
    tens, ten, ones = written.rpartition("十")
    number = _DIGITS.find(ones) + 1 if ones else 0
    return 10 * (_DIGITS.find(tens) + 1 if tens else 1) + number if ten else number


def _unnumbered(text: str, first: int) -> list[Entry]:
    lines = [line for line in text.splitlines() if _BULLET.match(line)]
    texts = [_BULLET.sub("", line, count=1) for line in lines] if lines else [_first_paragraph(text)]
    return [Entry(first + number, _plain(found)) for number, found in enumerate(texts) if found.strip()]


def _first_paragraph(text: str) -> str:
    return re.split(r"\n[ \t]*\n", text.strip(), maxsplit=1)[0]


def _last_paragraph(text: str) -> str:
    return re.split(r"\n[ \t]*\n", text.strip())[-1]


def _plain(text: str, *, opened: bool = False) -> str:
    """Without bold markdown around the text or its beginning."""
    if opened:
        text = text.replace("**", "", 1)
    return _BOLD_START.sub(r"\2", text.strip(), count=1) if text.strip()[:2] in ("**", "__") else text.strip()
