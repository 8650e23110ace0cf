"""What a decision changes: pure translations into the journal's changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from studio.alpaca import rows as alpaca
from studio.alpaca.rows import Row, answers, prompt_text
from studio.store.journal import Change
from studio.store.pairs import StoredPair, Verdict
from studio.store.rows import StoredRow, fields_of
from studio.text.tokens import normalise

BY_HAND = "by-hand"
NEAR_DUPLICATE = "near-duplicate"
ACCEPTED: Mapping[str, Any] = {"status": "accepted", "rule": None, "evidence": None}

Get = Callable[[int], StoredRow | None]


def rejected(rule: str, evidence: str) -> dict[str, Any]:
    """The fields of a row that is dropped, and why."""
    return {"status": "rejected", "rule": rule, "evidence": evidence}


def brought_back(stored: StoredRow) -> dict[str, Any]:
    """The fields of a row that comes back: a generated one is to be reviewed, the others are the person's own."""
    return {"status": "pending" if stored.generated else "accepted", "rule": None, "evidence": None}


def change(stored: StoredRow, after: Mapping[str, Any]) -> Change:
    """A row gets new fields."""
    return Change("row", stored.id, stored.id, fields_of(stored, after), dict(after))


def rewritten(stored: StoredRow, row: Row) -> Change:
    """A row gets new content."""
    return change(stored, {"body": alpaca.encode(row).decode()})


def brought_in(ids: range, undone: str) -> Change:
    """Rows that came in accepted. Undoing it rejects them with `undone` as evidence, for nothing is ever deleted."""
    return Change("row", ids.start, ids.stop - 1, rejected(BY_HAND, undone), dict(ACCEPTED))


def joined(ranges: Iterable[range]) -> list[range]:
    """The ranges, ascending, with those that follow each other made one."""
    found: list[range] = []
    for ids in ranges:
        if found and found[-1].stop == ids.start:
            found[-1] = range(found[-1].start, ids.stop)
        else:
            found.append(ids)
    return found


def settling(get: Get, pair: StoredPair, verdict: Verdict) -> list[Change]:
    """A verdict on a pair: the side that goes is rejected with the pair as evidence.

    A side that an earlier verdict on the same pair had dropped comes back, to be reviewed if it was generated.
    """
    changes = [Change("pair", pair.id, pair.id, {"verdict": pair.verdict}, {"verdict": verdict})]
    gone = {"keep-left": pair.right, "keep-right": pair.left}.get(verdict)
    for row_id, other in ((pair.left, pair.right), (pair.right, pair.left)):
        stored = get(row_id)
        if stored is None:
            continue
        dropped = stored.rule == NEAR_DUPLICATE and (stored.evidence or "").startswith(_twin_of(other))
        if row_id == gone and stored.status != "rejected":
            evidence = f"{_twin_of(other)} ROUGE-L {pair.score:.2f}"
            changes.append(change(stored, rejected(NEAR_DUPLICATE, evidence)))
        elif row_id != gone and dropped:
            changes.append(change(stored, brought_back(stored)))
    return changes


def settling_all(get: Get, pairs: Iterable[StoredPair], verdict: Verdict) -> tuple[list[Change], int]:
    """The same verdict on every open pair, and on how many it was given.

    Earliest kept row first, as Self-Instruct drops a task that is near one already in the pool. A pair that has
    lost a side is left alone: no row goes in favour of one that is itself gone. So is one prompt with two
    answers: that is a conflict, which only a person can settle.
    """
    still_open = [pair for pair in pairs if pair.verdict == "open"]
    still_open.sort(key=lambda pair: -pair.right if verdict == "keep-right" else pair.left)
    changes: list[Change] = []
    gone: set[int] = set()
    settled = 0
    for pair in still_open:
        sides = [get(pair.left), get(pair.right)]
        if {pair.left, pair.right} & gone or any(side is None or side.status == "rejected" for side in sides):
            continue
        if verdict != "keep-both" and _conflict(*sides):
            continue
        changes += settling(get, pair, verdict)
        gone |= {"keep-left": {pair.right}, "keep-right": {pair.left}}.get(verdict, set())
        settled += 1
    return changes, settled


def _conflict(left: StoredRow | None, right: StoredRow | None) -> bool:
    """Whether both rows ask the same and answer otherwise (Self-Instruct drops such instances; we ask)."""
    if left is None or right is None or normalise(prompt_text(left.row)) != normalise(prompt_text(right.row)):
        return False
    return answers(left.row) != answers(right.row)


def _twin_of(row_id: int) -> str:
    return f"near-duplicate of #{row_id},"
