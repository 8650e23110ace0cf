"""References to segments: numbers in the form of their labels, which follow them, and words that hold the row.

"Document [2]", "documents 1 and 3", [1-3], 文档2, ② name segments by the numbers of their labels wherever they stand,
so they are rewritten when the segments move. What may name one in another way holds the row: "passage 2" beside
documents, "(2)", "the first document", 前者.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from studio.curate.segments import pointers
from studio.curate.segments.guards import Code, Guard
from studio.curate.segments.mentions import RANGE, Found, numbers
from studio.curate.segments.nouns import ITEM, families_of, family, forms_of, lead_nouns
from studio.curate.segments.numerals import CIRCLED, HAN, value, written
from studio.curate.segments.segment import Naming, Segments


class Mention(NamedTuple):
    """A number that names a segment, or a range. start, end: of its digits in the text. place: of the segment, from 0.

    until: the place that ends a range such as 1-3, None for a single number.
    """

    start: int
    end: int
    place: int
    until: int | None = None

    @property
    def places(self) -> range:
        """The places of all segments that it names."""
        return range(self.place, (self.place if self.until is None else self.until) + 1)


class References(NamedTuple):
    """The numbers in a text that name segments, in order, and what keeps the segments where they are."""

    mentions: tuple[Mention, ...]
    guard: Guard | None = None


class Called(NamedTuple):
    """How texts around segments may call them. naming: None where labels have no numbers. size: how many there are.

    entries: what the line above a numbered list calls its entries. bodies: their texts; what stands in them with its
    number is their own. nouns: what may stand behind an ordinal.
    """

    naming: Naming | None
    size: int
    entries: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()
    nouns: tuple[str, ...] = pointers.USUAL

    @property
    def known(self) -> range:
        """The numbers of the labels."""
        first = 1 if self.naming is None else self.naming.first
        return range(first, first + self.size)

    def quoted(self, words: str) -> bool:
        """Whether a segment says these words itself."""
        return any(words.casefold() in body.casefold() for body in self.bodies)


def called(segments: Segments) -> Called:
    """How the texts around these segments may call them."""
    lead = lead_nouns(segments.prefix.rstrip().rpartition("\n")[2])
    usual = pointers.OBJECTS if segments.kind == "json" and segments.bodies[0].startswith("{") else pointers.USUAL
    nouns = pointers.CORE if segments.kind == "examples" else (*usual, *lead)
    entries = lead if segments.naming is not None and segments.naming.noun == ITEM else ()
    return Called(segments.naming, len(segments), entries, segments.bodies, nouns)


def mentions_in(text: str, of: Called) -> References:
    """The references in a text around the segments: resolved, or with a guard where one cannot be."""
    if words := pointers.named(text, of.nouns):
        return References((), Guard("names-place", words))
    mentions: list[Mention] = []
    for found in numbers(text, ("" if of.naming is None else of.naming.noun, *of.entries), of.known):
        verdict = _verdict(text, found, of)
        if verdict == "doubt":
            code: Code = "names-place" if of.naming is None else "unclear-reference"
            return References((), Guard(code, text[found.start : found.end].strip(" .,;:!?\n")))
        if verdict == "named":
            mentions += [
                Mention(one.start, one.end, of.known.index(one.first), of.known.index(one.last) if one.ranged else None)
                for one in found.items
            ]
    return References(tuple(mentions))


# "Sources: 1, 3" lists what was used, whatever the labels call it.
_USED = ("source", "material")


def _verdict(text: str, found: Found, of: Called) -> Literal["named", "doubt", "other"]:
    """Whether numbers name segments, may do so, or are of another world."""
    naming = of.naming
    within = any(one.first in of.known or one.last in of.known for one in found.items)
    circled = text[found.start] in CIRCLED
    if naming is None:
        bare = found.noun is None or circled or found.glued
        return "doubt" if within and not bare else "other"
    if found.noun is None:
        alone = within and _stands_alone(text, found, of) and found.start not in _listing(text)
        return "doubt" if alone else "other"
    if circled and naming.style not in CIRCLED and found.start in _listing(text):
        return "other"
    kin = ITEM if found.noun in of.entries else family(found.noun)
    named = bool(found.noun) and not found.bracketed
    if named and kin not in families_of(naming.noun) and not (found.listing and kin in _USED):
        # Laws and books have articles and sections too.
        own_world = kin not in families_of("") and of.quoted(text[found.start : found.end])
        return "doubt" if within and not own_world else "other"
    if named and found.doubtful and not within:
        return "other"
    clear = not found.doubtful and all(
        one.first in of.known
        and one.last in of.known
        and (one.first < one.last or not one.ranged)
        and not (naming.style.isdecimal() and text[one.start] in f"{HAN}十")
        for one in found.items
    )
    return "named" if clear else "doubt"


# -- numbers alone -------------------------------------------------------------------------------

_BEFORE = re.compile(
    r"(?:(?:^|[.!?;,\n])[ \t]*(?:[-•][ \t]*)?(?:[A-Za-z]+[ ])?|[:：>#№{<^][ ]*|[\"'“*`「〈〔]|(?<![A-Za-z\d_])[(（][ ]?"
    r"|[\[【]\^?|\bno\.[ ]?|编号|选项?|答案|[在是为见]"
    r"|\b(?:see|cf\.|number|only|just|both|not|and|or|is|are|was|were|namely|except)[ ](?:also[ ])?)$",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"[ ]*(?:$|[,;:!?)）\n\]}\"'”<†，。；：、！？*`」〉〕]|\.(?!\d)|>(?![ ]?\d+[.\d])"
    r"|(?:and|or|is|are|was|were|both|has|have|does|do|says?|agrees?|mentions?|too)\b|[中里的和与号])",
    re.IGNORECASE,
)
# A segment that has a number with so much before or behind it is quoted.
_QUOTED = 12
_WORD = re.compile(r"[^\W\d_]{2}")
_HAN_UNIT = re.compile(r"[\d.%％年月日号时分秒个条次元度岁万千百米只件本台人天周位层名克斤升倍]")
_ENTRY_MEASURE = re.compile(r"[ ]?[条个项点则句种位名]")


def _stands_alone(text: str, found: Found, of: Called) -> bool:
    """Whether a number that counts nothing may stand for a segment: "see 3", "(2)", "Answer: 2", "#1"."""
    start, end = found.start, found.end
    if of.naming is not None and of.naming.noun == ITEM and start and not text[max(0, start - 1) : start].isascii():
        ordinal = text[start - 1] == "第"
        if _ENTRY_MEASURE.match(text, end) if ordinal else text[start - 1] >= "一" and not _HAN_UNIT.match(text, end):
            return True
    if not (_BEFORE.search(text, max(0, start - 24), start) and _BEHIND.match(text, end)):
        return False
    around = (text[max(0, start - _QUOTED) : end], text[start : end + _QUOTED])
    return not any(_WORD.search(words) and of.quoted(words) for words in around)


_ENTRIES = (
    re.compile(r"^[ \t]*(?:[-*#]+[ \t]*)*()(\d{1,2})[.)、:：．]", re.MULTILINE),
    re.compile(rf"^[ \t]*()([{CIRCLED}])", re.MULTILINE),
    re.compile(r"(?:^[ \t]*|[:：][ \t]*|([ ,，;；.。、]))[(（][ ]?(\d{1,2})[ ]?[)）](?=[ ]?\w)", re.MULTILINE),
)


def _listing(text: str) -> frozenset[int]:
    """Where numbers stand that are those of a list of the text's own: "(1) The kiln, (2) the weir"."""
    found: list[int] = []
    for pattern in _ENTRIES:
        hits = list(pattern.finditer(text))
        values = [value(hit[2]) for hit in hits]
        goes_on = all(after in (1, before + 1) for before, after in pairwise(values))
        if len(hits) > 1 and values[0] == 1 and goes_on and not hits[0][1]:
            found += [hit.start(2) for hit in hits]
    return frozenset(found)


