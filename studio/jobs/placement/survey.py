"""Every row with segments in columns: a million of them take some twenty megabytes, and no text of a row is kept."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from functools import partial
from typing import Literal, NamedTuple

from studio.curate.placing.deciles import Position, histogram, imbalance
from studio.curate.placing.placement import NEEDS_GOLD, targets, turns
from studio.curate.segments.context import context_of
from studio.curate.segments.gold import By
from studio.curate.segments.guards import CODES, Code
from studio.curate.segments.segment import KINDS, Kind
from studio.jobs.events import Events, Progressed
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
_BY: tuple[By, ...] = ("", "question", "overlap", "span", "citation", "judge", "hand")


State = Literal["sure", "turns", "unsure", "left"]
"""How a row stands, see `Entry.state`."""


class Entry(NamedTuple):
    """What the survey knows of one row. gold: the place, None where not known. guard: None where it may be placed.

    placed: it was placed, and is still as it was left.
    """

    row_id: int
    kind: Kind
    segments: int
    gold: int | None
    confidence: float
    by: By
    guard: Code | None
    placed: bool

    def state(self, threshold: float) -> State:
        """left: a guard keeps it; sure: it can be placed by its gold segment; turns: it needs none, each of its
        segments comes first in some row; unsure: somebody should look first.
        """
        if self.guard is not None:
            return "left"
        if self.gold is not None and self.confidence >= threshold:
            return "sure"
        return "turns" if self.kind == "constraints" else "unsure"


class Survey:
    """Rows with segments, by id, in columns."""

    def __init__(self) -> None:
        # Changes whenever a row comes in between or goes.
        self.edition = 0
        self.ids = array("q")
        self._kinds = array("b")
        self._counts = array("i")
        self._golds = array("i")
        self._confidences = array("b")
        self._by = array("b")
        self._guards = array("b")
        self._placed = array("b")

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, entry: Entry) -> None:
        """A row behind those that are there; ids ascend."""
        for column, value in zip(self._columns(), _values(entry), strict=True):
            column.append(value)
        # Last, so that a screen that looks meanwhile finds every column of a row it counts.
        self.ids.append(entry.row_id)

    def at(self, index: int) -> Entry:
        guard = self._guards[index]
        gold = self._golds[index]
        return Entry(
            self.ids[index],
            KINDS[self._kinds[index]],
            self._counts[index],
            None if gold < 0 else gold,
            self._confidences[index] / 100,
            _BY[self._by[index]],
            None if guard < 0 else CODES[guard],
            bool(self._placed[index]),
        )

    def index_of(self, row_id: int) -> int | None:
        """Where a row stands, None when it is not there."""
        index = bisect_left(self.ids, row_id)
        return index if index < len(self.ids) and self.ids[index] == row_id else None

    def replace(self, row_id: int, entry: Entry | None) -> None:
        """A row has changed, or came in; None: it has no segments any more, or is not looked at."""
        at = bisect_left(self.ids, row_id)
        known = at < len(self.ids) and self.ids[at] == row_id
        self.edition += known == (entry is None)
        if entry is None:
            for column in (self.ids, *self._columns()) if known else ():
                del column[at]
            return
        for column, value in zip((self.ids, *self._columns()), (row_id, *_values(entry)), strict=True):
            if known:
                column[at] = value
            else:
                column.insert(at, value)

    def guard(self, index: int) -> Code | None:
        """What keeps a row as it is."""
        guard = self._guards[index]
        return None if guard < 0 else CODES[guard]

    def kind(self, index: int) -> Kind:
        """What kind of segments a row has."""
        return KINDS[self._kinds[index]]

    def knows(self, index: int, threshold: float) -> bool:
        """Whether a row's gold segment is known well enough to count where it stands."""
        return self._golds[index] >= 0 and self._confidences[index] >= 100 * threshold - 1e-9

    def standing(self, without: Container[int], threshold: float) -> list[Position]:
        """Where gold stands, as far as it is known, in all rows but these."""
        return [
            (self._golds[index], self._counts[index])
            for index, row_id in enumerate(self.ids)
            if row_id not in without and self.knows(index, threshold)
        ]

    def position(self, index: int) -> Position:
        """Place (-1 where not known) and number of segments of one row."""
        return self._golds[index], self._counts[index]

    def _columns(self) -> tuple[array[int], ...]:
        return (
            self._kinds, self._counts, self._golds, self._confidences, self._by, self._guards, self._placed,
        )  # fmt: skip


def _values(entry: Entry) -> tuple[int, ...]:
    return (
        KINDS.index(entry.kind),
        entry.segments,
        -1 if entry.gold is None else entry.gold,
        # Rounded down, so that what is not sure does not look so.
        int(entry.confidence * 100 + 1e-9),
        _BY.index(entry.by),
        -1 if entry.guard is None else CODES.index(entry.guard),
        int(entry.placed),
    )


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
