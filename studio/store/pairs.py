"""Pairs of duplicates and conflicts that a search found, and which of them the person wants both of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import msgspec
import orjson

from studio.settings import DedupField, DedupMethod
from studio.store.database import Database

Verdict = Literal["open", "keep-left", "keep-right", "keep-both"]
"""New verdicts are open or keep-both; keep-left and keep-right occur only in old journals and mean open."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

Kind = Literal["exact", "overlap", "letters", "conflict", "rouge-l", "semantic", "task"]
"""What made two rows a pair: `curate.duplicates.compared.By`, or one prompt with two answers,
or one instruction with two inputs."""
KINDS: tuple[Kind, ...] = get_args(Kind)
_EQUAL: tuple[Kind, ...] = ("exact", "conflict", "task")
"""The kinds of a pair whose compared texts are equal, the closest first."""


class StoredPair(msgspec.Struct, frozen=True):
    """Two rows, left the earlier one, and how alike they are: 0.0 to 1.0 by what kind says.

    A score of 0.0: the last search did not find the pair itself; only the person's verdict on it is known.
    """

    id: int
    left: int
    right: int
    score: float
    kind: Kind
    verdict: Verdict


class Search(msgspec.Struct, frozen=True):
    """The last search.

    floor: the lowest score of its pairs. rows: compared. at: when. changes: `OpenProject.changes` then.
    partial: rows of clusters so large that some of their pairs are missing.
    """

    method: DedupMethod
    field: DedupField
    floor: float
    rows: int
    at: str
    changes: tuple[int, int]
    partial: tuple[int, ...] = ()


Found = tuple[int, int, float, Kind]
"""Left row, right row, score, kind."""

_SELECT = "SELECT id, first, second, score, kind, verdict FROM pairs"
_SEARCH = "dedup.search"
_UNFOUND = f"score = 0, kind = {KINDS.index('overlap')}"


