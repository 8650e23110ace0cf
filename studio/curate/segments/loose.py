"""Numbers that may name a segment without a noun beside them: "#2", "Lives (2).", "Only 2 is passive", 第2条."""

from __future__ import annotations

import re
from typing import NamedTuple

from studio.curate.segments.citations import NUMBER, has_an_owner


class Loose(NamedTuple):
    """start: where the number begins, the first one in the words. number: as it is written."""

    start: int
    words: str
    number: str


_SIGNED = re.compile(
    r"(?<![\w&#/])#[ ]?\d{1,3}\b|№[ ]?\d{1,3}|(?P<no>\b[Nn]o\.[ ]?\d{1,3}\b(?![.,]\d))|【\d{1,3}[†:]|\[\^\d{1,3}\]"
    r"|<(?:cite|ref|sup|co|citation|source|doc|document)\b[^<>]{0,40}>[ ]*\d{1,3}[ ]*</"
    r"|\"(?:ids?|index|idx|no|编号|序号)\"\s*:\s*\"?\d{1,3}\b"
    r"|编号[为是]?[ ]?\d{1,3}|\b(?:see|cf\.)[ ](?:also[ ])?\d{1,3}(?=[ ]*(?:$|[,;)\n]|\.(?!\d)))"
    r"|\b\d{1,3}(?:[ ]?>[ ]?\d{1,3}){2,}\b"
    r"|^[ \t]*(?:[-*•][ \t]*)?\d{1,3}[ \t]*$"
    r"|(?P<round>(?<![A-Za-z\d_])[(（][ ]?\d{1,2}(?:[ ]?[,，、][ ]?\d{1,2})*[ ]?[)）])",
    re.MULTILINE,
)
_SIGNS = ("(", "（", "#", "o.", "†", "【", "<", "[^", "№", '":', "编号", "see ", "cf.", ">", "\n")


def signed(text: str) -> list[Loose]:
    """Numbers behind a sign or in round brackets; (1), (2), (3) that count up are the numbers of an enumeration."""
    if not any(sign in text for sign in _SIGNS):
        return []
    found = list(_SIGNED.finditer(text))
    counts_up = _counts_up([_loose(one).number for one in found if one["round"]])
    return [
        _loose(one)
        for one in found
        if not (one["round"] and counts_up) and not (one["no"] and has_an_owner(text, one.start()))
    ]


# What leads up to a number that stands for an entry, and what goes on behind it.
_ALONE = re.compile(
    r"(?:(?:^|[.,;:!?(\n])[ ]*(?:[a-z]+[ ])?"
    r"|\b(?:only|just|both|are|is|was|were|be|and|or|not|in|see|namely|except)[ ])"
    r"(?P<number>\d{1,2})(?=[ ]*(?:$|[,;:!?)\n]|\.(?!\d)|(?:is|are|was|were|and|or|both|has|have|does|do|says?)\b))"
    r"|第[ ]?(?:\d{1,2}|[一二三四五六七八九十]{1,3})[ ]?[条项个点则句种位名]"
    r"|[\u4e00-\u9fff]\d{1,2}"
    r"(?![\d.%％年月日号时分秒个条次元度岁万千百米只件本台人天周位层名克斤升倍])",
    re.IGNORECASE,
)
_ENUMERATED = re.compile(r"^[ \t]*(?P<number>\d{1,2})[.)、]", re.MULTILINE)


def alone(text: str) -> list[Loose]:
    """What an answer about a numbered list may say instead of "item 2"; numbers of a list of its own say nothing."""
    entries = list(_ENUMERATED.finditer(text))
    own = {one.start("number") for one in entries} if _counts_up([one["number"] for one in entries]) else set()
    return [_loose(one) for one in _ALONE.finditer(text) if one.start("number") not in own]


def _loose(hit: re.Match[str]) -> Loose:
    number = NUMBER.search(hit[0])
    assert number is not None
    return Loose(hit.start() + number.start(), hit[0].strip(" .,;:!?\n"), number[0])


def _counts_up(numbers: list[str]) -> bool:
    """Whether they are 1, 2 and so on."""
    return len(numbers) > 1 and [int(number) for number in numbers] == list(range(1, len(numbers) + 1))
