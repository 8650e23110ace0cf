"""Which rows the Position stage shows: a filter as a value, and as the text a person types after ``/``."""

from __future__ import annotations

import re
from array import array
from collections.abc import Container
from typing import NamedTuple

from studio.curate.segments.guards import CODES
from studio.curate.segments.segment import KINDS
from studio.errors import UsageError
from studio.jobs.placement.entries import Entry, Survey

HINT = "guard:steps, guard:none, gold:unsure, gold:hand, sure:>=0.8, segments:5, kind:json, placed:yes, words"
"""The conditions, as the dialog lists them."""
UNSURE = "gold:unsure"
"""The queue for review."""

_NAMES = ("guard", "gold", "sure", "segments", "kind", "placed")
_GOLD = ("sure", "unsure", "none", "hand", "judge", "citation", "span", "overlap", "question")
_RANGE = re.compile(r"(>=|<=|>|<|=)?(\d+(?:\.\d+)?)(?:(?:-|\.\.)(\d+(?:\.\d+)?))?")


class Range(NamedTuple):
    """From least to most, both included."""

    least: float
    most: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.least <= value <= self.most


class PositionFilter(NamedTuple):
    """Every condition that is given must hold; "" and None mean any. words: sought in the row's text.

    guard: a code, "any" or "none". gold: sure, unsure, none, or who says so.
    """

    guard: str = ""
    gold: str = ""
    confidence: Range | None = None
    segments: Range | None = None
    kind: str = ""
    placed: bool | None = None
    words: str = ""


def parse(typed: str) -> PositionFilter:
    """The filter that was typed. Raises UsageError that names the condition and its cure."""
    chosen: dict[str, object] = {}
    words: list[str] = []
    for word in typed.split():
        name, colon, value = word.partition(":")
        if not colon or name not in _NAMES:
            words.append(word)
        elif name == "guard":
            chosen["guard"] = _one_of(value, (*CODES, "any", "none"))
        elif name == "gold":
            chosen["gold"] = _one_of(value, _GOLD)
        elif name == "kind":
            chosen["kind"] = _one_of(value, KINDS)
        elif name == "placed":
            chosen["placed"] = _one_of(value, ("yes", "no")) == "yes"
        else:
            chosen["confidence" if name == "sure" else "segments"] = _range(value, word)
    return PositionFilter(words=" ".join(words), **chosen)  # type: ignore[arg-type]


def select(
    survey: Survey, chosen: PositionFilter, threshold: float, having: Container[int] | None = None
) -> array[int]:
    """The places in the survey of the rows that the filter lets through. having: rows with its words, None for all."""
    if chosen == PositionFilter():
        return array("q", range(len(survey)))
    return array(
        "q",
        [
            index
            for index in range(len(survey))
            if _lets_through(survey.at(index), chosen, threshold) and (having is None or survey.ids[index] in having)
        ],
    )


def _lets_through(entry: Entry, chosen: PositionFilter, threshold: float) -> bool:
    guard = entry.guard or "none"
    if chosen.guard and guard != chosen.guard and not (chosen.guard == "any" and entry.guard):
        return False
    if chosen.gold and not _is_gold(entry, chosen.gold, threshold):
        return False
    if chosen.confidence is not None and entry.confidence not in chosen.confidence:
        return False
    if chosen.segments is not None and entry.segments not in chosen.segments:
        return False
    if chosen.kind and entry.kind != chosen.kind:
        return False
    return chosen.placed is None or entry.placed == chosen.placed


def _is_gold(entry: Entry, wanted: str, threshold: float) -> bool:
    if wanted in ("sure", "unsure"):
        return entry.state(threshold) == wanted
    return entry.gold is None if wanted == "none" else entry.by == wanted


def _range(value: str, word: str) -> Range:
    found = _RANGE.fullmatch(value)
    if found is None:
        raise UsageError(f"{word!r} is no range.", hint="Example: segments:5, segments:5-10, sure:>=0.8, sure:<0.6")
    sign, number, upper = found[1] or "", float(found[2]), found[3]
    if upper is not None:
        return Range(number, float(upper))
    tiny = 1e-9
    match sign:
        case ">=":
            return Range(number, float("inf"))
        case ">":
            return Range(number + tiny, float("inf"))
        case "<=":
            return Range(0, number)
        case "<":
            return Range(0, number - tiny)
    return Range(number, number)


def _one_of(value: str, known: tuple[str, ...]) -> str:
    for name in known:
        if value and name.startswith(value):
            return name
    raise UsageError(f"{value!r} is not one of {', '.join(known)}.", hint=f"Example: {HINT}")
