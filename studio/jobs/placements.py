"""Placing gold segments over the project: who may be placed, where to, and the rows in their new order.

Every row is looked at twice. The first time tells who can be placed and where its gold stands; then the places are
shared out over all of them; the second time the rows are written anew, some hundred at a time.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from studio.alpaca.rows import encode
from studio.curate.arranging import Arranged, Wish, arrange, mixed
from studio.curate.context import Context, Packed, answer_of, context_of, packed, question_of, unpacked
from studio.curate.deciles import Position, histogram, imbalance
from studio.curate.distractors import KINDS, Distractor, Pool
from studio.curate.guards import MEANINGS, Guard
from studio.curate.placement import NEEDS_GOLD, arranged, rotated, shuffled, shuffles, targets, turns, varied
from studio.jobs.events import Events, Progressed
from studio.jobs.placement_events import Left, Placed, Placement, PlacementLaidOut, RowsPlaced, Variant
from studio.jobs.placement_survey import STEP, Original, each, fixed_by_variants, now_at, original
from studio.store.rows import Rows, StoredRow

_BATCH = 100

NO_GOLD = "no gold segment: mark one, or let the judge look"
UNSURE = "unsure of the gold segment: mark it, or let the judge look"
"""Why rows stay that no guard keeps."""


class Asked(msgspec.Struct, frozen=True):
    """What is asked for. only: these rows, None for all. sure: confidence from which on gold counts as known.

    weights: of the tenths, for `inverse`; () for equal ones. variants: rows made of each, 0 to place the row itself.
    distractors: segments of other rows put into each. made: variants that the same run made before, by parent and
    number. varied: rows of which some run has made variants. standing: where gold stands in all other rows, if that is
    known already; then those are not read.
    """

    wish: Wish
    sure: float = 0.6
    pattern: re.Pattern[str] | None = None
    weights: tuple[float, ...] = ()
    variants: int = 0
    distractors: int = 0
    only: frozenset[int] | None = None
    made: frozenset[tuple[int, int]] = frozenset()
    varied: frozenset[int] = frozenset()
    standing: tuple[Position, ...] | None = None

    @property
    def going_on(self) -> frozenset[int]:
        """Rows of which this very run has made variants."""
        return frozenset(parent for parent, _ in self.made)


class _Chosen:
    """Rows to place, in columns: id, place of the gold segment in the original order (-1 without one), number of
    segments, where it stands now and among how many; its context, packed; the distractors that come to it.
    """

    def __init__(self) -> None:
        self.ids = array("q")
        self.golds = array("i")
        self.counts = array("i")
        self.now = array("i")
        self.now_counts = array("i")
        self.kept: list[Packed] = []
        self.drawn: list[tuple[Distractor, ...]] = []

    def add(self, row_id: int, context: Context, now: tuple[int | None, int]) -> None:
        gold = context.gold.place
        self.ids.append(row_id)
        self.golds.append(-1 if gold is None else gold)
        self.counts.append(len(context.segments))
        self.kept.append(packed(context))
        self.now.append(-1 if now[0] is None else now[0])
        self.now_counts.append(now[1])
        self.drawn.append(())

    def __len__(self) -> int:
        return len(self.ids)

    def size(self, index: int) -> int:
        """How many segments a row will have."""
        return self.counts[index] + len(self.drawn[index])

    def standing(self) -> list[Position]:
        """Where gold stands now."""
        return [(gold, count) for gold, count in zip(self.now, self.now_counts, strict=True) if gold >= 0]


def place(rows: Rows, asked: Asked) -> Events:
    """Progressed, PlacementLaidOut, RowsPlaced by the hundred, Placed at the end."""
    chosen, left, pool = _Chosen(), dict[str, Left](), Pool(asked.wish.seed)
    standing = list(asked.standing or ())
    few = sorted(asked.only or ()) if asked.standing is not None and not asked.distractors else None
    going_on = asked.going_on
    for stored in each(rows, few):
        if isinstance(stored, Progressed):
            yield stored
            continue
        found = original(stored)
        context = context_of(found.row, found.known, asked.pattern)
        if context is None:
            continue
        if asked.distractors and context.guard is None:
            pool.add(stored.id, context.segments)
        reason = None if asked.only is None or stored.id in asked.only else ("", "")
        place, count = now_at(found, context)
        if not context.sure(asked.sure):
            place = None
        reason = reason or _why_left(stored, found, context, asked, going_on)
        if reason is None:
            chosen.add(stored.id, context, (place, count))
            continue
        if place is not None and asked.standing is None:
            standing.append((place, count))
        if reason[0]:
            _leave(left, reason, stored.id)
    if asked.distractors:
        yield from _draw_distractors(rows, chosen, asked, pool)
    yield from _Placing(rows, chosen, asked, left, standing).run()


def _why_left(
    stored: StoredRow, found: Original, context: Context, asked: Asked, going_on: frozenset[int]
) -> tuple[str, str] | None:
    """Why a row stays, and on what evidence; None for one that is placed, no words for one that is not meant."""
    if asked.wish.strategy == "original":
        return ("", "") if found.plan is None else None
    if stored.id not in going_on and (fixed := fixed_by_variants(stored, asked.varied)):
        return MEANINGS[fixed.code], fixed.evidence
    if context.guard is not None:
        return MEANINGS[context.guard.code], context.guard.evidence
    turns = context.segments.kind == "constraints" and asked.wish.strategy == "balanced"
    free = asked.wish.strategy not in NEEDS_GOLD or turns
    if free and not asked.wish.locate_first:
        return None
    if context.gold.place is None:
        return NO_GOLD, context.gold.evidence
    return None if context.sure(asked.sure) else (UNSURE, context.gold.evidence)


def _leave(left: dict[str, Left], reason: tuple[str, str], row: int) -> None:
    known = left.get(reason[0])
    left[reason[0]] = Left(1, row, reason[1]) if known is None else msgspec.structs.replace(known, rows=known.rows + 1)


def _draw_distractors(rows: Rows, chosen: _Chosen, asked: Asked, pool: Pool) -> Events:
    """How many distractors a row gets decides how many places it has."""
    for index, (stored, found, context) in enumerate(_again(rows, chosen)):
        if context.segments.kind in KINDS:
            question, answer = question_of(found.row, context.field, context.segments), answer_of(found.row)
            chosen.drawn[index] = tuple(pool.draw(stored.id, context.segments, question, answer, asked.distractors))
        if index % STEP == 0:
            yield Progressed(index, len(chosen), "rows drawn for")


class _Looked(NamedTuple):
    stored: StoredRow
    found: Original
    context: Context


def _again(rows: Rows, chosen: _Chosen) -> Iterator[_Looked]:
    """The chosen rows once more, in their order: one transaction sees one state of the project."""
    for start in range(0, len(chosen), _BATCH):
        kept = chosen.kept[start : start + _BATCH]
        for stored, one in zip(rows.page(chosen.ids[start : start + _BATCH]), kept, strict=True):
            found = original(stored)
            yield _Looked(stored, found, unpacked(found.row, one))


class _Placing:
    """The second half: places shared out, rows written anew."""

    def __init__(
        self, rows: Rows, chosen: _Chosen, asked: Asked, left: dict[str, Left], standing: list[Position]
    ) -> None:
        self._rows, self._chosen, self._asked, self._left = rows, chosen, asked, left
        self._before = [*standing, *chosen.standing()]
        self._after = list(standing)
        self._changed = self._made = 0
        self._turns: dict[int, int] = {}
        self._targets: list[int] = []
        self._varied: list[list[int]] = []

    def run(self) -> Events:
        """Everything from PlacementLaidOut on."""
        self._share_out()
        before = histogram(self._before)
        yield PlacementLaidOut(len(self._chosen), dict(self._left), before, histogram(self._foreseen()))
        placements: list[Placement] = []
        variants: list[Variant] = []
        for index, looked in enumerate(_again(self._rows, self._chosen)):
            if self._asked.variants:
                variants += self._vary(index, looked)
            elif (placement := self._place(index, looked)) is not None:
                placements.append(placement)
            if len(placements) + len(variants) >= _BATCH:
                yield RowsPlaced(placements, variants)
                placements, variants = [], []
            if (index + 1) % STEP == 0:
                yield Progressed(index + 1, len(self._chosen), "rows placed")
        if placements or variants:
            yield RowsPlaced(placements, variants)
        words = (imbalance(self._before).words, imbalance(self._after).words)
        yield Placed(self._changed, self._made, dict(self._left), before, histogram(self._after), words)

    # -- places ----------------------------------------------------------------------------------

    def _share_out(self) -> None:
        """The target of each row that has a gold segment to place; of variants, their targets."""
        chosen, asked = self._chosen, self._asked
        strategy, seed, weights = asked.wish.strategy, asked.wish.seed, asked.weights or None
        with_gold = [index for index in range(len(chosen)) if chosen.golds[index] >= 0]
        without = [index for index in range(len(chosen)) if chosen.golds[index] < 0]
        first = turns([chosen.counts[index] for index in without], seed)
        self._turns = dict(zip(without, first, strict=True))
        self._targets = [-1] * len(chosen)
        if strategy not in NEEDS_GOLD:
            return
        if asked.variants:
            positions = [(chosen.now[index], chosen.size(index)) for index in with_gold]
            self._varied = [[] for _ in chosen.ids]
            drawn = varied(positions, strategy, asked.variants, seed, weights, standing=self._after)
            for index, places in zip(with_gold, drawn, strict=True):
                self._varied[index] = places
            return
        positions = [(chosen.golds[index], chosen.size(index)) for index in with_gold]
        for index, target in zip(
            with_gold, targets(positions, strategy, seed, weights, standing=self._after), strict=True
        ):
            self._targets[index] = target

    def _foreseen(self) -> Iterable[Position]:
        """Where gold will stand, as far as it is known before the rows are written."""
        chosen = self._chosen
        yield from self._after
        if self._asked.variants:
            yield from chosen.standing()
        for index in range(len(chosen)):
            count = chosen.size(index)
            if self._asked.variants:
                yield from ((place, count) for place in (self._varied[index] if self._varied else ()))
            elif self._targets[index] >= 0:
                yield self._targets[index], count
            elif chosen.golds[index] >= 0:
                yield self._drawn_place(index, count), count

    def _drawn_place(self, index: int, count: int) -> int:
        """Where gold comes to stand without a target: by a shuffle, or back where it was."""
        gold, seed, row = self._chosen.golds[index], self._asked.wish.seed, self._chosen.ids[index]
        return gold if self._asked.wish.strategy == "original" else shuffled(count, seed, row).index(gold)

    # -- rows ------------------------------------------------------------------------------------

    def _place(self, index: int, looked: _Looked) -> Placement | None:
        """The row in its new order; None when it stays as it is."""
        stored, found, context = looked
        if self._asked.wish.strategy == "original":
            return self._put_back(looked)
        drawn = self._chosen.drawn[index]
        order = self._order(index, context, len(drawn))
        made = arrange(found.row, context, order, self._asked.wish, drawn)
        now = now_at(found, context)
        if isinstance(made, Guard):
            _leave(self._left, (MEANINGS[made.code], made.evidence), stored.id)
            self._stands(now)
            return None
        self._stands((made.plan.gold, len(order)))
        if made.row == stored.row:
            return None
        self._changed += 1
        gold = None if found.known is None else made.plan.gold
        fields = {"body": encode(made.row).decode(), "gold": gold, "placement": made.plan.encode()}
        before = {"body": encode(stored.row).decode(), "gold": stored.gold, "placement": stored.placement}
        return Placement(stored.id, before, fields, made.plan, now[0], made.plan.gold, len(order))

    def _put_back(self, looked: _Looked) -> Placement | None:
        stored, found, context = looked
        self._stands((context.gold.place, len(context.segments)))
        if found.plan is None:
            return None
        self._changed += 1
        gold = None if found.known is None else found.known.place
        fields = {"body": encode(found.row).decode(), "gold": gold, "placement": None}
        before = {"body": encode(stored.row).decode(), "gold": stored.gold, "placement": stored.placement}
        now = now_at(found, context)
        return Placement(stored.id, before, fields, None, now[0], context.gold.place, len(context.segments))

    def _vary(self, index: int, looked: _Looked) -> list[Variant]:
        """The variants of a row that are not there yet."""
        stored, found, context = looked
        self._stands(now_at(found, context))
        drawn = self._chosen.drawn[index]
        made: list[Variant] = []
        for number, order in enumerate(self._orders(index, context, len(drawn)), start=1):
            one = arrange(found.row, context, order, self._asked.wish, drawn, number)
            if isinstance(one, Guard):
                _leave(self._left, (MEANINGS[one.code], one.evidence), stored.id)
                break
            if (stored.id, number) not in self._asked.made and one.row != stored.row:
                self._stands((one.plan.gold, len(order)))
                self._made += 1
                made.append(_variant(stored, found, one, number))
        return made

    def _order(self, index: int, context: Context, extra: int) -> tuple[int, ...]:
        count, seed, row = len(context.segments), self._asked.wish.seed, self._chosen.ids[index]
        if self._targets[index] < 0:
            if self._asked.wish.strategy in NEEDS_GOLD:
                # Constraints have no gold one: each of them comes first equally often.
                return rotated(count, self._turns[index])
            return shuffled(count + extra, seed, row)
        return _moved_to(mixed(count, extra, seed, row), context.gold.place or 0, self._targets[index])

    def _orders(self, index: int, context: Context, extra: int) -> list[tuple[int, ...]]:
        count, seed, row = len(context.segments), self._asked.wish.seed, self._chosen.ids[index]
        k = self._asked.variants
        if self._varied and context.gold.place is not None:
            mix = mixed(count, extra, seed, row)
            return [_moved_to(mix, context.gold.place, target) for target in self._varied[index]]
        if self._asked.wish.strategy in NEEDS_GOLD:
            return [rotated(count, by) for by in range(1, min(k, count - 1) + 1)]
        return shuffles(count + extra, k, seed, row)

    def _stands(self, position: tuple[int | None, int]) -> None:
        if position[0] is not None:
            self._after.append((position[0], position[1]))


def _moved_to(order: Sequence[int], gold: int, target: int) -> tuple[int, ...]:
    """The order with the gold segment at the target, the others as they stand."""
    at = order.index(gold)
    return tuple(order[place] for place in arranged(len(order), at, target))


def _variant(stored: StoredRow, found: Original, made: Arranged, number: int) -> Variant:
    known = found.known is not None
    return Variant(
        stored.id, number, made.row, made.plan, made.plan.gold if known else None, stored.gold_why if known else None
    )
