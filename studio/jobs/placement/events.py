"""What the jobs of the Position stage say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from studio.alpaca.rows import Row
from studio.curate.placing.deciles import Imbalance
from studio.curate.placing.plans import Plan
from studio.curate.segments.guards import Code
from studio.jobs.events import Event

if TYPE_CHECKING:
    from array import array

    from studio.jobs.placement.entries import State, Survey


class SegmentsSurveyed(Event, frozen=True):
    """Every row with segments, in columns; when it is not the whole yet, the survey goes on growing."""

    survey: Survey
    whole: bool = True


class PlacesForeseen(Event, frozen=True):
    """Where gold would go by a strategy. targets: by row of the survey, -1 where the strategy names no place.

    before, after: in tenths; after and its imbalance are empty and None where chance decides. states: how many rows are
    in each; guards: of the latter by guard, most first. moving: gold segments that change their place, None where
    chance decides.
    """

    targets: array[int]
    before: list[int]
    after: list[int]
    balance: Imbalance
    balance_after: Imbalance | None
    states: dict[State, int]
    guards: dict[Code, int]
    moving: int | None


class PlacementLaidOut(Event, frozen=True):
    """What will be placed is known: so many rows. left: the rows that stay, by reason.

    before, after: where gold segments stand now and will, in tenths, of rows that stay and variants too.
    """

    rows: int
    left: dict[str, Left]
    before: list[int]
    after: list[int]


class Left(msgspec.Struct, frozen=True):
    """Rows that stay as they are for one reason. row, evidence: of the first of them."""

    rows: int
    row: int
    evidence: str


class Placement(msgspec.Struct, frozen=True):
    """A row before and after it was placed; fields as `store.rows.Rows.change` takes them.

    plan: None for a row that is put back. gold_before, gold_after: the places, None where not known. segments: how many
    there are now.
    """

    row_id: int
    before: dict[str, Any]
    after: dict[str, Any]
    plan: Plan | None
    gold_before: int | None
    gold_after: int | None
    segments: int


class Variant(msgspec.Struct, frozen=True):
    """A new row made of another one. number: which of its variants, from 1. gold, gold_why: as the store keeps them."""

    parent: int
    number: int
    row: Row
    plan: Plan
    gold: int | None
    gold_why: str | None


class RowsPlaced(Event, frozen=True):
    """More rows in their new order, or variants of rows."""

    placements: list[Placement]
    variants: list[Variant]


class Placed(Event, frozen=True):
    """The end: rows changed and variants made. before, after: as PlacementLaidOut has them. left: by reason.

    words: whether gold stands evenly, before and after, for people.
    """

    rows: int
    variants: int
    left: dict[str, Left]
    before: list[int]
    after: list[int]
    words: tuple[str, str]
