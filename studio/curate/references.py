"""References to segments by number: resolved, and rewritten when the segments move.

"Document [2]", "documents 1 and 3", "[4]", "文档2", "材料一" name a segment by the number of its label, so they are
rewritten with it. "the first document", "the latter", 前者, 上一段 name one by its place; a row that says so stays as
it is, and so does one in which it is not certain what a number means, or that asks for every segment in turn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from studio.curate.guards import Guard
from studio.curate.numerals import value, written
from studio.curate.phrases import ITEM, NUMBER, Numbered, family, pointers
from studio.curate.segments import Naming


class Mention(NamedTuple):
    """A number that names a segment. start, end: of its digits in the text. place: of the segment, from 0."""

    start: int
    end: int
    place: int


class References(NamedTuple):
    """The numbers in a text that name segments, in order, and what keeps the segments where they are."""

    mentions: tuple[Mention, ...]
    guard: Guard | None = None


def mentions_in(text: str, naming: Naming | None, count: int) -> References:
    """The references in a text around the segments: resolved, or with a guard where one cannot be.

    naming: how labels number the `count` segments, None where they have no numbers.
    """
    own = "" if naming is None else naming.noun
    seen = pointers(text, own)
    if words := seen.place or seen.turn:
        return References((), Guard("names-place", words))
    mentions: list[Mention] = []
    taken: list[tuple[int, int]] = []
    for found in seen.numbered:
        if _means_else(found, naming):
            continue
        if naming is None:
            return References((), Guard("names-place", found.words))
        if not _clear(found, naming, count):
            return References((), Guard("unclear-reference", found.words))
        taken.append(found.span)
        mentions += [
            Mention(found.start + one.start(), found.start + one.end(), value(one[0]) - naming.first)
            for one in NUMBER.finditer(found.numbers)
        ]
    if own == ITEM:
        for loose in _LOOSE.finditer(text):
            if not any(start <= loose.start() < end for start, end in taken):
                return References((), Guard("unclear-reference", loose[0]))
    return References(tuple(sorted(mentions)))


def crossing(bodies: Sequence[str], naming: Naming | None) -> Guard | None:
    """Whether a segment speaks of another one, by number or by place. A noun with a number of its own world is none."""
    own = "" if naming is None else naming.noun
    seen = pointers("\0".join(bodies), own)
    if words := seen.place or seen.aside:
        return Guard("cross-reference", words)
    families = ("paragraph", "passage") if naming is None else (family(own),)
    first = 1 if naming is None else naming.first
    for found in seen.numbered:
        about = not found.noun or family(found.noun) in families
        if about and any(0 <= value(one[0]) - first < len(bodies) for one in NUMBER.finditer(found.numbers)):
            return Guard("cross-reference", found.words)
    return None


def rewritten(
    text: str, mentions: Sequence[Mention], places: Sequence[int], naming: Naming
) -> list[tuple[int, int, str]]:
    """The changes (start, end, new digits) that let each mention follow its segment. places: new place by old place."""
    return [
        (start, end, written(naming.first + places[place], text[start:end]))
        for start, end, place in mentions
        if places[place] != place
    ]


_BARE = re.compile(r"\W*\d{1,3}(?:(?:\W+(?:and )?|[和与及])\d{1,3})*\W*")


def is_bare_number(text: str) -> bool:
    """Whether a text is nothing but small numbers: an answer that may name segments, or count something."""
    return len(text) < 40 and _BARE.fullmatch(text.strip()) is not None


# Of constraints, "the third paragraph" is one of the answer that they bind, so they are told by other words.
_OF_CONSTRAINTS = re.compile(
    r"\b(?:requirement|constraint|rule|condition|criterion|guideline|item|point)s?[ ]*(?:no\.|number|#)?[ ]*"
    r"[(\[]?\d{1,2}\b"
    r"|\b(?:first|second|third|fourth|fifth|last|previous|next|above|following) (?:\w+ )?"
    r"(?:requirement|constraint|rule|condition|criterion|guideline)s?\b"
    r"|(?:要求|约束|条件|规则|限制)[ ]?[（(]?\d{1,2}"
    r"|第[ ]?[\d一二三四五六七八九十]{1,3}[ ]?[条个项点](?:要求|约束|条件|规则|限制)?",
    re.IGNORECASE,
)


def names_constraint(text: str) -> str | None:
    """The words that single out a constraint by its number or place, or None."""
    found = _OF_CONSTRAINTS.search(text)
    return found[0].strip() if found else None


# What an answer about a numbered list may say instead of "item 2".
_LOOSE = re.compile(
    r"(?:#|\bno\.[ ]?|[(（])\d{1,2}\b|第[ ]?[\d一二三四五六七八九十]{1,3}[ ]?[条项个点则句种位名]"
    r"|[\u4e00-\u9fff]\d{1,2}(?![\d.%％年月日号时分秒个条次元度岁万千百米只件本台人天周位层名克斤升倍])",
    re.IGNORECASE,
)
# "text 300 words" and "context 2" are rarely about a segment: these nouns count only where labels have them.
_ONLY_AS_LABELS = frozenset({"context", "text", "文本", "evidence", "shot", "sample", "例"})


def _means_else(found: Numbered, naming: Naming | None) -> bool:
    """Whether noun and number are no reference at all: another meaning of a common noun, an index in code."""
    if found.spelled and family(found.noun) == ITEM:
        return True
    if naming is None:
        return found.noun in _ONLY_AS_LABELS or (not found.noun and found.glued)
    if not found.noun:
        return found.glued and found.code
    own = family(naming.noun) == family(found.noun)
    return not own and (found.noun in _ONLY_AS_LABELS or family(found.noun) == ITEM)


def _clear(found: Numbered, naming: Naming, count: int) -> bool:
    """Whether every number is that of a segment."""
    if found.spelled or found.run or (found.noun and naming.noun and family(found.noun) != family(naming.noun)):
        return False
    numbers = [one[0] for one in NUMBER.finditer(found.numbers)]
    if naming.style.isdecimal() and not all(number.isdecimal() for number in numbers):
        return False
    return all(0 <= value(number) - naming.first < count for number in numbers)
