"""What looks like a reference by number: "Document 2", "sources: 1, 3", "2号文档", "[4]".

A number that follows on "Document 3," or "材料一，" may as well count something. It is taken for a reference where the
noun is a plural or nothing but the end of a clause follows, for a count where a singular noun, a comma and a measured
thing stand around it, and for doubtful elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from studio.curate.segments.nouns import FAMILY_OF, ITEM, family

_DIGITS = r"\d{1,3}"
_HAN_NUMBER = r"[一二三四五六七八九十]{1,3}"
# 文章三篇, 这些材料一共: a Han numeral that measures, or that is a part of a word.
_HAN = rf"{_HAN_NUMBER}(?![个篇段份条则起共开样般些定直旦方切致律同边并])"
NUMBER = re.compile(rf"{_DIGITS}|{_HAN_NUMBER}")
"""A number in a reference."""

_BARE = rf"{_DIGITS}(?![.:]?\d|,\d{{3}}|%|[^\W\u4e00-\u9fff])"
_OPEN = r"[\[【(（]"
_ITEM = re.compile(rf"(?P<open>{_OPEN})[ ]?(?:{_DIGITS}|{_HAN_NUMBER})[ ]?[\]】)）]|{_BARE}|{_HAN}")
_MARKS = r"[\"“”*_`]*"
_AND = re.compile(
    rf"{_MARKS}[ ]*(?:(?P<comma>[,，;；])(?:[ ]*(?P<both>and|&|or)\b)?"
    rf"|(?P<word>and\b|&|or\b|/|、|以及|[和与及或跟]))[ ]*{_MARKS}"
)
_TO = r"(?:-|–|—|~|～|to\b|through\b|至|到)"
_WORDS = r"(?:one|two|three|four|five|six|seven|eight|nine|ten)"
# No word and no unit goes on behind the number; a full stop with a letter behind it belongs to the name of a file.
_CLOSED = re.compile(rf"{_MARKS}[ ]*(?:$|\n|\.(?!\w)|[^\w\s.%％‰°$€£+*×/])")
# Words that go on from a list of numbers, and do not say what is counted.
_GOES_ON = re.compile(
    rf"{_MARKS}[ ]*(?:is|are|was|were|both|all|also|do|does|did|have|has|had|in|for|as|that|which|because|but|while"
    r"|only|says?|said|states?|mentions?|agree|discuss(?:es)?|describes?|shows?|supports?|contains?|provides?|above|below)\b"
)
_MEASURED = re.compile(
    r"[ ]?(?:[个月年日号天时秒次件度岁万千百亿米元块家辆艘座层间户倍克斤吨毫厘周国省市县句字页条项篇份枝台架头匹场]"
    r"|[届级栋棵朵株人者起种%％]|名(?!为)|位(?!于)|分(?!别)|点(?![明出])|成(?![立功])|只(?![有是提讲说])|公[里斤顷元]"
    r"|支(?!持)|所(?![述说指有在]))"
)
_PIECES = re.compile(r"[ ]?(?:[个份篇条项则页字]|[年月日](?![度期报]))")
_COUNTING = re.compile(
    r"(?:number|count|total|amount|how many)[ ](?:of[ ])?(?:\w+[ ]){0,2}$|(?:数量|总数|几个|共有?)$",
    re.IGNORECASE,
)
# "Sources: 1. The mill" begins a list, or else a sentence.
_ENTRY = re.compile(r"\.[ ]*\S")
_SPACED = re.compile(r"(?:[ ]\d{1,3})+(?![.:]?\w)")
_SHORT = frozenset({"doc", "ref", "para"})
_NUMBERS = rf"{_DIGITS}(?:[ ]*[,，、;][ ]*{_DIGITS})*"
_BRACKETED = re.compile(
    rf"\[[ ]?(?P<list>{_NUMBERS})(?P<run>[ ]?{_TO}[ ]?\d{{1,3}})?[ ]?\](?!\()(?P<on>[ ]?{_TO}[ ]?(?=\[\d))?"
    rf"|【[ ]?(?P<wide>{_NUMBERS})[ ]?】(?P<after>[ ]?{_TO}[ ]?(?=【\d))?"
)
_HAN_BEFORE = re.compile(rf"(?P<list>{_DIGITS}|{_HAN_NUMBER})[ ]?号[ ]?$")
_PLAIN_WORD = re.compile(r"\b([A-Za-z]+)[ ]$")
_BEFORE = "in is are was were the a at to and or of by from with under see as it for only not just answer"
_NO_NOUN = frozenset(_BEFORE.split())
# A line of code is no longer than that.
_LINE = 300
_CODE_SIGNS = re.compile(r"[=`{};]")


class Numbered(NamedTuple):
    """Something that looks like a reference by number. noun: case-folded, "" for brackets alone.

    numbers: the text that holds them, from start on. doubtful: numbers behind them that may belong to them. run: they
    are the ends of a run, as in 2-4. spelled: as words. glued: brackets right behind a letter. code: on a line that
    looks like code.
    """

    noun: str
    words: str
    span: tuple[int, int]
    start: int
    numbers: str
    doubtful: tuple[str, ...] = ()
    run: bool = False
    spelled: bool = False
    glued: bool = False
    code: bool = False


def with_noun(text: str, at: int, own: tuple[str, ...]) -> Numbered | None:
    """The reference whose noun begins at `at`. own: nouns of this text's labels that are none of the usual ones."""
    head = _head(own).match(text, at)
    if head is None:
        return _before_noun(text, at)
    noun = head["noun"].lower()
    if head["word"]:
        return Numbered(noun, head[0].strip(), head.span(), head.end(), "", spelled=True)
    if family(noun) == ITEM and text.startswith("[", head.end("noun") + len(head["many"] or "")):
        # Code that takes an element, as in items[1].
        return None
    if "." in head["gap"] and not head["sign"] and noun not in _SHORT:
        return None
    if noun == "number" and has_an_owner(text, at):
        return None
    return _list(text, head, noun)


