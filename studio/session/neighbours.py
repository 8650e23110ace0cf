"""Rows near each other: a row that comes or is rewritten is held against all others at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from studio.session.project import OpenProject
from studio.store.pairs import Kind, Search

if TYPE_CHECKING:
    from studio.jobs.duplicates.neighbours import Neighbour, Neighbours

AT_ONCE = 100
"""Rows that came back, up to which they are compared with all others before anything else goes on."""
ALIKE: dict[Kind, str] = {
    "exact": "says the same as",
    "overlap": "overlap {:.2f} with",
    "letters": "overlap {:.2f}, typing mistakes aside, with",
    "conflict": "another answer to the prompt of",
    "rouge-l": "ROUGE-L {:.2f} with",
    "semantic": "cosine {:.2f} with",
    "task": "another input to the instruction of",
}


class Neighbourhood:
    """Which rows are near which, by the measure of the last search."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project
        self._near: Neighbours | None = None

    def forget(self) -> None:
        """There was another search: what is kept in memory is of the one before."""
        self._near = None

    def near(self, row_id: int) -> list[Neighbour]:
        """Rows near this one by the measure of the last search, the nearest first; [] before there was one."""
        stored, near = self._project.rows.get(row_id), self._neighbours
        return [] if stored is None or near is None else near.near(stored) or []

    def words(self, row_id: int) -> str:
        """Of which rows this one is an open duplicate, in words; "" when of none that is known."""
        found = [pair for pair in self._project.pairs.of(row_id) if pair.score >= self._project.settings.dedup.limit]
        if not found:
            return ""
        first, more = found[0], f", {len(found) - 1} more" if found[1:] else ""
        other = first.right if first.left == row_id else first.left
        return f"{ALIKE[first.kind].format(first.score)} #{other}{more}: Dedup decides"

    def compare(self, row_id: int) -> list[Neighbour]:
        """The same for a row that came or was rewritten; what is found is kept for the queue."""
        stored, near = self._project.rows.get(row_id), self._neighbours
        search = self._project.pairs.search()
        if search is not None and search.method == "semantic":
            # Those pairs are of another measure.
            return []
        if stored is None or stored.status == "rejected" or near is None or (found := near.near(stored)) is None:
            return []
        with self._project.database.transaction(durable=False):
            pairs = [(min(row_id, one.row), max(row_id, one.row), one.score, one.kind) for one in found]
            self._project.pairs.replace_of(row_id, pairs)
        return found

    def shared_terms(self, left: int, right: int) -> list[tuple[str, float]]:
        """The terms that two rows share by what the last search compared, the rarest first, with their weights."""
        one, other, near = self._project.rows.get(left), self._project.rows.get(right), self._neighbours
        return near.shared(one, other) if one and other and near else []

    def compare_since(self, earlier: tuple[int, int]) -> int:
        """Compare the rows that changes since then rewrote or brought back; returns how many are too many for that."""
        search = self._project.pairs.search()
        if search is None or search.method == "semantic":
            return 0
        rows = self._project.journal.rewritten_since(earlier[0]) | self.unseen(search, earlier)
        if len(rows) > AT_ONCE:
            return len(rows)
        for row_id in sorted(rows):
            self.compare(row_id)
        return 0

    def unseen(self, search: Search, earlier: tuple[int, int]) -> set[int]:
        """The rows that came back since then, and that the search did not see, for it was made while they were gone."""
        back = self._project.journal.brought_back_since(*earlier)
        return back & self._project.journal.brought_back_since(*search.changes) if back else back

    def alike(self, row: int, others: Sequence[int]) -> Sequence[float]:
        """How alike a row is to each of others, by what the last search compared."""
        near = self._neighbours
        return near.scores(row, others) if near else [0.0] * len(others)

    @property
    def _neighbours(self) -> Neighbours | None:
        if self._near is None and (search := self._project.pairs.search()) is not None:
            from studio.jobs.duplicates.neighbours import Neighbours

            self._near = Neighbours(self._project.folder, self._project.rows, search, self._rewritten_since)
        return self._near

    def _rewritten_since(self, earlier: tuple[int, int]) -> tuple[tuple[int, int], Iterable[int]]:
        entry, last = earlier
        now = self._project.changes
        came = self._project.journal.brought_back_since(entry, last) | set(range(last + 1, now[1] + 1))
        return now, self._project.journal.rewritten_since(entry) | came
