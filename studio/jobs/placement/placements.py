"""Placing gold segments over the project: who may be placed, where to, and the rows in their new order.

Every row is looked at twice. The first time tells who can be placed and where its gold stands; then the places are
shared out over all of them; the second time the rows are written anew, a batch at a time.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from functools import partial

import msgspec

from studio.curate.placing.deciles import Position, histogram, imbalance
from studio.curate.placing.distractors import KINDS, Distractor, Pool
from studio.curate.placing.placement import NEEDS_GOLD, shuffled, targets, turns, varied
from studio.curate.segments.context import Packed, answer_of, question_of, unpacked
from studio.jobs.events import Events, Progressed
from studio.jobs.placement.events import Left, Placed, Placement, PlacementLaidOut, RowsPlaced, Variant
from studio.jobs.placement.originals import original
from studio.jobs.placement.rows import Asked, Due, Looked, look, write
from studio.jobs.placement.survey import BATCH, batches, number_of
from studio.jobs.processes import spread
from studio.store.rows import Rows


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

    def add(self, looked: Looked, kept: Packed) -> None:
        place, count = looked.now
        self.ids.append(looked.row)
        self.golds.append(-1 if looked.gold is None else looked.gold)
        self.counts.append(looked.segments)
        self.kept.append(kept)
        self.now.append(-1 if place is None else place)
        self.now_counts.append(count)
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
    """Progressed, PlacementLaidOut, RowsPlaced by batches, Placed at the end."""
    chosen, left, pool = _Chosen(), dict[str, Left](), Pool(asked.wish.seed)
    standing = list(asked.standing or ())
    few = sorted(asked.only or ()) if asked.standing is not None and not asked.distractors else None
    total, number = number_of(rows, few), 0
    for batch in spread(partial(look, asked), batches(rows, few)):
        for looked in batch:
            if looked.lends is not None:
                pool.add(looked.row, looked.lends)
            if looked.kept is not None:
                chosen.add(looked, looked.kept)
                continue
            place, count = looked.now
            if place is not None and asked.standing is None:
                standing.append((place, count))
            if looked.left is not None and looked.left[0]:
                _leave(left, looked.left, looked.row)
        number = min(number + BATCH, total)
        yield Progressed(number, total, "rows looked at")
    if asked.distractors:
        yield from _draw_distractors(rows, chosen, asked, pool)
    yield from _Placing(rows, chosen, asked, left, standing).run()


def _leave(left: dict[str, Left], reason: tuple[str, str], row: int) -> None:
    known = left.get(reason[0])
    left[reason[0]] = Left(1, row, reason[1]) if known is None else msgspec.structs.replace(known, rows=known.rows + 1)


def _draw_distractors(rows: Rows, chosen: _Chosen, asked: Asked, pool: Pool) -> Events:
    """How many distractors a row gets decides how many places it has."""
    for start in range(0, len(chosen), BATCH):
        for index, stored in enumerate(rows.page(chosen.ids[start : start + BATCH]), start):
            row, kept = original(stored).row, chosen.kept[index]
            if kept.kind in KINDS:
                segments = unpacked(row, kept).segments
                question, answer = question_of(row, kept.field, segments), answer_of(row)
                chosen.drawn[index] = tuple(pool.draw(stored.id, segments, question, answer, asked.distractors))
        yield Progressed(min(start + BATCH, len(chosen)), len(chosen), "rows drawn for")


class _Placing:
    """The second half: places shared out, rows written anew."""

    def __init__(
        self, rows: Rows, chosen: _Chosen, asked: Asked, left: dict[str, Left], standing: list[Position]
    ) -> None:
        self._rows, self._chosen, self._asked, self._left = rows, chosen, asked, left
        self._before = [*standing, *chosen.standing()]
        self._after = list(standing)
        self._turns: dict[int, int] = {}
        self._targets: list[int] = []
        self._varied: list[list[int]] = [[] for _ in chosen.ids]

    def run(self) -> Events:
        """Everything from PlacementLaidOut on."""
        self._share_out()
        before = histogram(self._before)
        yield PlacementLaidOut(len(self._chosen), dict(self._left), before, histogram(self._foreseen()))
        changed = made = number = 0
        for batch in spread(partial(write, self._asked), self._due()):
            placements: list[Placement] = []
            variants: list[Variant] = []
            for one in batch:
                self._after += one.stands
                if one.left is not None:
                    _leave(self._left, one.left, one.row)
                if one.placement is not None:
                    placements.append(one.placement)
                variants += one.variants
            number, changed, made = number + len(batch), changed + len(placements), made + len(variants)
            if placements or variants:
                yield RowsPlaced(placements, variants)
            yield Progressed(number, len(self._chosen), "rows placed")
        words = (imbalance(self._before).words, imbalance(self._after).words)
        yield Placed(changed, made, dict(self._left), before, histogram(self._after), words)

    def _due(self) -> Iterator[list[Due]]:
        """The chosen rows once more, in their order: one transaction sees one state of the project."""
        chosen = self._chosen
        for start in range(0, len(chosen), BATCH):
            span = range(start, min(start + BATCH, len(chosen)))
            yield [
                Due(
                    stored,
                    chosen.kept[index],
                    chosen.drawn[index],
                    self._targets[index],
                    self._turns.get(index, 0),
                    self._varied[index],
                )
                for index, stored in zip(span, self._rows.page(chosen.ids[span.start : span.stop]), strict=True)
            ]

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
                yield from ((place, count) for place in self._varied[index])
            elif self._targets[index] >= 0:
                yield self._targets[index], count
            elif chosen.golds[index] >= 0:
                yield self._drawn_place(index, count), count

    def _drawn_place(self, index: int, count: int) -> int:
        """Where gold comes to stand without a target: by a shuffle, or back where it was."""
        gold, seed, row = self._chosen.golds[index], self._asked.wish.seed, self._chosen.ids[index]
        return gold if self._asked.wish.strategy == "original" else shuffled(count, seed, row).index(gold)
