"""Words that point at a segment by its place: "the second document", "the latter", 第二篇, 前者; they hold the row.

Texts are long and such words rare: an expression runs only over a text that has one of its words at all.
"""

from __future__ import annotations

import re
from functools import lru_cache

from studio.curate.segments.nouns import NOUNS
from studio.curate.segments.numerals import CARDINALS, HAN, ORDINALS

_USUAL = """
document doc passage paragraph article excerpt snippet segment source context section example bullet item entry one
review comment sentence statement claim fact option element row tweet headline
"""
_OBJECTS = """
object record user person customer product employee order student patient book message note result contact
"""
USUAL = tuple(_USUAL.split())
"""What people call any segment."""
OBJECTS = (*USUAL, *_OBJECTS.split())
"""What people call the objects of an array."""
CORE = USUAL[:16]
"""The first of them, which are no parts of a text that is to be done: "the last sentence" behind examples is one."""

_ORDINAL = rf"(?:{ORDINALS}|last|final|penultimate|next|previous|preceding)"
_COUNT = rf"(?:(?:{CARDINALS}|few|\d{{1,3}})[ ])?"
# "The second edition of the document" is about the edition.
_NO_ADJECTIVE = (
    "the|a|an|in|of|to|and|or|that|for|by|on|with|is|was|are|were|from|as|who|which|when|where|at|it|he|she|they"
)
# What is said of the answer that is wanted, and not of a segment.
_OF_THE_ANSWER = (
    r"(?:['’]s?)?[ ](?:(?:of|in)[ ](?:your|the|each|its)[ ](?:answer|response|reply|summary|output|essay|story|poem)"
    r"|must|should|shall)\b"
)
_END = (
    r"(?=[ ]?(?:$|[.,;:?!\n]|(?:is|are|was|were|do|does|did|have|has|say|mention|describe|talk|discuss|agree|about)\b))"
)
_NAMES = r"half|part|president|mayor|king|queen|director|owner|member|employee|site|name"
_TEXT = "document|passage|paragraph|article|excerpt|snippet|segment|section"
_PLACE = re.compile(
    rf"\b(?:{_TEXT})[ ](?:above|below|{CARDINALS})\b(?![ ]of\b)"
    rf"|\bthe[ ](?:above|following)[ ](?:{_TEXT}|doc|source|context|example|bullet|item|entry|one)\b"
    rf"|\bthe[ ](?:former|latter)\b(?![ ](?:{_NAMES}))|\b(?:topmost|bottom|middle|opening|closing)[ ](?:{_TEXT}|one)\b"
    # Ordinals that stand for themselves.
    rf"|\bthe[ ]{_ORDINAL}[ ](?:{CARDINALS}|few|\d{{1,2}})(?:{_END}|(?=[ ]of[ ](?:these|them|those)\b))"
    rf"|\bthe[ ]{_ORDINAL}(?:[ ]of[ ](?:these|them|those)\b"
    rf"|(?:[ ](?:and|or|with|to|than|from)|,)[ ](?:the[ ])?{_ORDINAL}{_END})",
    re.IGNORECASE | re.MULTILINE,
)
# Who asks for each one gets them in their order.
_TURN = re.compile(
    rf"\b(?:(?:each|every)(?: one)?(?: of the(?:se|m)?)?(?: \w+)?[ ]"
    rf"(?:(?:{'|'.join(USUAL)}|text|object|line)s?|entries)\b|(?:each|every one) of (?:the|these|them)\b"
    r"|respectively\b|one by one\b|in the (?:same|given) order\b)",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"\b(?:as )?(?:mentioned|noted|described|shown|stated|said|explained|discussed|see|listed|given)"
    r"[ ](?:above|below|earlier)\b|\b(?:above|below)-?mentioned\b|\bthe foregoing\b"
    r"|\bthe above[ ](?:is|are|was|were|\w+ed)\b",
    re.IGNORECASE,
)
_NUMERAL = rf"(?:\d{{1,3}}|[{HAN}十]{{1,3}})"
_HAN_NOUN = "|".join(["段", "篇", *[noun for noun in NOUNS if not noun.isascii() and noun != "例"]])
_HAN_TEXT = "评论|点评|新闻|消息|信息|记录|事实|笔记|意见|建议|留言|陈述|线索|内容|句子|描述|说法|引文"
# "写下一段话" and "以下两段" name no place; 第一条铁路 is no segment, and 《宪法》第二条 none either.
_HAN_PLACE = re.compile(
    rf"前者|后者|(?:(?<![》法例规章约则定])(?:倒数)?第[ ]?{_NUMERAL}[ ]?|(?<![以写记留念])[上下前后][{HAN}两几\d]"
    rf"|(?:最后|最末|开头|结尾|中间|首|末)的?[{HAN}两几\d]?)(?:[个份条则]?(?:{_HAN_NOUN})"
    rf"|[条则个位项份种件款]的?(?:{_HAN_TEXT})|句(?!话)|则"
    r"|[条个项](?=[ ]?(?:$|[是的和与？?。，,、；;！!说讲写提])))",
    re.MULTILINE,
)
_HAN_OBJECT = re.compile(rf"第[ ]?{_NUMERAL}[ ]?[条个位名项份种件本家款]")
_HAN_TURN = re.compile(
    r"依次|逐[一个条篇段项句]|按(?:照)?顺序|分别(?:说明|概括|总结|列出|判断|写出|翻译|给出|回答|是)|每一?[个条篇段份则项句]"
)
_HAN_ASIDE = re.compile(
    r"[如见据][上前下后]文|[上前下后]文(?:所述|所说|提到|讲到)|如[上前]所述|[上前]面(?:提到|说到|所述|所说)"
)
# A text that has none of these says nothing of the kind in English.
_HINT = re.compile(
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last|final|penultimate|next|previous|preceding"
    rf"|former|latter|above|below|earlier|following|topmost|bottom|middle|opening|closing|foregoing|each|every"
    rf"|respectively|one by|order|\d(?:st|nd|rd|th)|(?:{_TEXT})[ ](?:{CARDINALS})"
)


