"""Ordinals by which a text points at an entry: "the third review", "the last two", 第二则新闻.

"The first president" is nobody's segment. So the noun behind an ordinal has to be one that the entries are called by,
or there is none at all.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from studio.curate.segments.nouns import singular
from studio.curate.segments.numerals import value

_USUAL = """
document doc passage paragraph article excerpt snippet segment source section example bullet item entry one review
comment sentence statement claim fact option element row tweet headline
"""
_OBJECTS = """
object record user person customer product employee order student patient book message note result contact
"""
_BETWEEN = """
the a an in of to and or that for by on with is was are were from as who which when where at it he she they
"""
USUAL = frozenset(_USUAL.split())
"""What a question may call any segment."""
OF_OBJECTS = USUAL | frozenset(_OBJECTS.split())
"""What a question may call the objects of an array besides."""

_ORDINALS = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d{1,3}(?:st|nd|rd|th)|last|final|penultimate"
    r"|next|previous|preceding)"
)
_COUNT = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|few|\d{1,2})"
_ORDINAL = re.compile(rf"\b{_ORDINALS}\b(?:[ -]to[ -]last\b)?(?:[ ]{_COUNT}\b)?", re.IGNORECASE)
_VERBS = (
    r"(?:is|are|was|were|do|does|did|has|have|say|says|mention|mentions|describe|describes|talk|discuss|agree|about)"
)
# Ordinals that stand for themselves: "the last two say", "the second of these", "the first or the third?".
_ALONE = re.compile(
    rf"\bthe[ ](?:{_ORDINALS}[ ]{_COUNT}(?=[ ]?(?:$|[.,;:?!\n]|{_VERBS}\b|of[ ](?:these|them|those)\b))"
    rf"|{_ORDINALS}[ ]of[ ](?:these|them|those)\b"
    rf"|{_ORDINALS}(?:[ ](?:and|or|with|to|than|from)|,)[ ](?:the[ ])?{_ORDINALS}(?=[ ]?(?:$|[.,;:?!\n]|{_VERBS}\b)))",
    re.IGNORECASE | re.MULTILINE,
)
_FOLLOWING = re.compile(r"[ ]([A-Za-z]+)(?:['’]s?)?")
_NO_ADJECTIVES = frozenset(_BETWEEN.split())
# What is said of the answer that is wanted, and not of a segment.
_OF_THE_ANSWER = re.compile(
    r"\w*(?:['’]s?)?[ ](?:of|in)[ ](?:your|the|each|its)[ ](?:answer|response|reply|summary|output|essay|story|poem)\b"
    r"|\w*[ ](?:must|should|shall)\b",
    re.IGNORECASE,
)

_HAN_ORDINAL = re.compile(
    r"(?:(?:倒数)?第[ ]?(?P<number>\d{1,3}|[一二三四五六七八九十]{1,3})|最后[一两二三四五几\d]"
    r"|(?<![以写记留念之])[前后][一两二三四五几])[ ]?(?P<measure>(?:句(?!话)|[条则题个位名项份种件本家款]))"
)
# These measure what is written, the others anything: 第一条铁路.
_WRITTEN = frozenset("则句")
_TEXTS = re.compile(
    r"[ ]?(?:的)?(?:评论|点评|新闻|消息|信息|记录|事实|笔记|意见|建议|留言|陈述|线索|内容|句子|描述|说法|引文)"
)
# 第二个是什么: nothing is named, so it is one of those that are there.
_BARE = re.compile(r"[ ]?(?:$|[是的和与？?。，,、；;！!])", re.MULTILINE)
_LAWS = frozenset("》法例规章约则定")


def place_named(text: str, nouns: Collection[str], lead: str, count: int, asked: Collection[str] = ()) -> str:
    """The first words that single out an entry by its place, "" for none.

    nouns: what the line above the entries calls them; lead: that line. asked: what they may be called besides where a
    text asks about them, () where it does not.
    """
    if not nouns and not asked and text.isascii():
        return ""
    return _english(text, nouns, asked) or _chinese(text, lead, count, asked)


def _english(text: str, nouns: Collection[str], asked: Collection[str]) -> str:
    if asked and (alone := _ALONE.search(text)):
        return alone[0]
    for found in _ORDINAL.finditer(text):
        at = found.end()
        # Of an answer only the very noun counts, or one word before it.
        for _ in range(3 if asked else 2):
            word = _FOLLOWING.match(text, at)
            if word is None:
                break
            noun = singular(word[1].lower())
            if noun in nouns or noun in asked:
                if asked and _OF_THE_ANSWER.match(text, word.start(1)):
                    break
                return text[found.start() : word.end()]
            if word[1].lower() in _NO_ADJECTIVES:
                break
            at = word.end()
    return ""


def _chinese(text: str, lead: str, count: int, asked: Collection[str]) -> str:
    if text.isascii():
        return ""
    for found in _HAN_ORDINAL.finditer(text):
        if found["number"] and not 0 < value(found["number"]) <= count:
            continue
        if text[found.start() - 1 : found.start()] in _LAWS and found.start():
            continue
        after = text[found.end() : found.end() + 2]
        if (
            (len(after) == 2 and after in lead)
            or (asked and found["measure"] in _WRITTEN)
            or (asked and _TEXTS.match(text, found.end()))
            or (asked and found["measure"] in "条个项" and _BARE.match(text, found.end()))
            or (asked and found["measure"] == "条" and text[found.end() : found.end() + 1] in "说讲写提")
            or "object" in asked
        ):
            return found[0]
    return ""
