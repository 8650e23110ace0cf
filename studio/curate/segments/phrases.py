"""Phrases by which texts point at segments: a noun with a number, with an ordinal, or words like "above" and 前者.

Texts are long and such phrases rare. So nouns are found with `str.find`, which is many times faster than an expression
over the whole text, and only what stands beside one is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from studio.curate.segments.citations import Numbered, in_brackets, with_noun
from studio.curate.segments.nouns import FAMILY_OF


class Pointers(NamedTuple):
    """What in a text may point at segments, "" where nothing does.

    place: the first words that name one by its place ("the first document", 前者). turn: those that ask for every one
    in turn ("each document", 依次). aside: those with which a segment turns to what stands around it ("see above").
    """

    place: str
    turn: str
    aside: str
    numbered: list[Numbered]


def pointers(text: str, own: Collection[str] = ()) -> Pointers:
    """Everything in a text that may point at segments. own: nouns that this text's labels have."""
    extra = tuple(sorted(noun for noun in own if noun and noun not in FAMILY_OF))
    place = turn = aside = ""
    numbers: list[Numbered] = []
    taken = -1
    for at in _anchors(text, extra):
        if not text[at].isascii():
            place = place or _han_place(text, at)
            aside = aside or _found(_HAN_ASIDE.search(text, max(0, at - 1), at + 6))
            turn = turn or _found(_HAN_EACH.match(text, at))
        elif text[at - 1 : at].isalnum() and text[at - 1].isascii():
            continue
        else:
            place = place or _place(text, at)
            aside = aside or _aside(text, at)
            turn = turn or _found(_EACH.match(text, at))
        if at > taken and (hit := with_noun(text, at, extra)):
            numbers.append(hit)
            taken = hit.span[1] - 1
    if "[" in text or "【" in text:
        spans = [one.span for one in numbers]
        numbers += [hit for hit in in_brackets(text) if not any(start <= hit.span[0] < end for start, end in spans)]
        numbers.sort(key=lambda one: one.span)
    return Pointers(place, turn, aside, numbers)


def _place(text: str, at: int) -> str:
    if before := _ORDINAL.search(text, max(0, at - 34), at):
        return before[0] + _word(text, at) if _PLACED.match(text, at) else ""
    if hit := _ABOVE.match(text, at) or _FORMER.match(text, at):
        return hit[0]
    if (before := _SINGLE.search(text, max(0, at - 16), at)) and not (word := _word(text, at)).endswith("s"):
        return before[0] + word
    return ""


def _han_place(text: str, at: int) -> str:
    if text.startswith(("前者", "后者"), at):
        return text[at : at + 2]
    before = _HAN_ORDINAL.search(text, max(0, at - 12), at)
    return before[0] + text[at : at + (1 if text[at] in "段篇" else 2)] if before else ""


def _aside(text: str, at: int) -> str:
    if hit := _TURNS.match(text, at):
        return hit[0]
    before = _MENTIONED.search(text, max(0, at - 24), at)
    return before[0] + _word(text, at) if before and _AROUND.match(text, at) else ""


def _found(hit: re.Match[str] | None) -> str:
    return hit[0] if hit else ""


# -- nouns, and what stands beside them ----------------------------------------------------------

_PLACED = re.compile(
    r"(?:documents?|docs?|passages?|paragraphs?|articles?|excerpts?|snippets?|segments?|sources?|contexts?|sections?"
    r"|examples?|bullets?|list items?|items?|entry|entries|ones?)\b",
    re.IGNORECASE,
)
# What to look for in a text that has a word among its own.
_SOUGHT: dict[bytes, str] = {
    **{form.encode(): noun for noun in FAMILY_OF if noun.isascii() for form in (noun, f"{noun}s")},
    b"entries": "entries", b"one": "one", b"ones": "one", b"above": "above", b"below": "below", b"earlier": "earlier",
    b"foregoing": "the foregoing", b"former": "the former", b"latter": "the latter", b"each": "each",
    b"every": "every", b"respectively": "respectively", b"order": "in the ",
}  # fmt: skip
_WORDS_OF = bytes.maketrans(
    bytes(range(256)),
    bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalpha() else 32 for code in range(256)),
)
_HAN_ANCHOR = re.compile(
    "|".join(
        [noun for noun in FAMILY_OF if not noun.isascii() and noun != "例"]
        + ["段", "篇", "前者", "后者", "[上前下后]文", "如[上前]", "[上前]面"]
        + ["依次", "逐[一个条篇段项句]", "按照?顺序", "分别", "每一?[个条篇段份则项句]"]
    )
)

