"""A project in numbers, and a row's provenance in words."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from studio.alpaca.rows import ROW_TYPES
from studio.store.files.huggingface import is_hub_name
from studio.store.filters import STATUSES
from studio.store.pairs import Pairs
from studio.store.replies import Replies
from studio.store.rows import PLACEMENT, Count, Rows, StoredRow, paired
from studio.store.runs import Runs


def stats(rows: Rows, pairs: Pairs) -> dict[str, Any]:
    """Counts by type and status, seeds, generated rows, eliminations and rejections by rule, pairs."""
    counts = rows.counts()
    open_pairs, all_pairs = pairs.counts()
    return {
        "rows": sum(count.n for count in counts),
        "seeds": sum(count.n for count in counts if count.seed and count.status != "rejected"),
        "generated": _by_status(count for count in counts if count.generated),
        "types": {
            type: by_status
            for type in ROW_TYPES
            if any((by_status := _by_status(count for count in counts if count.type == type)).values())
        },
        "eliminated": rows.rules(),
        "rejected": rows.rules(generated=False),
        "pairs": {"open": open_pairs, "all": all_pairs},
    }


def origin(stored: StoredRow, runs: Runs, replies: Replies) -> str:
    """Where a row came from: file and row, or operation, parent, round and the model that wrote it; its placing."""
    placed = _placed(stored)
    if stored.generated and stored.operation == PLACEMENT:
        return f"{PLACEMENT} of #{stored.parent}, {step(stored)}{placed}"
    return _came(stored, runs, replies) + (f", placed{placed}" if placed else "")


def step(stored: StoredRow) -> str:
    """Which step of its method made a generated row: a round, a request, or a variant of its parent."""
    if stored.operation == PLACEMENT:
        return f"variant {stored.round}"
    return f"{'round' if stored.root else 'request'} {stored.round}"


def _placed(stored: StoredRow) -> str:
    """The strategy by which its segments were placed, and where the gold one stands; "" for no plan."""
    if stored.placement is None:
        return ""
    plan = orjson.loads(stored.placement)
    where = f", gold at {plan['gold'] + 1} of {len(plan['order'])}" if "gold" in plan else ""
    return where if stored.operation == PLACEMENT else f" ({plan['strategy']}{where})"


def _came(stored: StoredRow, runs: Runs, replies: Replies) -> str:
    if stored.generated:
        first = replies.exchange(stored.replies.split()[0]) if stored.replies else None
        told = [
            f"{stored.operation} of #{stored.parent}" if stored.parent else str(stored.operation),
            step(stored),
            f"seed #{stored.root}" if stored.root else "",
            f"by {orjson.loads(first[0])['model']}" if first else "",
        ]
        return ", ".join(filter(None, told))
    if paired(stored):
        return f"made of two rows, #{stored.parent} {stored.operation}"
    source = None if stored.source is None else runs.source(stored.source)
    if source is None:
        return "written here"
    name = source.path if is_hub_name(Path(source.path)) else Path(source.path).name
    return f"{name}, row {stored.number}"


def _by_status(counts: Iterable[Count]) -> dict[str, int]:
    totals = {str(status): 0 for status in STATUSES}
    for count in counts:
        totals[count.status] += count.n
    return totals
