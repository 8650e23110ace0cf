"""Numbers that may name a segment without a noun beside them: "#2", "Lives (2).", "Only 2 is passive", 第2条."""

from __future__ import annotations

import re
from typing import NamedTuple

from studio.curate.citations import NUMBER


class Loose(NamedTuple):
    """start: where the words begin. number: the first one in them, as it is written."""

    start: int
    words: str
    number: str


_SIGNS = re.compile(
    r"(?<![\w&#/])#[ ]?\d{1,3}\b|№[ ]?\d{1,3}|\b[Nn]o\.[ ]?\d{1,3}\b(?![.,]\d)|【\d{1,3}[†:]|\[\^\d{1,3}\]"
    r"|<(?:cite|ref|sup|co|citation|source|doc|document)\b[^<>]{0,40}>[ ]*\d{1,3}[ ]*</"
    r"|\"(?:ids?|index|idx|no|编号|序号)\"\s*:\s*\"?\d{1,3}\b"
    r"|(?P<round>(?<![A-Za-z\d_])[(（][ ]?\d{1,2}(?:[ ]?[,，、][ ]?\d{1,2})*[ ]?[)）])",
)


def loose_numbers(text: str) -> list[Loose]:
    """Numbers behind a sign or in round brackets; (1), (2), (3) that count up are the numbers of an enumeration."""
    if not any(sign in text for sign in ("(", "（", "#", "o.", "†", "【", "<", "[^", "№", '":')):
        return []
    found = list(_SIGNS.finditer(text))
    round_ones = [int(NUMBER.findall(one[0])[0]) for one in found if one["round"]]
    enumerated = len(round_ones) > 1 and round_ones == list(range(1, len(round_ones) + 1))
    return [Loose(one.start(), one[0], NUMBER.findall(one[0])[0]) for one in found if not (one["round"] and enumerated)]


# What goes on behind a number that stands for an entry, and what leads up to one.
_ALONE = re.compile(
    r"(?:(?:^|[.,;:!?(\n])[ ]*(?:[a-z]+[ ])?|\b(?:only|just|both|are|is|was|were|be|and|or|not|in|see|namely|except)[ ])"
    r"(?P<number>\d{1,2})(?=[ ]*(?:$|[,;:!?)\n]|\.(?!\d)|(?:is|are|was|were|and|or|both|has|have|does|do|says?)\b))"
    r"|第[ ]?(?:\d{1,2}|[一二三四五六七八九十]{1,3})[ ]?[条项个点则句种位名]"
    r"|[\u4e00-\u9fff]\d{1,2}(?![\d.%％年月日号时分秒个条次元度岁万千百米只件本台人天周位层名克斤升倍])",
    re.IGNORECASE,
)
_ENUMERATED = re.compile(r"^[ \t]*(\d{1,2})[.)、]", re.MULTILINE)


def alone(text: str) -> list[Loose]:
    """What an answer about a numbered list may say instead of "item 2", and no numbers of a list of its own."""
    own = [found.start(1) for found in _ENUMERATED.finditer(text)]
    if [int(found) for found in _ENUMERATED.findall(text)] != list(range(1, len(own) + 1)) or len(own) < 2:
        own = []
    return [
        Loose(one.start(), one[0].strip(" .,;:!?(\n"), NUMBER.findall(one[0])[0])
        for one in _ALONE.finditer(text)
        if one.start("number") not in own
    ]