_COUNTS = r"(?:one|two|three|four|five|six|seven|eight|nine|ten)"
_ORDINAL = re.compile(
    r"\b(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d{1,3}(?:st|nd|rd|th)|last|final|middle"
    rf"|opening|closing|next|previous|preceding|former|latter|topmost|bottom) (?:{_COUNTS} |\d{{1,3}} |few )?$",
    re.IGNORECASE,
)
_SINGLE = re.compile(r"\bthe (?:above|following) $", re.IGNORECASE)
_ABOVE = re.compile(r"(?:document|passage|paragraph|excerpt|snippet|segment|section) (?:above|below)\b", re.IGNORECASE)
_FORMER = re.compile(
    r"the (?:former|latter)\b(?! (?:half|part|president|mayor|king|queen|director|owner|member|employee|site|name))",
    re.IGNORECASE,
)
_HAN_MEASURE = r"(?:个|份|条|则)?"
# "写下一段话" and "以下两段" name no place.
_HAN_ORDINAL = re.compile(
    rf"(?:(?:倒数)?第[ ]?(?:\d{{1,3}}|[一二三四五六七八九十]{{1,3}})[ ]?{_HAN_MEASURE}"
    rf"|(?<![以写记留念])[上下前后][一二两三四五几\d]{_HAN_MEASURE}"
    rf"|(?:最后|最末|开头|结尾|中间|首|末)(?:的)?[一二两三四五几\d]?{_HAN_MEASURE})$"
)
_OF_SEGMENTS = (
    r"(?:documents?|passages?|paragraphs?|articles?|excerpts?|snippets?|sources?|sections?|items?|entry|entries|reviews?"
    r"|comments?|sentences?|texts?|statements?|facts?|objects?|elements?|rows?|lines?|one)\b"
)
# Who asks for each one gets them in their order.
_EACH = re.compile(
    rf"(?<!\w)(?:(?:each|every)(?: one)?(?: of the(?:se|m)?)?(?: \w+)? {_OF_SEGMENTS}"
    r"|(?:each|every one) of (?:the|these|them)\b|respectively\b|one by one\b|in the (?:same|given) order\b)",
    re.IGNORECASE,
)
_HAN_EACH = re.compile(
    r"依次|逐[一个条篇段项句]|按(?:照)?顺序|分别(?:说明|概括|总结|列出|判断|写出|翻译|给出|回答|是)|每一?[个条篇段份则项句]"
)
_AROUND = re.compile(r"(?:above|below|earlier)\b", re.IGNORECASE)
_MENTIONED = re.compile(
    r"\b(?:as )?(?:mentioned|noted|described|shown|stated|said|explained|discussed|see|listed|given) $", re.IGNORECASE
)
_TURNS = re.compile(
    r"(?:above|below)-?mentioned\b|the foregoing\b|(?<=the )above (?:is|are|was|were|\w+ed)\b", re.IGNORECASE
)
_HAN_ASIDE = re.compile(
    r"[如见据][上前下后]文|[上前下后]文(?:所述|所说|提到|讲到)|如[上前]所述|[上前]面(?:提到|说到|所述|所说)"
)
_WORD = re.compile(r"\w+")


def _anchors(text: str, own: Iterable[str]) -> list[int]:
    """Where something begins that may point at a segment, ascending."""
    words = frozenset(text.encode("ascii", "replace").translate(_WORDS_OF).split())
    sought = {_SOUGHT[word] for word in words & _SOUGHT.keys()} if not words.isdisjoint(_SOUGHT) else set()
    sought.update(noun for noun in own if not noun.isascii() or noun in text.lower())
    found: set[int] = set()
    if sought:
        lowered = text.lower()
        if len(lowered) != len(text):
            # A letter without a lower case of one character: rare, and only ASCII is looked for.
            lowered = "".join(letter.lower() if letter.isascii() else letter for letter in text)
        for word in sought:
            at = lowered.find(word)
            while at >= 0:
                found.add(at)
                at = lowered.find(word, at + 1)
    if not text.isascii():
        found.update(hit.start() for hit in _HAN_ANCHOR.finditer(text))
    return sorted(found)


def _word(text: str, at: int) -> str:
    found = _WORD.match(text, at)
    return found[0] if found else ""