def has_an_owner(text: str, at: int) -> bool:
    """Whether the number that "number" or "no." at `at` begins is that of something else: "bus number 3"."""
    before = _PLAIN_WORD.search(text, max(0, at - 24), at)
    return before is not None and before[1].lower() not in _NO_NOUN


@lru_cache(maxsize=256)
def _head(own: tuple[str, ...]) -> re.Pattern[str]:
    """A noun and what may stand between it and the number."""
    nouns = sorted({*FAMILY_OF, *own} - {""}, key=len, reverse=True)
    return re.compile(
        rf"(?P<noun>{'|'.join(re.escape(noun) for noun in nouns)})(?P<many>s\b|s(?=\d|_)|\(s\))?"
        rf"(?P<gap>(?P<sign>\.?[ _]?(?:ids?\b|index\b|no\.|no\b|nr\.?|num(?:ber)?s?\b|编号|序号))?"
        rf"(?:(?P<glue>[-_])(?=\d)|{_MARKS}[ ]*#?(?P<colon>[:：]){_MARKS}[ ]*{_MARKS}"
        rf"|(?P<copula>[ ](?:is|are|was|were|numbered)[ ]|[ ]?(?:编号)?[是为][ ]?){_MARKS}"
        rf"|{_MARKS}\.?[ \u00a0]*#?{_MARKS}))"
        rf"(?:(?={_OPEN}[ ]?(?:{_DIGITS}|{_HAN_NUMBER})[ ]?[\]】)）]|{_DIGITS}(?!\d)|{_HAN})"
        rf"|(?P<word>{_WORDS})\b(?![ ]of\b))",
        re.IGNORECASE,
    )


def _list(text: str, head: re.Match[str], noun: str) -> Numbered | None:
    """The numbers behind a noun."""
    first = _ITEM.match(text, head.end())
    if first is None:
        return None
    start, end = first.span()
    colon, said, bracketed = bool(head["colon"]), bool(head["copula"]), bool(first["open"])
    spaced = colon and not bracketed and _SPACED.match(text, end)
    if (colon or said) and not bracketed and not spaced:
        more = _AND.match(text, end)
        closed = _CLOSED.match(text, end) or (more and _ITEM.match(text, more.end()))
        if not closed or _COUNTING.search(text, max(0, head.start() - 40), head.start()):
            return None
    names_a_file = head["glue"] and text[end : end + 1] == "." and text[end + 1 : end + 2].isalnum()
    counts = not noun.isascii() and not bracketed and _PIECES.match(text, end)
    begins_entries = colon and not bracketed and _ENTRY.match(text, end)
    doubtful = [_number(first[0])] if names_a_file or counts or begins_entries or spaced or said else []
    last, end = end, start if doubtful else end
    listing = bool(head["many"]) or colon or text[head.start() - 1 : head.start()] in tuple("[(（【")
    for number, sure, stop in _rest(text, last, noun, listing=listing, bracketed=bracketed):
        if doubtful or not sure:
            doubtful.append(number)
        else:
            end = stop
        last = stop
    begun = text[max(0, head.start() - 5) : head.start()].lower() == "from "
    run = _run(noun, begun=begun).match(text, last) is not None
    if colon and family(noun) in ("source", "material"):
        # "Sources: 1, 3" lists what was used, whatever the labels call it.
        noun = ""
    span = (head.start(), last)
    return Numbered(noun, text[slice(*span)].strip(), span, start, text[start:end], tuple(doubtful), run)


