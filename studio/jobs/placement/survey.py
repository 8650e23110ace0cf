"""Which rows have segments, which one is gold, and where it would go."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from functools import partial

from studio.curate.placing.deciles import Position, histogram, imbalance
from studio.curate.placing.placement import NEEDS_GOLD, targets, turns
from studio.curate.segments.context import context_of
from studio.curate.segments.guards import Code
from studio.jobs.events import Events, Progressed
from studio.jobs.placement.entries import Entry, Survey
from studio.jobs.placement.events import PlacesForeseen, SegmentsSurveyed
from studio.jobs.placement.originals import fixed_by_variants, now_at, original
from studio.jobs.processes import spread
from studio.settings import PositionSettings
from studio.store.filters import Filter
from studio.store.rows import PLACEMENT, Rows, StoredRow

BATCH = 200
"""So many rows are looked at in one go; they are worth a first look."""
LOOKED_AT = Filter(statuses=("pending", "accepted"))
"""The rows that are looked at for segments."""


def entry_of(stored: StoredRow, pattern: re.Pattern[str] | None, varied: Container[int]) -> Entry | None:
    """What the survey says of a row; None when it has no segments. varied: rows of which variants were made."""
    found = original(stored)
    context = context_of(found.row, found.known, pattern)
    if context is None:
        return None
    gold, count = now_at(found, context)
    guard = fixed_by_variants(stored, varied) or context.guard
    return Entry(
        stored.id,
        context.segments.kind,
        count,
        gold,
        context.gold.confidence,
        context.gold.by,
        None if guard is None else guard.code,
        found.plan is not None,
    )


def entries_of(pattern: re.Pattern[str] | None, varied: Container[int], batch: Sequence[StoredRow]) -> list[Entry]:
    """What the survey says of those of the rows that have segments."""
    return [entry for stored in batch if (entry := entry_of(stored, pattern, varied)) is not None]


def survey(rows: Rows, pattern: re.Pattern[str] | None, ids: Sequence[int] | None = None) -> Events:
    """Progressed, then SegmentsSurveyed; before, now and then, what has been found so far. ids: only these rows."""
    found = Survey()
    told = BATCH
    total, number = number_of(rows, ids), 0
    for entries in spread(partial(entries_of, pattern, rows.parents_of(PLACEMENT)), batches(rows, ids)):
        for entry in entries:
            found.add(entry)
        if len(found) >= told and ids is None:
            told *= 10
            yield SegmentsSurveyed(found, whole=False)
        number = min(number + BATCH, total)
        yield Progressed(number, total, "rows looked at")
    yield SegmentsSurveyed(found)


def number_of(rows: Rows, ids: Sequence[int] | None) -> int:
    """How many rows `batches` gives."""
    if ids is not None:
        return len(ids)
    return sum(count.n for count in rows.counts() if count.status != "rejected" and count.type != "pretrain")


def batches(rows: Rows, ids: Sequence[int] | None = None) -> Iterator[list[StoredRow]]:
    """Every row that may have segments, BATCH at a time. ids: of these rows only."""
    batch: list[StoredRow] = []
    for stored in rows.each(LOOKED_AT) if ids is None else _these(rows, ids):
        if stored.type != "pretrain":
            batch.append(stored)
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _these(rows: Rows, ids: Sequence[int]) -> Iterator[StoredRow]:
    for start in range(0, len(ids), BATCH):
        yield from (stored for stored in rows.page(ids[start : start + BATCH]) if stored.status != "rejected")


def foresee(survey: Survey, settings: PositionSettings, only: Container[int] | None = None) -> Events:
    """PlacesForeseen: where each row's gold segment would go, were all of them placed so, or only these rows."""
    strategy, weights = settings.strategy, settings.weights or None
    placed: list[int] = []
    turning: list[int] = []
    standing: list[Position] = []
    guards: Counter[Code] = Counter()
    unsure = 0
    for index, row_id in enumerate(survey.ids):
        if only is not None and row_id not in only:
            if survey.knows(index, settings.sure):
                standing.append(survey.position(index))
            continue
        guard = survey.guard(index)
        if guard is not None:
            guards[guard] += 1
        if not survey.knows(index, settings.sure):
            if guard is None and survey.kind(index) == "constraints":
                turning.append(index)
            elif guard is None:
                unsure += 1
        elif guard is None:
            placed.append(index)
        else:
            standing.append(survey.position(index))
    found = array("i", [-1]) * len(survey)
    positions = [survey.position(index) for index in placed]
    after: list[Position] = []
    if strategy in NEEDS_GOLD:
        wanted = targets(positions, strategy, settings.seed, weights, standing=standing)
        for index, target in zip(placed, wanted, strict=True):
            found[index] = target
        if strategy == "balanced":
            first = turns([survey.position(index)[1] for index in turning], settings.seed)
            for index, place in zip(turning, first, strict=True):
                found[index] = place
        after = [*standing, *((target, count) for target, (_, count) in zip(wanted, positions, strict=True))]
    before = [*standing, *positions]
    moving = sum(found[index] != survey.position(index)[0] for index in placed)
    yield PlacesForeseen(
        found,
        histogram(before),
        histogram(after) if after else [],
        imbalance(before),
        imbalance(after) if after else None,
        {
            "sure": len(placed),
            "turns": len(turning),
            "unsure": unsure,
            "left": guards.total(),
        },
        dict(guards.most_common()),
        moving if strategy in NEEDS_GOLD else None,
    )
