"""What becomes of single rows that are placed: pure, so that every processor can do some of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from studio.alpaca.rows import encode
from studio.curate.placing.arranging import Arranged, Wish, mixed, refusal
from studio.curate.placing.deciles import Position
from studio.curate.placing.distractors import Distractor
from studio.curate.placing.placement import NEEDS_GOLD, arranged, rotated, shuffled, shuffles
from studio.curate.placing.refinding import surely_arranged
from studio.curate.segments.context import Context, Packed, context_of, packed, unpacked
from studio.curate.segments.guards import MEANINGS, Guard
from studio.curate.segments.segment import Segments
from studio.jobs.placement.events import Placement, Variant
from studio.jobs.placement.originals import Original, fixed_by_variants, now_at, original
from studio.store.rows import StoredRow

NO_GOLD = "no gold segment: mark one, or let the judge look"
UNSURE = "unsure of the gold segment: mark it, or let the judge look"
"""Why rows stay that no guard keeps."""


class Asked(msgspec.Struct, frozen=True):
    """What is asked for. only: these rows, None for all. sure: confidence from which on gold counts as known.

    weights: of the tenths, for `inverse`; () for equal ones. variants: rows made of each, 0 to place the row itself.
    distractors: segments of other rows put into each. made: the numbers of variants that the same run made before,
    by row. varied: rows of which some run has made variants. standing: where gold stands in all other rows, if that is
    known already; then those are not read.
    """

    wish: Wish
    sure: float = 0.6
    pattern: re.Pattern[str] | None = None
    weights: tuple[float, ...] = ()
    variants: int = 0
    distractors: int = 0
    only: frozenset[int] | None = None
    made: dict[int, set[int]] = {}
    varied: frozenset[int] = frozenset()
    standing: tuple[Position, ...] | None = None


class Looked(NamedTuple):
    """A row with segments. gold: the place of the gold one in the original order, None without one; segments: how many.

    now: where it stands in the row as it is and among how many, its place None where nobody is sure of it. left: why
    the row stays, and on what evidence; no words for one that is not meant. kept: its context, of a row that is placed.
    lends: the segments that other rows may get as distractors.
    """

    row: int
    gold: int | None
    segments: int
    now: tuple[int | None, int]
    left: tuple[str, str] | None
    kept: Packed | None
    lends: Segments | None


def look(asked: Asked, batch: Sequence[StoredRow]) -> list[Looked]:
    """Those of the rows that have segments, and whether they are placed."""
    return [looked for stored in batch if (looked := _looked(asked, stored)) is not None]


def _looked(asked: Asked, stored: StoredRow) -> Looked | None:
    found = original(stored)
    context = context_of(found.row, found.known, asked.pattern)
    if context is None:
        return None
    meant = asked.only is None or stored.id in asked.only
    left = _why_left(stored, found, context, asked) if meant else ("", "")
    place, count = now_at(found, context)
    return Looked(
        stored.id,
        context.gold.place,
        len(context.segments),
        (place if context.sure(asked.sure) else None, count),
        left,
        packed(context) if left is None else None,
        context.segments if asked.distractors and context.guard is None else None,
    )


def _why_left(stored: StoredRow, found: Original, context: Context, asked: Asked) -> tuple[str, str] | None:
    """Why a row stays, and on what evidence; None for one that is placed, no words for one that is not meant."""
    if asked.wish.strategy == "original":
        return ("", "") if found.plan is None else None
    if stored.id not in asked.made and (fixed := fixed_by_variants(stored, asked.varied)):
        return MEANINGS[fixed.code], fixed.evidence
    if context.guard is not None:
        return MEANINGS[context.guard.code], context.guard.evidence
    turns = context.segments.kind == "constraints" and asked.wish.strategy == "balanced"
    free = asked.wish.strategy not in NEEDS_GOLD or turns
    if not free or asked.wish.locate_first:
        if context.gold.place is None:
            return NO_GOLD, context.gold.evidence
        if not context.sure(asked.sure):
            return UNSURE, context.gold.evidence
    refused = refusal(found.row, context, asked.wish)
    return None if refused is None else (MEANINGS[refused.code], refused.evidence)


class Due(NamedTuple):
    """A row to write anew. kept: its context. drawn: distractors that come to it. target: where its gold segment goes,
    -1 without a place; turn: which of its constraints comes first; places: where gold goes in its variants.
    """

    stored: StoredRow
    kept: Packed
    drawn: tuple[Distractor, ...]
    target: int
    turn: int
    places: Sequence[int]


class Written(NamedTuple):
    """What became of a row. left: why it stays as it is after all. stands: where gold stands then, variants too."""

    row: int
    placement: Placement | None
    variants: list[Variant]
    left: tuple[str, str] | None
    stands: list[Position]


def write(asked: Asked, batch: Sequence[Due]) -> list[Written]:
    """The rows in their new order, or variants of them."""
    return [_varied(asked, due) if asked.variants else _placed(asked, due) for due in batch]


def _placed(asked: Asked, due: Due) -> Written:
    stored = due.stored
    found = original(stored)
    context = unpacked(found.row, due.kept)
    if asked.wish.strategy == "original":
        return _put_back(stored, found, context)
    order = _order(asked, due, context)
    made = surely_arranged(found.row, context, order, asked.wish, due.drawn, pattern=asked.pattern)
    now = now_at(found, context)
    if isinstance(made, Guard):
        return Written(stored.id, None, [], (MEANINGS[made.code], made.evidence), _known([now]))
    stands = _known([(made.plan.gold, len(order))])
    if made.row == stored.row:
        return Written(stored.id, None, [], None, stands)
    gold = None if found.known is None else made.plan.gold
    fields = {"body": encode(made.row).decode(), "gold": gold, "placement": made.plan.encode()}
    placement = Placement(stored.id, _before(stored), fields, made.plan, now[0], made.plan.gold, len(order))
    return Written(stored.id, placement, [], None, stands)


def _put_back(stored: StoredRow, found: Original, context: Context) -> Written:
    gold, count = context.gold.place, len(context.segments)
    stands = _known([(gold, count)])
    if found.plan is None:
        return Written(stored.id, None, [], None, stands)
    known = None if found.known is None else found.known.place
    fields = {"body": encode(found.row).decode(), "gold": known, "placement": None}
    now, _ = now_at(found, context)
    return Written(stored.id, Placement(stored.id, _before(stored), fields, None, now, gold, count), [], None, stands)


def _before(stored: StoredRow) -> dict[str, str | int | None]:
    return {"body": encode(stored.row).decode(), "gold": stored.gold, "placement": stored.placement}


def _known(stands: Iterable[tuple[int | None, int]]) -> list[Position]:
    return [(place, count) for place, count in stands if place is not None]


def _varied(asked: Asked, due: Due) -> Written:
    """The variants of a row that are not there yet."""
    stored = due.stored
    found = original(stored)
    context = unpacked(found.row, due.kept)
    stands = [now_at(found, context)]
    there = asked.made.get(stored.id, ())
    made: list[Variant] = []
    left = None
    for number, order in enumerate(_orders(asked, due, context), start=1):
        one = surely_arranged(found.row, context, order, asked.wish, due.drawn, number, asked.pattern)
        if isinstance(one, Guard):
            left = MEANINGS[one.code], one.evidence
            break
        if number not in there and one.row != stored.row:
            stands.append((one.plan.gold, len(order)))
            made.append(_variant(stored, found, one, number))
    return Written(stored.id, None, made, left, _known(stands))


def _variant(stored: StoredRow, found: Original, made: Arranged, number: int) -> Variant:
    known = found.known is not None
    return Variant(
        stored.id, number, made.row, made.plan, made.plan.gold if known else None, stored.gold_why if known else None
    )


def _order(asked: Asked, due: Due, context: Context) -> tuple[int, ...]:
    count, extra, seed, row = len(context.segments), len(due.drawn), asked.wish.seed, due.stored.id
    if due.target < 0:
        if asked.wish.strategy in NEEDS_GOLD:
            # Constraints have no gold one: each of them comes first equally often.
            return rotated(count, due.turn)
        return shuffled(count + extra, seed, row)
    return _moved_to(mixed(count, extra, seed, row), context.gold.place or 0, due.target)


def _orders(asked: Asked, due: Due, context: Context) -> list[tuple[int, ...]]:
    count, extra, seed, row = len(context.segments), len(due.drawn), asked.wish.seed, due.stored.id
    if asked.wish.strategy in NEEDS_GOLD:
        if context.gold.place is None:
            return [rotated(count, by) for by in range(1, min(asked.variants, count - 1) + 1)]
        mix = mixed(count, extra, seed, row)
        return [_moved_to(mix, context.gold.place, place) for place in due.places]
    return shuffles(count + extra, asked.variants, seed, row)


def _moved_to(order: Sequence[int], gold: int, target: int) -> tuple[int, ...]:
    """The order with the gold segment at the target, the others as they stand."""
    at = order.index(gold)
    return tuple(order[place] for place in arranged(len(order), at, target))
