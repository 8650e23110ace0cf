"""Numbers of a text as they may name segments: [2], "documents 1 and 3", [1-3], 文档1至3, 2号文档, ②; or a 3 alone.

They are told by their form alone. What they mean for given segments says `references`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from studio.curate.segments.nouns import NOUNS, singular
from studio.curate.segments.numerals import CIRCLED, HAN, value

# 文章三篇, 这些材料一共: a Han numeral that measures, or that is a part of a word.
_HAN = rf"[{HAN}十]{{1,3}}(?![个篇段份条则起共开样般些定直旦方切致律同边并])"
_DIGITS = r"\d{1,3}(?![\d%％A-Za-z]|[.:]\d|,\d{3}(?!\d))"
_BARE = rf"(?:{_DIGITS}|[{CIRCLED}]|{_HAN})"
_INSIDE = rf"(?:\d{{1,3}}|[{CIRCLED}]|[{HAN}十]{{1,3}})"
_TO = r"[ ]?(?:-|–|—|~|～|to\b|through\b|至|到)[ ]?"
_MARKS = r"[\"“”*_`]*"
_COMMA = rf"{_MARKS}[ ]*[,，、;；/][ ]*{_MARKS}"
_AND = rf"{_MARKS}(?:[ ]*,)?[ ]*(?:(?:and|or|nor|plus|as well as)\b|[&+]|以及|[和与及或跟])[ ]*{_MARKS}"


def _listed(one: str) -> str:
    """One, or several: "1, 2 and 4"."""
    return rf"{one}(?:{_COMMA}{one})*(?:{_AND}{one})*"


_LIST = re.compile(_listed(rf"{_BARE}(?:{_TO}{_BARE})?"))
_BRACKETED = rf"[\[【［][ ]?{_listed(rf'{_INSIDE}(?:{_TO}{_INSIDE})?')}[ ]?[\]】］]"
_BRACKETS = re.compile(_listed(_BRACKETED))
_ROUND = re.compile(_listed(rf"[(（][ ]?{_INSIDE}[ ]?[)）]"))
_ONLY_COMMA = re.compile(_COMMA)
_ITEM = re.compile(rf"(?P<first>{_INSIDE})(?:{_TO}(?P<last>{_INSIDE}))?")
RANGE = re.compile(rf"({_INSIDE})({_TO})({_INSIDE})")
"""A range: its first number, what stands between, its last number."""
# A range whose other end has its noun or brackets of its own: "[1] to [3]", 材料一到材料三.
_FAR = re.compile(rf"{_TO}(?:[A-Za-z]+[ ]|[\u4e00-\u9fff]{{0,4}})?[\[【［]?{_INSIDE}(?!\d)", re.IGNORECASE)

# Words that go on from the number of a segment, and that no number counts.
_GOES_ON = (
    r"(?:is|are|was|were|both|all|also|do|does|did|have|has|had|in|for|as|that|which|because|but|while|only|above|below"
    r"|says?|said|states?|mentions?|agrees?|discuss(?:es)?|describes?|shows?|supports?|contains?|provides?)\b"
)
# No word and no unit goes on behind the number; a full stop with a letter behind it belongs to the name of a file.
_CLOSED = re.compile(rf"{_MARKS}[ ]*(?:$|\n|\.(?!\w)|[^\w\s.%％‰°$€£+*×/]|{_GOES_ON}|(?:and|or)\b|[&和与及或都均也])")
_UNIT = re.compile(
    r"[ ]?(?:[个份篇条项则页字年月日号天时秒次件岁万千百亿米元块家座层倍克斤吨国省市县]|名(?!为)|人(?!们))"
)
_ENTRY = re.compile(r"\.[ ]*\S|[ ]\d{1,3}(?![.:]?\w)")
_FILE = re.compile(r"\.\w")
_AFTER = re.compile(rf"[ ]?号[ ]?(?P<noun>{'|'.join(noun for noun in NOUNS if not noun.isascii())})")
_COUNTS = re.compile(r"(?:\bof[ ]|[共有])$", re.IGNORECASE)
_CODE = re.compile(r"[=`{};]")
_WINDOW = 40


class Item(NamedTuple):
    """A number, or a range. start, end: in the text. first, last: what it means, the same for a single number."""

    start: int
    end: int
    first: int
    last: int
    ranged: bool


class Found(NamedTuple):
    """Numbers that belong together. noun: before them, in the singular, "" for none, None for a bare number alone.

    doubtful: it is not certain which numbers belong to it. listing: in a plural or behind a colon, as "sources: 1, 3".
    bracketed: as [1], so that they say enough without their noun; glued: so right behind a letter.
    """

    noun: str | None
    start: int
    end: int
    items: tuple[Item, ...]
    doubtful: bool = False
    listing: bool = False
    bracketed: bool = False
    glued: bool = False


@lru_cache(maxsize=256)
def _grammar(own: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A number that may name a segment, and the noun before one. own: nouns of labels that are none of the usual."""
    nouns = sorted({*NOUNS, *own} - {""}, key=len, reverse=True)
    latin = [f"{noun[:-1]}(?:y|ies)" if noun.endswith("y") else re.escape(noun) for noun in nouns if noun.isascii()]
    han = [re.escape(noun) for noun in nouns if not noun.isascii()]
    ends = "".join(sorted({noun[-1] for noun in han}))
    number = re.compile(
        rf"(?<!\d)(?<!\d[.,:])(?:{_DIGITS}|[{CIRCLED}]|(?<=[{ends}\[【［(（第号是为：: ]){_HAN}|{_HAN}(?=[ ]?号))",
        re.IGNORECASE,
    )
    noun = re.compile(
        rf"(?:(?<![A-Za-z])(?P<latin>{'|'.join(latin)})(?P<many>s|\(s\))?|(?P<han>{'|'.join(han)}))"
        rf"(?P<sign>\.?[ _]?(?:ids?|index|no\.|no|nr\.?|num(?:ber)?s?|编号|序号))?"
        rf"(?:(?P<glue>[-_])|{_MARKS}[ ]*#?(?P<colon>[:：]){_MARKS}[ ]*{_MARKS}"
        rf"|(?P<copula>[ ](?:is|are|was|were|numbered)[ ]|[ ]?(?:编号)?[是为][ ]?){_MARKS}"
        rf"|{_MARKS}(?:(?<=doc|ref)\.|(?<=para)\.)?[ \u00a0]*#?{_MARKS})$",
        re.IGNORECASE,
    )
    return number, noun


