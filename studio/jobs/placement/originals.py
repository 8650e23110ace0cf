"""A row as it was before it was placed, and what is known of its gold segment there."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

import msgspec

from studio.alpaca.rows import Row
from studio.alpaca.stored import GoldWhy
from studio.curate.placing.plans import Plan, decode, holds, restored
from studio.curate.segments.context import Context
from studio.curate.segments.gold import Gold
from studio.curate.segments.guards import Guard
from studio.errors import StudioError
from studio.store.rows import PLACEMENT, StoredRow


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
