"""A row as the store holds it: its content, and what has become of it."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from studio.alpaca.rows import Row, RowType

Status = Literal["pending", "accepted", "rejected"]
STATUSES: tuple[Status, ...] = get_args(Status)


class StoredRow(msgspec.Struct, frozen=True):
    """A row as the store holds it: content, state, provenance (source, number, offset), lineage.

    tags and score: the person's own. waived: issues that shall pass, by code, with the reason. gold: the place of the
    segment that holds the answer; gold_why: who says so, as JSON, None for the person. placement: the plan by which its
    segments were placed, as JSON.
    """

    id: int
    type: RowType
    row: Row
    status: Status
    seed: bool
    generated: bool
    rule: str | None
    evidence: str | None
    gold: int | None
    source: int | None
    number: int | None
    offset: int | None
    extras: bytes | None
    run: int | None
    parent: int | None
    root: int | None
    round: int | None
    operation: str | None
    replies: str | None
    variant: int = 0
    tags: tuple[str, ...] = ()
    score: float | None = None
    waived: dict[str, str] = {}
    gold_why: str | None = None
    placement: str | None = None


GoldBy = Literal["hand", "judge", "citation", "span", "overlap", "question", ""]
"""Who or what says which segment is gold; "" nobody."""


class GoldWhy(msgspec.Struct, frozen=True):
    """Who says which segment is gold, as it is kept beside the place: the person, a judge, or a rule by its name."""

    by: GoldBy
    confidence: float
    evidence: str

    def encode(self) -> str:
        """As JSON."""
        return msgspec.json.encode(self).decode()
