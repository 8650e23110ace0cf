"""Placing gold segments over the whole project."""

from __future__ import annotations

from collections.abc import Iterator

from studio.alpaca.rows import encode
from studio.curate import placement
from studio.curate.context import Context, context_of, moved
from studio.jobs.events import Events, Placed, Placement, Progressed, Segmented
from studio.settings import Strategy
from studio.store.filters import Filter
from studio.store.journal import Change
from studio.store.rows import Rows, StoredRow

_STEP = 500


def survey(rows: Rows) -> Events:
    """Progressed, then Segmented: every row that has segments, and where its gold one stands."""
    found: list[tuple[int, int | None, int]] = []
    for stored, context in _contexts(rows):
        if isinstance(stored, Progressed):
            yield stored
        elif context is not None:
            found.append((stored.id, context.gold, len(context.segments)))
    yield Segmented(found)


def place(rows: Rows, strategy: Strategy, seed: int) -> Events:
    """Progressed, then Placed: a new order for every row that may be placed, and why the others stay."""
    chosen: list[tuple[StoredRow, Context]] = []
    skipped: dict[str, list[int]] = {}
    for stored, context in _contexts(rows):
        if isinstance(stored, Progressed):
            yield stored
        elif context is not None:
            if context.obstacle:
                skipped.setdefault("the text names a segment by its place", []).append(stored.id)
            elif context.gold is None and strategy != "shuffle":
                skipped.setdefault("no gold segment: mark one in Position", []).append(stored.id)
            else:
                chosen.append((stored, context))
    order = placement.ranks((len(context.segments) for _, context in chosen), strategy)
    placements: list[Placement] = []
    before: list[tuple[int, int]] = []
    after: list[tuple[int, int]] = []
    for (stored, context), rank in zip(chosen, order, strict=True):
        made = place_one(stored, context, strategy, rank, seed)
        if made.place_before is not None and made.place_after is not None:
            before.append((made.place_before, made.segments))
            after.append((made.place_after, made.segments))
        if made.before != made.after:
            placements.append(made)
    yield Placed(placements, skipped, before, after)


def place_one(stored: StoredRow, context: Context, strategy: Strategy, rank: int, seed: int) -> Placement:
    """One row's segments in the order the strategy wants."""
    segments = placement.place(context.segments, context.gold, strategy, rank, seed)
    gold = None if context.gold is None else segments.order.index(context.gold)
    return Placement(
        stored.id,
        encode(stored.row).decode(),
        encode(moved(stored.row, context, segments)).decode(),
        stored.gold,
        None if stored.gold is None else gold,
        context.gold,
        gold,
        len(segments),
    )


def change(placed: Placement) -> Change:
    """A placement as the journal takes it."""
    before = {"body": placed.before, "gold": placed.gold_before}
    return Change("row", placed.row_id, placed.row_id, before, {"body": placed.after, "gold": placed.gold_after})


def _contexts(rows: Rows) -> Iterator[tuple[StoredRow, Context | None] | tuple[Progressed, None]]:
    total = sum(count.n for count in rows.counts() if count.status != "rejected" and count.type != "pretrain")
    chosen = Filter(statuses=("pending", "accepted"))
    for number, stored in enumerate(rows.each(chosen), start=1):
        yield stored, context_of(stored.row, stored.gold)
        if number % _STEP == 0:
            yield Progressed(number, total, "rows looked at"), None