def numbers(text: str, own: tuple[str, ...], known: range) -> Iterator[Found]:
    """Everything in a text that may name a segment by number, in order. known: the numbers of the segments."""
    number, noun = _grammar(own)
    at = 0
    while hit := number.search(text, at):
        found = _found(text, hit, noun, known)
        at = max(hit.end(), found.end) if found else hit.end()
        if found:
            yield found


def _found(text: str, hit: re.Match[str], noun: re.Pattern[str], known: range) -> Found | None:
    start, end = hit.span()
    mark = text[max(0, start - 2) : start].rstrip(" ")[-1:]
    group = None
    if mark and mark in "[【［(（":
        opened = text.rindex(mark, 0, start)
        group = (_ROUND if mark in "(（" else _BRACKETS).match(text, opened)
        start = opened if group else start
    head = noun.search(text, max(0, start - _WINDOW), start)
    if group and group.re is _BRACKETS:
        return _in_brackets(text, group, head)
    if head:
        return _behind_noun(text, head, group, start, known)
    if after := _AFTER.match(text, end):
        return Found(after["noun"], start, after.end(), _items(text, start, end))
    return Found("" if hit[0] in CIRCLED else None, hit.start(), end, _items(text, hit.start(), end))


def _items(text: str, start: int, end: int) -> tuple[Item, ...]:
    return tuple(
        Item(*one.span(), value(one["first"]), value(one["last"] or one["first"]), one["last"] is not None)
        for one in _ITEM.finditer(text, start, end)
    )


def _noun(head: re.Match[str]) -> str:
    return head["han"] or singular(head["latin"].lower())


def _in_brackets(text: str, group: re.Match[str], head: re.Match[str] | None) -> Found:
    """[1], [1, 3], [1][2], whatever word stands before."""
    start, end = group.span()
    before = text[start - 1 : start] if start else ""
    glued = before.isascii() and (before.isalpha() or before in ("_", ")"))
    line = glued and text[:start].rpartition("\n")[2] + text[end:].partition("\n")[0]
    code = bool(line and _CODE.search(line))
    far = _FAR.match(text, end)
    doubtful = code or (far is not None and far.end() < len(text) and text[far.end()] in "]】］")
    found = Found("", start, end, _items(text, start, end), doubtful, bracketed=True, glued=glued)
    return found._replace(noun=_noun(head), start=head.start()) if head else found


def _behind_noun(text: str, head: re.Match[str], group: re.Match[str] | None, start: int, known: range) -> Found | None:
    """ "Document 2", "documents 1 and 3": the numbers behind a noun, as far as they are no count of something."""
    listed = group or _LIST.match(text, start)
    if listed is None:
        return None
    end = listed.end()
    items = _items(text, start, end)
    open_end = group is None and _ENTRY.match(text, end) is not None
    if group is None and (head["colon"] or head["copula"]) and not (_CLOSED.match(text, end) or open_end):
        # "The document is 2 pages long."
        return None
    many = bool(head["many"] or head["colon"] or text[max(0, head.start() - 1) : head.start()] in tuple("[(（【"))
    sure = True
    if group is None:
        items, sure = _told(text, items, known, many=many, han=head["han"] is not None)
        end = items[-1].end
    doubtful = not sure or (
        bool(head["copula"] or _FAR.match(text, end))
        or bool(head["colon"] and (open_end or _COUNTS.search(text, 0, head.start())))
        or bool(head["glue"] and _FILE.match(text, end))
    )
    return Found(_noun(head), head.start(), end, items, doubtful, bool(head["many"] or head["colon"]))


def _told(text: str, items: tuple[Item, ...], known: range, *, many: bool, han: bool) -> tuple[tuple[Item, ...], bool]:
    """The numbers of a list that name segments, and whether that is certain: the last one may count what follows.

    "Document 3, 2 mills closed" names one, "documents 1 and 3 say so" two; "documents 1, 3 mills" cannot be told.
    """
    while len(items) > 1:
        last = items[-1]
        counts = bool(_UNIT.match(text, last.end)) if han else not _CLOSED.match(text, last.end)
        if many:
            return items, not (counts and _ONLY_COMMA.fullmatch(text, items[-2].end, last.start))
        comma = text[items[-2].end : last.start].strip() in (",", "，", ";", "；")
        if not (counts or comma):
            return items, True
        if last.first in known and not (counts and comma):
            return items, False
        items = items[:-1]
    one = items[0]
    return items, not (han and _UNIT.match(text, one.end)) and (not one.ranged or han or many)
