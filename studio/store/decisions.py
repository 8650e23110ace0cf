"""What a decision changes: pure translations into the journal's changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from studio.store.journal import Change
from studio.store.pairs import StoredPair
from studio.store.rows import StoredRow, fields_of

BY_HAND = "by-hand"
NEAR_DUPLICATE = "near-duplicate"
ACCEPTED: Mapping[str, Any] = {"status": "accepted", "rule": None, "evidence": None}

Page = Callable[[Sequence[int]], list[StoredRow]]


def rejected(rule: str, evidence: str) -> dict[str, Any]:
    """The fields of a row that is dropped, and why."""
    return {"status": "rejected", "rule": rule, "evidence": evidence}


def brought_back(stored: StoredRow) -> dict[str, Any]:
    """The fields of a row that comes back: a generated one is to be reviewed, the others are the person's own."""
    return {"status": "pending" if stored.generated else "accepted", "rule": None, "evidence": None}


def change(stored: StoredRow, after: Mapping[str, Any]) -> Change:
    """The change that gives a row new fields."""
    return Change("row", stored.id, stored.id, fields_of(stored, after), dict(after))


def brought_in(ids: range, undone: str) -> Change:
    """Rows that came in accepted. Undoing it rejects them with `undone` as evidence, for nothing is ever deleted."""
    return Change("row", ids.start, ids.stop - 1, rejected(BY_HAND, undone), dict(ACCEPTED))


def joined(ranges: Iterable[range]) -> list[range]:
    """The ascending ranges, with adjacent ones joined."""
    found: list[range] = []
    for ids in ranges:
        if found and found[-1].stop == ids.start:
            found[-1] = range(found[-1].start, ids.stop)
        else:
            found.append(ids)
    return found


def dropped(page: Page, losses: Iterable[tuple[int, int, str]]) -> list[Change]:
    """Rows rejected as duplicates: (row, the row that stays for it, how alike they are in words)."""
    evidence = {row: f"{alike} #{keeper}" for row, keeper, alike in losses}
    return [
        change(stored, rejected(NEAR_DUPLICATE, evidence[stored.id]))
        for stored in page(list(evidence))
        if stored.status != "rejected"
    ]


def wanted_both(pairs: Iterable[StoredPair]) -> list[Change]:
    """Pairs of which the person wants both rows."""
    return [
        Change("pair", pair.id, pair.id, {"verdict": pair.verdict}, {"verdict": "keep-both"})
        for pair in pairs
        if pair.verdict != "keep-both"
    ]
