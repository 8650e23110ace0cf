"""Every row with segments in columns: a million of them take some twenty megabytes, and no text of a row is kept."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from studio.alpaca.rows import Row
from studio.curate.context import Context, context_of
from studio.curate.deciles import Position, histogram, imbalance
from studio.curate.gold import By, Gold
from studio.curate.guards import CODES, Code, Guard
from studio.curate.placement import NEEDS_GOLD, targets, turns
from studio.curate.plans import Plan, decode, holds, restored
from studio.curate.segments import KINDS, Kind
from studio.errors import StudioError
from studio.jobs.events import Events, Progressed
from studio.jobs.placement_events import PlacesForeseen, SegmentsSurveyed
from studio.settings import PositionSettings
from studio.store.filters import Filter
from studio.store.rows import PLACEMENT, Rows, StoredRow

# So many rows are worth a first look.
_FIRST = 200
STEP = 500
"""Rows between two words about the progress."""
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


class Original(NamedTuple):
    """A row as it was before it was placed. plan: of the placing, None for a row that is as it was.

    known: what a person or a judge said of its gold segment.
    """

    row: Row
    plan: Plan | None
    known: Gold | None


def known_gold(stored: StoredRow) -> Gold | None:
    """What a person or a judge said of a row's gold segment, in the row as it is."""
    if stored.gold_why is not None:
        why = msgspec.json.decode(stored.gold_why, type=GoldWhy)
        return Gold(stored.gold, why.confidence, why.by, why.evidence)
    return None if stored.gold is None else Gold(stored.gold, 1.0, "hand", "marked by you")


class GoldWhy(msgspec.Struct, frozen=True):
    """Who says which segment is gold, as it is kept beside the place."""

    by: By
    confidence: float
    evidence: str

    def encode(self) -> str:
        """As JSON."""
        return msgspec.json.encode(self).decode()


def original(stored: StoredRow) -> Original:
    """The row before it was placed; a row that was edited since is its own original."""
    known = known_gold(stored)
    if stored.placement is None:
        return Original(stored.row, None, known)
    try:
        plan = decode(stored.placement)
    except StudioError:
        return Original(stored.row, None, known)
    if plan.variant or not holds(plan, stored.row):
        return Original(stored.row, None, known)
    if known is not None and known.place is not None:
        before = plan.order[known.place] if known.place < len(plan.order) else -1
        known = known._replace(place=before) if before >= 0 else None
    return Original(restored(stored.row, plan), plan, known)


def now_at(original: Original, context: Context) -> tuple[int | None, int]:
    """Where the gold segment stands in the row as it is, and among how many."""
    gold, plan = context.gold.place, original.plan
    if plan is None:
        return gold, len(context.segments)
    return (None if gold is None else plan.order.index(gold)), len(plan.order)


def fixed_by_variants(stored: StoredRow, varied: Container[int]) -> Guard | None:
    """Whether a row stays because it is a variant, or has some. varied: rows of which variants were made."""
    if stored.operation == PLACEMENT:
        return Guard("variant", f"of #{stored.parent}")
    return Guard("varied", f"of #{stored.id}") if stored.id in varied else None


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


def survey(rows: Rows, pattern: re.Pattern[str] | None, ids: Sequence[int] | None = None) -> Events:
    """Progressed, then SegmentsSurveyed; before, now and then, what has been found so far. ids: only these rows."""
    found = Survey()
    varied = rows.parents_of(PLACEMENT)
    told = _FIRST
    for stored in each(rows, ids):
        if isinstance(stored, Progressed):
            yield stored
        elif (entry := entry_of(stored, pattern, varied)) is not None:
            found.add(entry)
            if len(found) == told and ids is None:
                told *= 10
                yield SegmentsSurveyed(found, whole=False)
    yield SegmentsSurveyed(found)


def each(rows: Rows, ids: Sequence[int] | None = None) -> Iterator[StoredRow | Progressed]:
    """Every row that may have segments, with a word about the progress now and then. ids: of these rows only."""
    total = sum(count.n for count in rows.counts() if count.status != "rejected" and count.type != "pretrain")
    number = 0
    for stored in rows.each(LOOKED_AT) if ids is None else _these(rows, ids):
        if stored.type == "pretrain":
            continue
        number += 1
        yield stored
        if number % STEP == 0:
            yield Progressed(number, total if ids is None else len(ids), "rows looked at")


def _these(rows: Rows, ids: Sequence[int]) -> Iterator[StoredRow]:
    for start in range(0, len(ids), STEP):
        yield from (stored for stored in rows.page(ids[start : start + STEP]) if stored.status != "rejected")


def foresee(survey: Survey, settings: PositionSettings) -> Events:
    """PlacesForeseen: where each row's gold segment would go, were all of them placed so."""
    strategy, weights = settings.strategy, settings.weights or None
    placed: list[int] = []
    turning: list[int] = []
    standing: list[Position] = []
    guards: Counter[Code] = Counter()
    for index in range(len(survey)):
        guard = survey.guard(index)
        if guard is not None:
            guards[guard] += 1
        if not survey.knows(index, settings.sure):
            if guard is None and survey.kind(index) == "constraints":
                turning.append(index)
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
    left = guards.total()
    yield PlacesForeseen(
        found,
        histogram(before),
        histogram(after) if after else [],
        imbalance(before),
        imbalance(after) if after else None,
        {
            "sure": len(placed),
            "turns": len(turning),
            "unsure": len(survey) - len(placed) - len(turning) - left,
            "left": left,
        },
        dict(guards.most_common()),
    )
