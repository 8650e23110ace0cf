"""Words that point at a segment by its place: "the second document", "the latter", 第二篇, 前者; they hold the row.

Texts are long and such words rare: an expression runs only over a text that has one of its words at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from studio.curate.segments.mentions import GOES_ON
from studio.curate.segments.nouns import NOUNS
from studio.curate.segments.numerals import CARDINALS, HAN, ORDINALS

_END = rf"(?=[ ]?(?:$|[.,;:?!\n]|{GOES_ON}|talk\b|about\b))"
_COUNT = rf"(?:(?:{CARDINALS}|few|\d{{1,3}})[ ])?"
_FIRST_TO_LAST = rf"(?:{ORDINALS}|last|final|penultimate|next|previous|preceding)"
_SEGMENT = (
    r"(?:documents?|docs?|passages?|paragraphs?|articles?|excerpts?|snippets?|segments?|sources?|contexts?|sections?"
    r"|examples?|bullets?|list items?|items?|entry|entries|ones?)"
)
_PLACE = re.compile(
    rf"\b(?:{_FIRST_TO_LAST}|middle|opening|closing|former|latter|topmost|bottom)[ ]{_COUNT}{_SEGMENT}\b"
    r"|\b(?:document|passage|paragraph|excerpt|snippet|segment|section)[ ](?:above|below)\b"
    rf"|\bthe[ ](?:above|following)[ ]{_SEGMENT}(?<!s)\b"
    r"|\bthe[ ](?:former|latter)\b(?![ ](?:half|part|president|mayor|king|queen|director|owner|member|employee|site|name))",
    re.IGNORECASE,
)
_OF_PLACE = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "last",
    "final",
    "middle",
    "opening",
    "closing",
    "next",
]
_OF_PLACE += [
    "previous",
    "preceding",
    "penultimate",
    "former",
    "latter",
    "topmost",
    "bottom",
    "above",
    "below",
    "following",
]
_NTH = re.compile(r"\d(?:st|nd|rd|th)\b")
_NUMERAL = rf"(?:\d{{1,3}}|[{HAN}十]{{1,3}})"
_MEASURE = r"(?:个|份|条|则)?"
_HAN_NOUN = "|".join(["段", "篇", *[noun for noun in NOUNS if not noun.isascii() and noun != "例"]])
# "写下一段话" and "以下两段" name no place.
_HAN_PLACE = re.compile(
    rf"前者|后者|(?:(?:倒数)?第[ ]?{_NUMERAL}[ ]?|(?<![以写记留念])[上下前后][一两二三四五几\d]"
    rf"|(?:最后|最末|开头|结尾|中间|首|末)的?[一两二三四五几\d]?){_MEASURE}(?:{_HAN_NOUN})"
)
# Who asks for each one gets them in their order.
_TURN = re.compile(
    r"\b(?:(?:each|every)(?: one)?(?: of the(?:se|m)?)?(?: \w+)?[ ](?:documents?|passages?|paragraphs?|articles?|excerpts?"
    r"|snippets?|sources?|sections?|items?|entry|entries|reviews?|comments?|sentences?|texts?|statements?|facts?|objects?"
    r"|elements?|rows?|lines?|one)\b|(?:each|every one) of (?:the|these|them)\b|respectively\b|one by one\b"
    r"|in the (?:same|given) order\b)",
    re.IGNORECASE,
)
_HAN_TURN = re.compile(
    r"依次|逐[一个条篇段项句]|按(?:照)?顺序|分别(?:说明|概括|总结|列出|判断|写出|翻译|给出|回答|是)|每一?[个条篇段份则项句]"
)
_ASIDE = re.compile(
    r"\b(?:as )?(?:mentioned|noted|described|shown|stated|said|explained|discussed|see|listed|given)"
    r"[ ](?:above|below|earlier)\b|\b(?:above|below)-?mentioned\b|\bthe foregoing\b"
    r"|\bthe above[ ](?:is|are|was|were|\w+ed)\b",
    re.IGNORECASE,
)
_HAN_ASIDE = re.compile(
    r"[如见据][上前下后]文|[上前下后]文(?:所述|所说|提到|讲到)|如[上前]所述|[上前]面(?:提到|说到|所述|所说)"
)


def place(text: str) -> str:
    """The first words that name a segment by its place, "" for none."""
    lowered = text.lower()
    if any(word in lowered for word in _OF_PLACE) or _NTH.search(text):
        found = _PLACE.search(text)
        if found:
            return found[0]
    return "" if text.isascii() else _first(_HAN_PLACE, text)


def aside(text: str) -> str:
    """The first words with which a text turns to what stands around it: "as mentioned above", 见上文."""
    lowered = text.lower()
    if any(word in lowered for word in ("above", "below", "earlier", "foregoing")) and (found := _ASIDE.search(text)):
        return found[0]
    return "" if text.isascii() else _first(_HAN_ASIDE, text)


def turn(text: str) -> str:
    """The first words that ask for every segment in turn: "each document", "respectively", 依次."""
    lowered = text.lower()
    if any(word in lowered for word in ("each", "every", "respectively", "one by", "order")):
        found = _TURN.search(text)
        if found:
            return found[0]
    return "" if text.isascii() else _first(_HAN_TURN, text)


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""


# -- in questions --------------------------------------------------------------------------------

_USUAL = """
document doc passage paragraph article excerpt snippet segment source section example bullet item entry one review
comment sentence statement claim fact option element row tweet headline
"""
_OBJECTS = """
object record user person customer product employee order student patient book message note result contact
"""
USUAL = tuple(_USUAL.split())
"""What a question may call any segment."""
OBJECTS = tuple(_OBJECTS.split())
"""What a question may call the objects of an array besides."""
# "The second edition of the document" is about the edition.
_NO_ADJECTIVE = (
    "the|a|an|in|of|to|and|or|that|for|by|on|with|is|was|are|were|from|as|who|which|when|where|at|it|he|she|they"
)
# What is said of the answer that is wanted, and not of a segment.
_OF_THE_ANSWER = r"(?!(?:['’]s?)?[ ](?:(?:of|in)[ ](?:your|the|each|its)[ ](?:answer|response|reply|summary|output|essay|story|poem)|must|should|shall)\b)"
# Ordinals that stand for themselves: "the last two say", "the second of these", "the first or the third?".
_ALONE = re.compile(
    rf"\bthe[ ](?:{_FIRST_TO_LAST}[ ](?:{CARDINALS}|few|\d{{1,2}})(?:{_END}|(?=[ ]of[ ](?:these|them|those)\b))"
    rf"|{_FIRST_TO_LAST}[ ]of[ ](?:these|them|those)\b"
    rf"|{_FIRST_TO_LAST}(?:[ ](?:and|or|with|to|than|from)|,)[ ](?:the[ ])?{_FIRST_TO_LAST}{_END})",
    re.IGNORECASE | re.MULTILINE,
)
_HAN_TEXTS = "评论|点评|新闻|消息|信息|记录|事实|笔记|意见|建议|留言|陈述|线索|内容|句子|描述|说法|引文"
# 则 and 句 measure what is written; 个, 条 and 项 anything: 第一条铁路.
_HAN_ASKED = re.compile(
    rf"(?<![》法例规章约则定])(?:(?:倒数)?第[ ]?{_NUMERAL}|最后[一两二三四五几\d]|(?<![以写记留念之])[前后][一两二三四五几])[ ]?"
    rf"(?:则|句(?!话)|[条个题位名项份种件本家款][ ]?的?(?:{_HAN_TEXTS})|[条个项](?=[ ]?(?:$|[是的和与？?。，,、；;！!]))|条(?=[说讲写提]))",
    re.MULTILINE,
)
_HAN_OBJECT = re.compile(rf"第[ ]?{_NUMERAL}[ ]?[条个位名项份种件本家款]")


def asked(text: str, nouns: Iterable[str], *, objects: bool) -> str:
    """The first words with which a question singles out a segment by its place. nouns: what the line above calls them.

    objects: segments are objects, which may be called anything.
    """
    found = _ALONE.search(text)
    if found:
        return found[0]
    if words := ordinal_of(text, (*USUAL, *(OBJECTS if objects else ()), *nouns)):
        return words
    return "" if text.isascii() else _first(_HAN_ASKED, text) or (_first(_HAN_OBJECT, text) if objects else "")


def ordinal_of(text: str, nouns: tuple[str, ...]) -> str:
    """The first ordinal of one of these nouns, with up to two words between: "the third short review"."""
    lowered = text.lower()
    if any(word in lowered for word in _OF_PLACE) or _NTH.search(text):
        return _first(_ordinal(nouns), text)
    return ""


@lru_cache(maxsize=256)
def _ordinal(nouns: tuple[str, ...]) -> re.Pattern[str]:
    forms = "|".join(f"{noun[:-1]}(?:y|ies)" if noun.endswith("y") else rf"{re.escape(noun)}(?:e?s)?" for noun in nouns)
    return re.compile(
        rf"\b{_FIRST_TO_LAST}(?:[ -]to[ -]last)?[ ]{_COUNT}(?:(?!(?:{_NO_ADJECTIVE})\b)[A-Za-z]+[ ]){{0,2}}?(?:{forms})\b{_OF_THE_ANSWER}",
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