def named(text: str, nouns: tuple[str, ...]) -> str:
    """The first words that name a segment by its place, or ask for every one in turn, "" for none.

    nouns: what segments may be called; OBJECTS may be called anything.
    """
    objects = (_HAN_OBJECT,) if nouns[: len(OBJECTS)] == OBJECTS else ()
    return _first(text, (_ordinal(nouns), _PLACE, _TURN), (_HAN_PLACE, _HAN_TURN, *objects))


def placed(text: str, nouns: tuple[str, ...]) -> str:
    """The first words that name a segment by its place: "the third short review", "the latter", 第二篇."""
    return _first(text, (_ordinal(nouns), _PLACE), (_HAN_PLACE,))


def aside(text: str) -> str:
    """The first words with which a text turns to what stands around it: "as mentioned above", 见上文."""
    return _first(text, (_ASIDE,), (_HAN_ASIDE,))


def ordinal_of(text: str, nouns: tuple[str, ...]) -> str:
    """The first ordinal of one of these nouns, with up to two words between: "the third short review"."""
    return _first(text, (_ordinal(nouns),), ())


def _first(text: str, latin: tuple[re.Pattern[str], ...], han: tuple[re.Pattern[str], ...]) -> str:
    patterns = latin if _HINT.search(text.lower()) else ()
    for pattern in patterns if text.isascii() else (*patterns, *han):
        if found := pattern.search(text):
            return found[0]
    return ""


@lru_cache(maxsize=256)
def _ordinal(nouns: tuple[str, ...]) -> re.Pattern[str]:
    forms = "|".join(f"{noun[:-1]}(?:y|ies)" if noun.endswith("y") else rf"{re.escape(noun)}(?:e?s)?" for noun in nouns)
    return re.compile(
        rf"\b{_ORDINAL}(?:[ -]to[ -]last)?[ ]{_COUNT}(?:(?!(?:{_NO_ADJECTIVE})\b)[A-Za-z]+[ ]){{0,2}}?"
        rf"(?:{forms})\b(?!{_OF_THE_ANSWER})",
        re.IGNORECASE,
    )


# Of constraints, "the third paragraph" is one of the answer that they bind, so they are told by other words.
_BINDING = r"(?:requirement|constraint|rule|condition|criterion|guideline)s?"
_OF_CONSTRAINTS = re.compile(
    rf"\b(?:{_BINDING}|items?|points?)[ ]*(?:no\.|number|#)?[ ]*[(\[]?\d{{1,2}}\b"
    rf"|\b(?:first|second|third|fourth|fifth|last|previous|next|above|following) (?:\w+ )?{_BINDING}\b"
    rf"|(?:要求|约束|条件|规则|限制)[ ]?[（(]?\d{{1,2}}|第[ ]?{_NUMERAL}[ ]?[条个项点](?:要求|约束|条件|规则|限制)?",
    re.IGNORECASE,
)


def names_constraint(text: str) -> str:
    """The words that single out a constraint by its number or place, "" for none."""
    found = _OF_CONSTRAINTS.search(text)
    return found[0].strip() if found else ""
