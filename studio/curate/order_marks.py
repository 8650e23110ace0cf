"""Signs that the order of paragraphs carries meaning.

Steps, time, turns of a dialogue, letters, code, and words that lean on what came before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_STEP = re.compile(
    r"[ \t　]*(?:#{1,6}[ \t]+|\*\*|[-*+][ \t]+)?(?:"
    r"\d{1,3}(?:[.)．][ \t]|、)|[(（]\d{1,2}[)）]|[①-⑳]|[一二三四五六七八九十]{1,3}、|[ivx]{1,4}[.)][ \t]"
    r"|第[ \t]*[一二三四五六七八九十百\d]+[ \t]*(?:步|阶段|环节|章|节|回|幕|天|日|周|年|轮|部分)"
    r"|步骤[ \t]*[一二三四五六七八九十\d]"
    r"|(?:step|day|week|year|chapter|part|scene|act|phase|stage|round|turn)[ \t]+(?:\d+|one|two|three|[ivx]+)\b"
    r")",
    re.IGNORECASE,
)
_SEQUEL = re.compile(
    r"\s*(?:(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|then|next|finally|lastly|later|afterwards?|meanwhile|subsequently"
    r"|eventually)\b[ ,]|(?:after that|the next|the following (?:day|week|month|year|morning)|first of all)\b"
    r"|首先|其次|再次|然后|接着|随后|接下来|紧接着|最后|后来|之后|此后|不久|次日|翌日|第二[天日年])",
    re.IGNORECASE,
)
_CONNECTIVE = re.compile(
    r"\s*(?:(?:however|therefore|thus|hence|moreover|furthermore|consequently|nevertheless|likewise|similarly|instead)\b"
    r"|(?:in addition|in conclusion|in contrast|in summary|as a result|on the other hand|for example|to sum up)\b"
    r"|但是?[，,\w]|然而|因此|所以|此外|另外|同时|总之|综上|例如|相反|由此|这样一来|与此同时)",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\s*(?:(?:(?:in|on|by|during|since|around)[ ]+)?(?:the[ ]+)?(?:early[ ]+|late[ ]+|spring of[ ]+|summer of[ ]+)?"
    r"(?:(?:january|february|march|april|may|june|july|august|september|october|november|december)\b|[12]\d{3}s?\b)"
    r"|\d{1,2}:\d{2}|公元|[12]\d{3}[ ]?年|\d{1,2}月)",
    re.IGNORECASE,
)
_LETTER = re.compile(
    r"\s*(?:(?:dear|hi|hello|sincerely|(?:best|kind|warm) (?:regards|wishes)|regards|yours)\b"
    r"|尊敬的|亲爱的|[您你]好|此致|敬礼|祝好)",
    re.IGNORECASE,
)
_SPEAKER = re.compile(r"\s*(?:\*\*)?[^\W\d_][\w .]{0,20}(?:\*\*)?[:：](?!//)")
_HEADING = re.compile(r"[ ]{0,3}#{1,6}[ \t]")
_CODE = re.compile(r" {4}|\t|.*[;{}]\s*$")


def is_step(line: str) -> bool:
    """Whether the line begins like a step, a list number or a chapter: "1. ", "第一步", "Step 2", "①"."""
    return _STEP.match(line) is not None


def is_ordered(lines: Sequence[str], paragraphs: Sequence[str]) -> bool:
    """Whether these paragraphs must stay in order. lines: all of their lines outside fenced code."""
    return (
        any(is_step(line) or _HEADING.match(line) or _CODE.match(line) for line in lines)
        or continues(paragraphs)
        or any(_CONNECTIVE.match(paragraph) for paragraph in paragraphs[1:])
        or any(_LETTER.match(paragraph) for paragraph in (paragraphs[0], paragraphs[-1]))
        or _several(_TIME, paragraphs)
        or _several(_SPEAKER, paragraphs)
    )


def continues(paragraphs: Sequence[str]) -> bool:
    """Whether one of the paragraphs after the first takes up the tale: "Then", "Finally", "随后"."""
    return any(_SEQUEL.match(paragraph) for paragraph in paragraphs[1:])


def _several(pattern: re.Pattern[str], paragraphs: Sequence[str]) -> bool:
    return sum(pattern.match(paragraph) is not None for paragraph in paragraphs) >= 2
