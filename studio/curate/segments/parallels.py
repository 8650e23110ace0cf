"""Answers that run parallel to the segments: an entry, a line or a sentence for each, in their order.

Such an answer would be wrong once the segments stand in another order.
"""

from __future__ import annotations

import json
import re
from statistics import median

from studio.curate.segments.gold import answer_keys, holds
from studio.curate.segments.guards import Guard
from studio.curate.segments.segment import Segments
from studio.text.tokens import CJK

_ENTRY = re.compile(r"^[ \t　]*(?:\d{1,3}[.)、:：]|[-*+•·][ \t]|[(（]\d{1,2}[)）]|[①-⑳])", re.MULTILINE)
_BLANK = re.compile(r"\n[^\S\n]*\n\s*")
_ITEM = re.compile(r"[,，;；、/]")
# Tasks that take all of a text, so that the answer has its order.
_WHOLE = re.compile(
    r"(?:^|[.!?。！？;；:：,，\n][ \t]*|\b(?:please|and|to|you|then)[ ])(?:translate|convert|rewrite|rephrase"
    r"|paraphrase|correct|proofread|classify|categori[sz]e|label|annotate|transform|reformat|transcribe|transliterate)\b"
    r"|翻译|译[成为]|改写|改成|分类|归类|转[换成为]|纠正|改正|校对|润色|标注",
    re.IGNORECASE,
)
_WIDE = re.compile(f"[{CJK}]")
# An answer of this size, in letters, can say something of three segments.
_LONG = 72
# The least share of the segments' letters in a translation or conversion of them.
_SHARE = 0.25


def parallel(answer: str, question: str, segments: Segments, *, cites: bool) -> Guard | None:
    """Whether the answer takes the segments one by one. cites: it or the question names some by number."""
    count = len(segments)
    answer = answer.strip()
    if segments.kind in ("constraints", "examples") or not answer or any(answer in body for body in segments.bodies):
        return None
    if count > 2 and (parts := _parts(answer, count)):
        return Guard("parallel", f"an answer of {count} {parts}")
    if cites:
        return None
    if _covers(answer, segments) and (task := _WHOLE.search(question)):
        return Guard("parallel", task[0].strip(" \t\n.,;:!?，。；：！？"))
    if _size(answer) >= _LONG and count > 2 and _follows(answer, segments):
        return Guard("parallel", " ".join(answer.split())[:40])
    return None


def _parts(answer: str, count: int) -> str:
    """What the answer has as many of as there are segments, "" for nothing."""
    if "\n" not in answer and not answer.startswith("["):
        return ""
    lines = [line for line in answer.split("\n") if line.strip()]
    numbers = {
        "entries": len(_ENTRY.findall(answer)),
        "lines": len(lines),
        "blocks": len(_BLANK.split(answer)),
        "table rows": len(lines) - _heading(lines),
        "elements": _elements(answer),
    }
    return next((name for name, number in numbers.items() if number == count), "")


def _heading(lines: list[str]) -> int:
    """How many lines of a table are no rows; all of them where it is none."""
    if len(lines) < 2 or not any(
        mark in lines[0] and len({line.count(mark) for line in lines}) == 1 for mark in ",\t|;"
    ):
        return len(lines)
    return 2 if set(lines[1].strip()) <= set("|-: ") else 1


def _elements(answer: str) -> int:
    """How many elements the answer has as a JSON array."""
    try:
        whole = json.loads(answer) if answer.startswith("[") else ()
    except (ValueError, RecursionError):
        return 0
    return len(whole) if isinstance(whole, list) else 0


def _covers(answer: str, segments: Segments) -> bool:
    """Whether an answer may be all of the segments in another form."""
    count = len(segments)
    if _parts(answer, count) or len(_ITEM.split(answer)) == count:
        return True
    # Where even Chinese would be too short there is no need to look at letters.
    enough = 3 * len(answer) >= _SHARE * sum(map(len, segments.bodies))
    return enough and _size(answer) >= _SHARE * sum(map(_size, segments.bodies))


def _follows(answer: str, segments: Segments) -> bool:
    """Whether words that only one segment has stand in the answer in the order of the segments."""
    bodies = [body.casefold() for body in segments.bodies]
    folded = answer.casefold()
    found: dict[int, list[int]] = {}
    sure: set[int] = set()
    for key in answer_keys(answer):
        where = [place for place, body in enumerate(bodies) if key in body and holds(body, key)]
        if len(where) != 1:
            continue
        at = found.setdefault(where[0], [])
        at.append(folded.find(key))
        if len(at) > 1 or (key.isdecimal() and len(key) > 1):
            sure.add(where[0])
    if len(sure) < max(3, (len(segments) + 1) // 2):
        return False
    middles = [median(found[place]) for place in sorted(sure)]
    return middles == sorted(middles)


def _size(text: str) -> int:
    """Letters; a Chinese character says as much as three."""
    return len(text) + 2 * len(_WIDE.findall(text))
