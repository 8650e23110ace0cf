"""Every row with segments in columns: a million of them take some twenty megabytes, and no text of a row is kept."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Container
from typing import Literal, NamedTuple

from studio.alpaca.stored import GoldBy as By
from studio.curate.placing.deciles import Position
from studio.curate.segments.guards import CODES, Code
from studio.curate.segments.segment import KINDS, Kind

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
