"""Which rows are near one row, told at once: the index of the last search, kept up with what came and changed since."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from studio.curate.compared import Compared, Field, compared, tie_of_equals
from studio.curate.duplicate_index import DuplicateIndex
from studio.jobs.dedup import group_name
from studio.store import index_folder
from studio.store.pairs import Kind, Search
from studio.store.rows import Rows, StoredRow
from studio.text.terms import terms

_CATCH_UP = 20_000
"""Rows that came or changed since the search, beyond which a new search is the better way."""

Since = Callable[[tuple[int, int]], tuple[tuple[int, int], Iterable[int]]]
"""From `Session.changes` of a moment: those of now, and the rows that came or were rewritten between."""


class Neighbour(NamedTuple):
    """A row near another one."""

    row: int
    score: float
    kind: Kind


class Neighbours:
    """The rows of a project by what they ask (or whatever the search compared). For the thread of `rows`."""

    def __init__(self, folder: Path, rows: Rows, search: Search, since: Since) -> None:
        self._rows, self._since = rows, since
        self._field: Field = search.field
        self._indexes = {name: DuplicateIndex(arrays) for name, arrays in index_folder.read(folder).items()}
        self._at = search.changes

    @property
    def usable(self) -> bool:
        """Whether there is an index and it is not too old. Brings it up to date."""
        if not self._indexes:
            return False
        now, changed = self._since(self._at)
        rows = list(changed)
        if len(rows) > _CATCH_UP:
            self._indexes = {}
            return False
        for stored in self._rows.page(rows):
            self._index(stored).put(stored.id, self._compared(stored).whole)
        self._at = now
        return True

    def near(self, stored: StoredRow, threshold: float, limit: int = 50) -> list[Neighbour] | None:
        """Rows that are near this one and not rejected, the nearest first; None when there is no usable index."""
        if not self.usable:
            return None
        own = self._compared(stored)
        index = self._index(stored)
        found = {one.row: one.score for one in index.near(own.whole, threshold, 4 * limit, but=stored.id)}
        known = [one for one in self._rows.page(list(found)) if one.status != "rejected"]
        near = [Neighbour(one.id, *self._judged(index, own, self._compared(one), found[one.id])) for one in known]
        return [one for one in near if one.score >= threshold][:limit]

    def scores(self, row_id: int, others: Sequence[int]) -> list[float]:
        """The scores of a row with others; 0.0 where that is not known."""
        stored = self._rows.get(row_id)
        if stored is None or not self.usable:
            return [0.0] * len(others)
        return self._index(stored).scores(self._compared(stored).whole, others)

    def shared(self, left: StoredRow, right: StoredRow) -> list[tuple[str, float]]:
        """The terms that both rows have, the rarest first, with their weights."""
        index = self._index(left) if self.usable else DuplicateIndex.empty()
        return index.shared(self._compared(left).whole, self._compared(right).whole)

    def _judged(self, index: DuplicateIndex, own: Compared, other: Compared, score: float) -> tuple[float, Kind]:
        """The score with what must be alike inside, and what kind of pair it is."""
        if terms(own.whole) == terms(other.whole):
            return 1.0, tie_of_equals(own, other)
        if own.inner and other.inner:
            score = min(score, index.score(own.inner, other.inner))
        return score, "overlap"

    def _index(self, stored: StoredRow) -> DuplicateIndex:
        name = group_name(stored.type, stored.row, self._field)
        return self._indexes.setdefault(name, DuplicateIndex.empty())

    def _compared(self, stored: StoredRow) -> Compared:
        return compared(stored.row, self._field)
