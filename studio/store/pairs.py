"""Near-duplicate pairs and what the person decided about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import msgspec

from studio.store.database import Database

Verdict = Literal["open", "keep-left", "keep-right", "keep-both"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


class StoredPair(msgspec.Struct, frozen=True):
    """Two rows and their ROUGE-L F; left is the earlier row."""

    id: int
    left: int
    right: int
    score: float
    verdict: Verdict


_SELECT = "SELECT id, first, second, score, verdict FROM pairs"


class Pairs:
    """The pairs of one project database."""

    def __init__(self, database: Database) -> None:
        self._connection = database.connection

    def replace_open(self, found: Iterable[tuple[int, int, float]]) -> None:
        """Put a new search's pairs in place of the open ones; settled pairs stay as they are.

        A pair that is found again keeps its id, for the journal may name it.
        """
        pairs = list(found)
        again = {(first, second) for first, second, _ in pairs}
        gone = [(pair.id,) for pair in self.all() if pair.verdict == "open" and (pair.left, pair.right) not in again]
        self._connection.executemany("DELETE FROM pairs WHERE id = ?", gone)
        self._connection.executemany(
            "INSERT INTO pairs (first, second, score) VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET score = excluded.score",
            pairs,
        )

    def all(self) -> list[StoredPair]:
        """Open pairs first, closest first; then the settled ones."""
        found = self._connection.execute(f"{_SELECT} ORDER BY verdict > 0, score DESC, id")
        return [_stored(values) for values in found]

    def get(self, pair_id: int) -> StoredPair | None:
        found = self._connection.execute(f"{_SELECT} WHERE id = ?", (pair_id,)).fetchone()
        return None if found is None else _stored(found)

    def settled_apart(self) -> set[tuple[int, int]]:
        """Pairs the person wants both of: a search does not report them again."""
        found = self._connection.execute("SELECT first, second FROM pairs WHERE verdict = 3")
        return set(found.fetchall())

    def change(self, pair_id: int, verdict: Verdict) -> None:
        self._connection.execute("UPDATE pairs SET verdict = ? WHERE id = ?", (VERDICTS.index(verdict), pair_id))


def _stored(values: tuple[int, int, int, float, int]) -> StoredPair:
    pair_id, left, right, score, verdict = values
    return StoredPair(pair_id, left, right, score, VERDICTS[verdict])
