"""References to segments by number: resolved, and rewritten when the segments move.

"Document [2]", "documents 1 and 3", "[4]", "文档2", "材料一" name a segment by the number of its label, so they are
rewritten with it. "the first document", "the latter", 前者, 上一段 name one by its place; a row that says so stays as
it is, and so does one in which it is not certain what a number means, or that asks for every segment in turn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from studio.curate.segments.citations import NUMBER, Numbered
from studio.curate.segments.guards import Guard
from studio.curate.segments.loose import alone, signed
from studio.curate.segments.nouns import ITEM, family, lead_nouns
from studio.curate.segments.numerals import value, written
from studio.curate.segments.ordinals import OF_OBJECTS, USUAL, place_named
from studio.curate.segments.phrases import pointers
from studio.curate.segments.segment import Naming, Segments


class Mention(NamedTuple):
    """A number that names a segment. start, end: of its digits in the text. place: of the segment, from 0."""

    start: int
    end: int
    place: int


class References(NamedTuple):
    """The numbers in a text that name segments, in order, and what keeps the segments where they are."""

    mentions: tuple[Mention, ...]
    guard: Guard | None = None


class Called(NamedTuple):
    """How texts around segments may call them. naming: None where labels have no numbers. size: how many there are.

    nouns: what the line above them calls them, and lead, that line. asked: what a question may call one besides.
    bodies: their texts; a number that stands in them with its noun is no reference.
    """

    naming: Naming | None
    size: int
    nouns: tuple[str, ...] = ()
    lead: str = ""
    asked: frozenset[str] = USUAL
    bodies: tuple[str, ...] = ()

    def told(self, words: str) -> bool:
        """Whether a segment says these words itself."""
        sought = words.casefold()
        return any(sought in body.casefold() for body in self.bodies)


def called(segments: Segments) -> Called:
    """How the texts around these segments may call them."""
    lead = segments.prefix.rstrip().rpartition("\n")[2]
    asked = USUAL
    if segments.kind == "examples":
        # "the last sentence" is the one that is to be done like them.
        asked = frozenset()
    elif segments.kind == "json" and segments.bodies[0].startswith("{"):
        asked = OF_OBJECTS
    return Called(segments.naming, len(segments), lead_nouns(lead), lead, asked, segments.bodies)


def mentions_in(text: str, of: Called, *, asks: bool = False) -> References:
    """The references in a text around the segments: resolved, or with a guard where one cannot be.

    asks: the text says what is to be done with the segments, and no answer to it.
    """
    naming = of.naming
    own = "" if naming is None else naming.noun
    entries = of.nouns if own == ITEM else ()
    seen = pointers(text, (own, *entries))
    if words := seen.place or seen.turn or place_named(text, of.nouns, of.lead, of.size, of.asked if asks else ()):
        return References((), Guard("names-place", words))
    mentions: list[Mention] = []
    taken: list[tuple[int, int]] = []
    for found in _outside_formats(text, seen.numbered) if asks else seen.numbered:
        taken.append(found.span)
        if found.noun in entries:
            found = found._replace(noun=ITEM)
        if _means_else(found, of):
            continue
        if naming is None:
            return References((), Guard("names-place", found.words))
        if not _clear(found, naming, of.size):
            return References((), Guard("unclear-reference", found.words))
        mentions += [
            Mention(found.start + one.start(), found.start + one.end(), value(one[0]) - naming.first)
            for one in NUMBER.finditer(found.numbers)
        ]
    if naming is not None:
        for start, words, number in signed(text) + (alone(text) if own == ITEM else []):
            if (
                _within(number, naming, of.size)
                and not any(begin <= start < end for begin, end in taken)
                and not (words[0].isalpha() and of.told(words))
            ):
                return References((), Guard("unclear-reference", words))
    return References(tuple(sorted(mentions)))


# Behind these words a number shows how to cite, and cites nothing.
_FORMAT = re.compile(
    r"(?:\b(?:e\.g\.|for example|for instance|such as|format|style|notation|as in|like (?:this|so))"
    r"|\bcit(?:e|ing|ations?)\b[^.\n]{0,60}\b(?:as|using|by|like)|例如|比如|譬如|诸如|形如|格式|样式|如(?=[\[【“\"：:]))"
    r"[^.。！？!?\n]{0,40}$",
    re.IGNORECASE,
)
_AS_FORMAT = re.compile(
    r"(?:[\s\[\]【】\d,，、或]|or|and){0,40}[\"”]?[ ]?(?:的)?(?:格式|样式|形式|format|style|notation)", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[。！？!?\n]|\.(?!\w)")


def _outside_formats(text: str, numbered: Sequence[Numbered]) -> list[Numbered]:
    """The references that are no pattern for those of the answer: "Cite sources, e.g. [1] or [1][2]"."""
    kept: list[Numbered] = []
    shown = -1
    for found in numbered:
        begin, end = found.span
        if (
            (shown >= 0 and not _SENTENCE_END.search(text, shown, begin))
            or _FORMAT.search(text, max(0, begin - 110), begin)
            or _AS_FORMAT.match(text, end)
        ):
            shown = end
        else:
            kept.append(found)
    return kept


def crossing(bodies: Sequence[str], naming: Naming | None) -> Guard | None:
    """Whether a segment speaks of another one, by number or by place. A noun with a number of its own world is none."""
    own = "" if naming is None else naming.noun
    seen = pointers("\0".join(bodies), (own,))
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


# Words that frame an answer that is a number.
_FRAMED = re.compile(
    r"(?:\W|_|\b(?:the|my|so|correct|final|best|right|answers?|output|results?|response|index|ids?|choice|boxed)\b"
    r"|\b(?:is|are|it|in)\b"
    r"|正确|最终|答案|回答|结果|选项|编号|序号|应?[为在]|是)*"
    r"\d{1,3}(?:(?:\W+(?:(?:and|or) )?|[和与及或])\d{1,3})*(?:\W|中|里|号)*",
    re.IGNORECASE,
)


def is_bare_number(text: str) -> bool:
    """Whether a text is nothing but small numbers: an answer that may name segments, or count something."""
    return len(text) < 60 and _FRAMED.fullmatch(text.strip()) is not None


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


# "text 300 words" and "context 2" are rarely about a segment: these nouns count only where labels have them.
_ONLY_AS_LABELS = frozenset({"context", "text", "文本", "evidence", "shot", "sample", "例"})
# Laws and books have these too: a number above those of the labels is theirs.
_OF_THE_WORLD = frozenset({"article", "section", "paragraph", "example", "number"})
# What bare numbers in brackets may be called.
_OF_BRACKETS = frozenset({"document", "passage", "source", "material", "context", "text", "evidence"})


def _means_else(found: Numbered, of: Called) -> bool:
    """Whether noun and number are no reference at all: another meaning of a common noun, an index in code."""
    naming, kind = of.naming, family(found.noun)
    if found.spelled and kind in (ITEM, "number"):
        return True
    if not found.numbers and not found.spelled and not _doubted(found, naming, of.size):
        return True
    if not found.noun:
        return found.glued and (naming is None or found.code)
    if naming is not None and kind == family(naming.noun):
        return False
    if kind in _OF_THE_WORLD and not found.spelled:
        within = any(_within(one[0], naming, of.size) for one in NUMBER.finditer(found.numbers))
        return not within or of.told(found.words)
    return found.noun in _ONLY_AS_LABELS or (naming is not None and kind == ITEM)


def _clear(found: Numbered, naming: Naming, count: int) -> bool:
    """Whether every number is that of a segment."""
    if found.spelled or found.run or _doubted(found, naming, count):
        return False
    if found.noun and family(found.noun) not in ((family(naming.noun),) if naming.noun else _OF_BRACKETS):
        return False
    numbers = [one[0] for one in NUMBER.finditer(found.numbers)]
    if naming.style.isdecimal() and not all(number.isdecimal() for number in numbers):
        return False
    return all(_within(number, naming, count) for number in numbers)


def _doubted(found: Numbered, naming: Naming | None, count: int) -> bool:
    """Whether a number that may belong to the reference is that of a segment."""
    return any(_within(number, naming, count) for number in found.doubtful)


def _within(number: str, naming: Naming | None, count: int) -> bool:
    return 0 <= value(number) - (1 if naming is None else naming.first) < count
