"""What the jobs about redundancy, selection and contamination say."""

from __future__ import annotations

from array import array

import msgspec

from studio.curate.selecting.contamination import Hit, NearHit
from studio.curate.selecting.diversity import Measure
from studio.curate.selecting.redundancy import Redundancy
from studio.jobs.events import Event
from studio.store.files.blocks import Broken


class RedundancyMeasured(Event, frozen=True):
    """How redundant the rows are that are not rejected. clusters: of near-duplicates that are known, of any rows.

    redundancy.kept: what would be left if the rows in question were dropped.
    """

    redundancy: Redundancy
    clusters: int


class DiverseSelected(Event, frozen=True):
    """The selection is made; nothing is changed by it.

    selected: in the order of their selection. others: the rows that took part besides, ascending. redundancy: of all of
    them, redundancy.kept that of the selected ones; None when all are.
    """

    selected: array[int]
    others: array[int]
    measure: Measure
    seed: int
    redundancy: Redundancy


class BenchmarkRead(Event, frozen=True):
    """A benchmark was read to its end: entries that can be found, mute ones without a token, and broken ones."""

    path: str
    entries: int
    mute: int
    broken: list[Broken]


class ContaminationFound(Event, frozen=True):
    """Every stretch that one of the rows looked at shares with a benchmark, by row.

    near: of the other rows, those whose prompt is a near-duplicate of a text of it, and of which one the nearest.
    near_many: those that are so near to many texts that they name none.
    """

    hits: list[Hit]
    rows: int
    near: dict[int, NearHit] = msgspec.field(default_factory=dict)
    near_many: dict[int, NearHit] = msgspec.field(default_factory=dict)

    @property
    def contaminated(self) -> dict[int, list[Hit]]:
        """By row, the stretches that name an entry, the longest first; what is common to many entries names none."""
        found: dict[int, list[Hit]] = {}
        for hit in self.hits:
            if not hit.common:
                found.setdefault(hit.row, []).append(hit)
        return found


class RowsMarked(Event, frozen=True):
    """The outcome is on disk as one step that can be undone, which changed so many rows."""

    rows: int