class Pairs:
    """The pairs of one project database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = database.connection

    # -- reading ---------------------------------------------------------------------------------

    def all(self) -> list[StoredPair]:
        """Every pair, the most alike first."""
        found = self._connection.execute(f"{_SELECT} ORDER BY score DESC, id")
        return [_stored(values) for values in found]

    def get(self, pair_id: int) -> StoredPair | None:
        found = self._connection.execute(f"{_SELECT} WHERE id = ?", (pair_id,)).fetchone()
        return None if found is None else _stored(found)

    def among(self, pairs: Sequence[tuple[int, int]]) -> list[StoredPair]:
        """The stored pairs among these (left, right)."""
        asked = orjson.dumps([list(pair) for pair in pairs]).decode()
        found = self._connection.execute(
            f"{_SELECT} WHERE (first, second) IN "
            "(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?))",
            (asked,),
        )
        return [_stored(values) for values in found]

    def of(self, row_id: int) -> list[StoredPair]:
        """The open pairs of a row with rows that are not rejected, the most alike first."""
        found = self._connection.execute(
            f"{_SELECT} p WHERE (first = ? OR second = ?) AND verdict <> 3 AND score > 0 AND NOT EXISTS "
            "(SELECT 1 FROM state WHERE id IN (p.first, p.second) AND status = 2) ORDER BY score DESC, id",
            (row_id, row_id),
        )
        return [_stored(values) for values in found]

    def counts(self) -> tuple[int, int]:
        """Pairs that are open (nobody wants both, and both are still there), and all pairs."""
        found = self._connection.execute(
            "SELECT count(*) FILTER (WHERE verdict <> 3 AND score > 0 AND NOT EXISTS "
            "(SELECT 1 FROM state WHERE id IN (first, second) AND status = 2)), count(*) FROM pairs"
        ).fetchone()
        return int(found[0]), int(found[1])

    def search(self) -> Search | None:
        """The last search, None before the first."""
        found = self._database.get_meta(_SEARCH)
        return None if found is None else msgspec.json.decode(found, type=Search)

    # -- writing (inside the caller's transaction) ------------------------------------------------

    def replace_open(self, found: Iterable[Found], search: Search) -> None:
        """Put a new search's pairs in place of the earlier ones; that the person wants both of a pair is kept.

        A pair that is found again keeps its id, for the journal may name it.
        """
        connection = self._connection
        connection.execute("CREATE TEMP TABLE found (first, second, score, kind, PRIMARY KEY (first, second))")
        try:
            connection.executemany("INSERT OR REPLACE INTO found VALUES (?, ?, ?, ?)", _values(found))
            connection.execute(
                "DELETE FROM pairs WHERE verdict <> 3 AND (first, second) NOT IN (SELECT first, second FROM found)"
            )
            connection.execute(
                f"UPDATE pairs SET {_UNFOUND} WHERE verdict = 3 "
                "AND (first, second) NOT IN (SELECT first, second FROM found)"
            )
            connection.execute(
                "INSERT INTO pairs (first, second, score, kind) SELECT first, second, score, kind FROM found WHERE 1 "
                "ON CONFLICT DO UPDATE SET score = excluded.score, kind = excluded.kind"
            )
        finally:
            connection.execute("DROP TABLE found")
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_SEARCH, msgspec.json.encode(search)))

    def replace_of(self, row_id: int, found: Iterable[Found]) -> None:
        """Replace the pairs of one row, which came or was edited.

        Rows that were connected only through this one, such as rows equal to it, are tied to each other instead.
        """
        before = self._connection.execute(f"{_SELECT} WHERE first = ? OR second = ?", (row_id, row_id))
        through = [_stored(values) for values in before]
        self._connection.execute("DELETE FROM pairs WHERE (first = ? OR second = ?) AND verdict <> 3", (row_id, row_id))
        self._connection.execute(f"UPDATE pairs SET {_UNFOUND} WHERE first = ? OR second = ?", (row_id, row_id))
        self._connection.executemany(
            "INSERT INTO pairs (first, second, score, kind) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET score = excluded.score, kind = excluded.kind WHERE score = 0",
            _values(_tied_anew(row_id, through)),
        )
        self.add(found)

    def add(self, found: Iterable[Found]) -> None:
        """Add pairs; a pair that is there already gets the new score and kind."""
        self._connection.executemany(
            "INSERT INTO pairs (first, second, score, kind) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET score = excluded.score, kind = excluded.kind",
            _values(found),
        )

    def change(self, pair_id: int, verdict: Verdict) -> None:
        self._connection.execute("UPDATE pairs SET verdict = ? WHERE id = ?", (VERDICTS.index(verdict), pair_id))


def _tied_anew(row_id: int, pairs: Sequence[StoredPair]) -> list[Found]:
    """The pairs of a row, passed on to its heir: the closest of the rows that ask the same."""
    tied = {pair.left + pair.right - row_id: pair for pair in pairs if pair.score > 0}
    equal = [(_EQUAL.index(pair.kind), other) for other, pair in tied.items() if pair.kind in _EQUAL]
    if not equal:
        return []
    rank, heir = min(equal)
    found: list[Found] = []
    for other, pair in tied.items():
        if other != heir:
            # Two rows equal to the row are to each other what the looser of their two ties was: exact and task make
            # task.
            kind = _EQUAL[max(rank, _EQUAL.index(pair.kind))] if pair.kind in _EQUAL else pair.kind
            found.append((min(heir, other), max(heir, other), pair.score, kind))
    return found


def _values(found: Iterable[Found]) -> Iterable[tuple[int, int, float, int]]:
    return ((left, right, score, KINDS.index(kind)) for left, right, score, kind in found)


def _stored(values: tuple[int, int, int, float, int, int]) -> StoredPair:
    pair_id, left, right, score, kind, verdict = values
    return StoredPair(pair_id, left, right, score, KINDS[kind], VERDICTS[verdict])