# -- between segments ----------------------------------------------------------------------------


def crossing(bodies: Sequence[str], naming: Naming | None, *, apart: bool = False) -> Guard | None:
    """Whether a segment speaks of one, by number or by place. A noun with a number of its own world is none.

    apart: each is a text of its own, titled or numbered: "the latter" and "third section" in it are about itself.
    """
    text = "\0".join(bodies)
    if not apart and (words := pointers.placed(text, pointers.CORE) or pointers.aside(text)):
        return Guard("cross-reference", words)
    if naming is not None:
        nouns = forms_of(naming.noun)
    elif not apart:
        nouns = (*forms_of("paragraph"), *forms_of("passage"))
    else:
        return None
    spoken = text.lower()
    called = any(noun in spoken for noun in nouns)
    if called and (words := pointers.ordinal_of(text, nouns)):
        return Guard("cross-reference", words)
    if not called and not any(mark in text for mark in "[【［"):
        return None
    known = Called(naming, len(bodies)).known
    for found in numbers(text, nouns, known):
        about = found.noun in nouns or (found.bracketed and not found.glued and _turns_to(text, found.start, naming))
        if about and any(one.first in known or one.last in known for one in found.items):
            return Guard("cross-reference", text[found.start : found.end].strip())
    return None


_TURNS = re.compile(r"(?:\b(?:see|cf\.|in|as|per|by|from|to|with|and|unlike)[ ]|[见据如与和])$", re.IGNORECASE)


def _turns_to(text: str, at: int, naming: Naming | None) -> bool:
    """Whether numbers in brackets in a segment may name another one: any where labels are bare brackets too, otherwise
    only behind "see", "in" and the like. Of 31 passages of real texts with such numbers all had them for arrays and
    notes of their own.
    """
    bare = naming is None or not naming.noun
    return bare or _TURNS.search(text, max(0, at - 12), at) is not None


_WIDE = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")


def rewritten(
    text: str, mentions: Sequence[Mention], places: Sequence[int], naming: Naming
) -> list[tuple[int, int, str]]:
    """The changes (start, end, new words) that let each mention follow its segment. places: new place by old place.

    A range becomes that of the same segments, or the list of them where others have come in between.
    """
    changes = []
    for mention in mentions:
        start, end = mention.start, mention.end
        old = text[start:end]
        to = sorted(places[place] for place in mention.places)
        like = RANGE.fullmatch(old)
        digits = [written(naming.first + one, like[1] if like else old) for one in to]
        if like is None:
            new = digits[0]
        elif to[-1] - to[0] == len(to) - 1:
            new = f"{digits[0]}{like[2]}{written(naming.first + to[-1], like[3])}"
        else:
            new = ("、" if _WIDE.search(text, max(0, start - 3), end) else ", ").join(digits)
        if new != old:
            changes.append((start, end, new))
    return changes
