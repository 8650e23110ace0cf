"""Finds the rows near one row at once, by the index of the last search, into which new and changed rows are put."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from studio.curate.duplicates.compared import Compared, Field, compared
from studio.curate.duplicates.finding import BAND
from studio.curate.duplicates.index import DuplicateIndex
from studio.curate.duplicates.join import letters
from studio.curate.duplicates.ties import ties_of_equals
from studio.jobs.duplicates.groups import group_name
from studio.store import index_folder
from studio.store.pairs import Kind, Search
from studio.store.rows import Rows, StoredRow
from studio.text.terms import terms

_CATCH_UP = 20_000
"""When more rows than this came or changed since the search, the index is given up until a new search."""
_LOOKED_AT = 200
"""The most rows that are read to find the neighbours of one row."""
_DAMAGE = (KeyError, IndexError, ValueError, OverflowError, MemoryError)
"""Errors that damaged arrays of the index raise."""

Since = Callable[[tuple[int, int]], tuple[tuple[int, int], Iterable[int]]]
"""Given an earlier `OpenProject.changes`: the present one, and the rows that came or were rewritten since."""
_P = ParamSpec("_P")
_R = TypeVar("_R")


class Neighbour(NamedTuple):
    """A row near another one."""

    row: int
    score: float
    kind: Kind


def _or_without(asked: Callable[Concatenate[Neighbours, _P], _R]) -> Callable[Concatenate[Neighbours, _P], _R]:
    """Call again without the index when it is damaged; the index only saves time."""

    @wraps(asked)
    def ask(self: Neighbours, /, *given: _P.args, **named: _P.kwargs) -> _R:
        try:
            return asked(self, *given, **named)
        except _DAMAGE:
            self.give_up()
            return asked(self, *given, **named)

    return ask


class Neighbours:
    """Finds neighbours of the project's rows by the text that the last search compared. For the thread of `rows`."""

    def __init__(self, folder: Path, rows: Rows, search: Search, since: Since) -> None:
        self._rows, self._since = rows, since
        self._field: Field = search.field
        # Other methods have measures of their own; after such a search only equal texts are found here.
        self._floor = search.floor if search.method in ("overlap", "minhash") else 1.0
        self._at = search.changes
        self._indexes: dict[str, DuplicateIndex] = {}
        try:
            found = index_folder.read(folder, search)
            self._indexes = {name: DuplicateIndex(arrays) for name, arrays in found.items()}
        except _DAMAGE:
            self.give_up()

    def give_up(self) -> None:
        """Do without the index until the next search."""
        self._indexes = {}

    @property
    def usable(self) -> bool:
        """Whether there is an index and it is not too old. Brings it up to date."""
        if not self._indexes:
            return False
        now, changed = self._since(self._at)
        rows = list(changed)
        if len(rows) > _CATCH_UP:
            self.give_up()
            return False
        for stored in self._rows.page(rows):
            # An edit can move a row to another group, such as a KTO row whose tag changed.
            for index in self._indexes.values():
                index.drop(stored.id)
            self._index(stored).put(stored.id, self._compared(stored).whole)
        self._at = now
        return True

    @_or_without
    def near(self, stored: StoredRow, limit: int = 50) -> list[Neighbour] | None:
        """The pairs that a search like the last one would find of this row, with rows that are not rejected.

        The nearest first; None when there is no usable index.
        """
        if not self.usable:
            return None
        own, index = self._compared(stored), self._index(stored)
        if not index.equal(stored.id):
            # The row was rejected at the time of the search and came back, so the index lacks it.
            index.put(stored.id, own.whole)
        hits = index.near(own.whole, self._floor, _LOOKED_AT, stored.id, self._standing)
        known = {one.id: self._compared(one) for one in self._rows.page([hit.row for hit in hits])}
        written = {row: tuple(terms(one.whole)) for row, one in known.items()}
        same = tuple(terms(own.whole))
        filed = [one for row, words in written.items() if words == same for one in index.equal(row)]
        equal = self._equal(stored.id, own, filed)
        if self._floor == 1.0 or any(one.row < stored.id for one in equal):
            # Of rows that are exactly alike, only the first is in pairs with others.
            return equal[:limit]
        first: dict[tuple[str, ...], int] = {}
        for row, words in written.items():
            first[words] = min(first.get(words, row), row)
        near = [
            self._judged(index, own, known[hit.row], hit.score, hit.row)
            for hit in hits
            if hit.row in known and written[hit.row] != same and first[written[hit.row]] == hit.row
        ]
        return sorted([*equal, *filter(None, near)], key=lambda one: (-one.score, one.row))[:limit]

    @_or_without
    def scores(self, row_id: int, others: Sequence[int]) -> list[float]:
        """The scores of a row with others; 0.0 where a score is not known."""
        stored = self._rows.get(row_id)
        if stored is None or not self.usable:
            return [0.0] * len(others)
        own, index = self._compared(stored), self._index(stored)
        found = index.scores(own.whole, others)
        if own.inner:
            asked = [row for row, score in zip(others, found, strict=True) if score >= self._floor]
            inner = {one.id: self._inner(index, own, self._compared(one)) for one in self._rows.page(asked)}
            found = [min(score, inner.get(row, score)) for row, score in zip(others, found, strict=True)]
        return found

    @_or_without
    def shared(self, left: StoredRow, right: StoredRow) -> list[tuple[str, float]]:
        """The terms that both rows have, the rarest first, with their weights."""
        index = self._index(left) if self.usable else DuplicateIndex.empty()
        return index.shared(self._compared(left).whole, self._compared(right).whole)

    def _equal(self, row: int, own: Compared, others: Sequence[int]) -> list[Neighbour]:
        """The pairs with others that ask the same, as a search would make them."""
        rows = sorted(self._standing(others) - {row})[:_LOOKED_AT]
        texts = {one.id: self._compared(one) for one in self._rows.page(rows)} | {row: own}
        return [
            Neighbour(right if left == row else left, 1.0, kind)
            for left, right, kind in ties_of_equals(sorted(texts), texts.__getitem__)
            if row in (left, right)
        ]

    def _judged(
        self, index: DuplicateIndex, own: Compared, other: Compared, score: float, row: int
    ) -> Neighbour | None:
        """The pair with its inner texts and typing mistakes taken into account; None when it falls below the floor."""
        kind: Kind = "overlap"
        score = min(score, self._inner(index, own, other))
        if score < self._floor:
            return None
        if score < BAND[1] and (likeness := letters.likeness(own.whole, other.whole)):
            score, kind = score + (1 - score) * likeness, "letters"
        return Neighbour(row, score, kind)

    def _inner(self, index: DuplicateIndex, own: Compared, other: Compared) -> float:
        """The score of the inner texts; 1.0 where one row has none, because then the whole text decides."""
        if not (terms(own.inner) and terms(other.inner)):
            return 1.0
        return index.score(own.inner, other.inner)

    def _standing(self, rows: Sequence[int]) -> set[int]:
        return set(rows) - self._rows.rejected_among(rows)

    def _index(self, stored: StoredRow) -> DuplicateIndex:
        name = group_name(stored.type, stored.row, self._field)
        return self._indexes.setdefault(name, DuplicateIndex.empty())

    def _compared(self, stored: StoredRow) -> Compared:
        return compared(stored.row, self._field)