def _number(item: str) -> str:
    found = NUMBER.search(item)
    return found[0] if found else ""


@lru_cache(maxsize=64)
def _run(noun: str, *, begun: bool) -> re.Pattern[str]:
    """A run that goes on: "-3", "to 3", "–Document 3", 至三.

    begun: by "from"; without, "to Document 3" may as well compare the two.
    """
    again = rf"(?:{'' if begun else '(?<!to[ ])'}{re.escape(noun)}s?[ ]?)?"
    return re.compile(rf"{_MARKS}[ ]?{_TO}[ ]?{again}{_MARKS}{_OPEN}?(?:\d|{_HAN_NUMBER})", re.IGNORECASE)


def _rest(text: str, at: int, noun: str, *, listing: bool, bracketed: bool) -> Iterator[tuple[str, bool, int]]:
    """Each number that goes on from `at`, whether it is sure to name a segment, and where it ends."""
    while (link := _AND.match(text, at)) and (item := _ITEM.match(text, link.end())):
        at = item.end()
        if item["open"]:
            sure: bool | None = item["open"] in "[【" or bracketed
        else:
            sure = _sure(text, at, noun, link, listing=listing)
            sure = sure and (listing or not bracketed)
        if sure is None:
            return
        yield _number(item[0]), sure, at
        # What is joined by "and" is whole: "documents 1 and 3, 2 people".
        listing = listing and not (link["word"] in ("and", "or", "&") or link["both"])


def _sure(text: str, end: int, noun: str, link: re.Match[str], *, listing: bool) -> bool | None:
    """Whether a bare number that ends at `end` goes on from the one before the link; None where it counts something.

    listing: behind a plural or a colon, or in brackets.
    """
    comma = bool(link["comma"]) and not link["both"]
    following = _AND.match(text, end)
    more = following is not None and _ITEM.match(text, following.end()) is not None
    closed = _CLOSED.match(text, end) is not None
    if _MEASURED.match(text, end):
        return None if comma else False
    if listing:
        return not comma or more or closed or _GOES_ON.match(text, end) is not None
    if not noun.isascii():
        return not comma
    if comma:
        return False if closed or more else None
    return (closed and not more) or _GOES_ON.match(text, end) is not None


def _before_noun(text: str, at: int) -> Numbered | None:
    """ "2号文档": the number of a Chinese noun stands before it."""
    if text[at].isascii():
        return None
    hit = _HAN_BEFORE.search(text, max(0, at - 6), at)
    if hit is None:
        return None
    noun = next((noun for noun in sorted(FAMILY_OF, key=len, reverse=True) if text.startswith(noun, at)), "")
    end = at + len(noun)
    return Numbered(noun, text[hit.start() : end], (hit.start(), end), hit.start("list"), hit["list"]) if noun else None


def in_brackets(text: str) -> Iterator[Numbered]:
    """Numbers in brackets alone."""
    for hit in _BRACKETED.finditer(text):
        group = "list" if hit["list"] else "wide"
        before = text[hit.start() - 1 : hit.start()] if hit.start() else ""
        glued = before.isascii() and (before.isalpha() or before in ("_", ")"))
        first = text.rfind("\n", max(0, hit.start() - _LINE), hit.start()) + 1 or max(0, hit.start() - _LINE)
        last = text.find("\n", hit.end(), hit.end() + _LINE)
        after = text[hit.end() : hit.end() + 1]
        line = text[first : last if last >= 0 else hit.end() + _LINE]
        code = bool(_CODE_SIGNS.search(line)) or after.isalnum() or after in "_=("
        yield Numbered(
            "", hit[0], hit.span(), hit.start(group), hit[group], run=bool(hit["run"] or hit["on"] or hit["after"]),
            glued=bool(before) and glued, code=bool(after) and code,
        )  # fmt: skip
