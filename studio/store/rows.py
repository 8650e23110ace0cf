"""Rows on disk: adding, paging by id, changing, counting.

Nothing is deleted. A row that is dropped becomes ``rejected`` with its rule and evidence.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec
import orjson

from studio.alpaca import rows as alpaca
from studio.alpaca.rows import ROW_TYPES, Row, RowType
from studio.alpaca.stored import STATUSES, Status
from studio.alpaca.stored import StoredRow as StoredRow
from studio.store.database import Database
from studio.store.filters import Filter

Imported: TypeAlias = tuple[bytes, int, int | None, bytes | None]
"""A row read from a file: body as alpaca.rows.encode writes it, number from 1, offset in bytes, extras as JSON."""


PLACEMENT = "placement"
"""The operation of a variant: a row made of another one by putting its segments in another order."""
PAIRED = "chosen over #"
"""The operation of a preference row made of two rows begins with this, then comes the id of the row beside its
parent."""


def paired(stored: StoredRow) -> bool:
    """Whether it is a preference row that was made of two rows."""
    return (stored.operation or "").startswith(PAIRED)


class Generated(msgspec.Struct, frozen=True):
    """A row a method made, with its lineage. rule and evidence say why it was eliminated, if it was.

    root: the seed task it grew from, parent: the row it was made of; None for a method that starts from no one
    row. replies: keys of the ledger, in the order they were asked. variant: 0 for the row the plan asked for,
    more for those made beside it. extras: what belongs beside the row, as a JSON object.
    """

    type: RowType
    row: Row
    run: int
    root: int | None
    round: int
    parent: int | None
    operation: str
    replies: tuple[str, ...]
    rule: str | None = None
    evidence: str | None = None
    variant: int = 0
    extras: bytes | None = None


class Count(NamedTuple):
    """How many rows share a type, a status, being a seed and being generated."""

    type: RowType
    status: Status
    seed: bool
    generated: bool
    n: int


_STATE_FIELDS = ("status", "seed", "rule", "evidence", "gold", "tags", "score", "waived", "gold_why", "placement")
_SELECT = """SELECT r.id, s.type, r.body, s.status, s.seed, s.generated, s.rule, s.evidence, s.gold,
  r.source, r.number, r.offset, r.extras, r.run, r.parent, r.root, r.round, r.operation, r.replies, r.variant,
  s.tags, s.score, s.waived, s.gold_why, s.placement
  FROM rows r JOIN state s ON s.id = r.id"""
# Above this many rows one GROUP BY over the narrow table is cheaper than following each of them.
_RECOUNT_FROM = 64


class Rows:
    """The rows of one project database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = database.connection

    # -- reading ---------------------------------------------------------------------------------

    def get(self, row_id: int) -> StoredRow | None:
        found = self._connection.execute(f"{_SELECT} WHERE r.id = ?", (row_id,)).fetchone()
        return None if found is None else _stored(found)

    def page(self, ids: Sequence[int]) -> list[StoredRow]:
        """The rows with these ids, in the order of ids; unknown ids are left out."""
        asked = orjson.dumps(list(ids)).decode()
        found = self._connection.execute(f"{_SELECT} WHERE r.id IN (SELECT value FROM json_each(?))", (asked,))
        by_id = {values[0]: _stored(values) for values in found}
        return [by_id[row_id] for row_id in ids if row_id in by_id]

    def ids(self, chosen: Filter) -> array[int]:
        """Every id the filter lets through, ascending (8 bytes each)."""
        where, values = chosen.where()
        join = " JOIN rows r ON r.id = s.id" if chosen.needs_body else ""
        # One JSON text from SQLite's C code is several times faster than a million Python tuples.
        query = f"SELECT json_group_array(id) FROM (SELECT s.id FROM state s{join} WHERE {where} ORDER BY s.id)"
        return array("q", orjson.loads(self._connection.execute(query, values).fetchone()[0]))

    def ids_from(self, chosen: Filter, row_id: int, n: int) -> list[int]:
        """Up to n ids of the filter starting at row_id: a screenful before the whole view is known."""
        where, values = chosen.where()
        join = " JOIN rows r ON r.id = s.id" if chosen.needs_body else ""
        query = f"SELECT s.id FROM state s{join} WHERE s.id >= ? AND {where} ORDER BY s.id LIMIT ?"
        return [found[0] for found in self._connection.execute(query, (row_id, *values, n))]

    def each(self, chosen: Filter, batch: int = 2000) -> Iterator[StoredRow]:
        """Every row of the filter by id, a batch in memory at a time; the table may change meanwhile."""
        last = 0
        while ids := self.ids_from(chosen, last + 1, batch):
            yield from self.page(ids)
            last = ids[-1]

    def contents(self, type: RowType) -> Iterator[tuple[int, Row]]:
        """Id and content of every row of the type that is not rejected, by id: several times as fast as `each`."""
        found = self._connection.execute(
            "SELECT r.id, r.body FROM state s JOIN rows r ON r.id = s.id "
            "WHERE s.type = ? AND s.status <> ? ORDER BY s.id",
            (ROW_TYPES.index(type), STATUSES.index("rejected")),
        )
        decode = alpaca.one_decoder(type)
        for row_id, body in found:
            yield row_id, decode(body)

    def tasks_among(self, ids: range) -> array[int]:
        """Of these rows, those that may be tasks of the pool: seed tasks and generated rows of type sft, ascending."""
        found = self._connection.execute(
            "SELECT json_group_array(id) FROM (SELECT id FROM state WHERE (seed = 1 OR generated = 1) AND type = ? "
            "AND id BETWEEN ? AND ? ORDER BY id)",
            (ROW_TYPES.index("sft"), ids.start, ids.stop - 1),
        )
        return array("q", orjson.loads(found.fetchone()[0]))

    def rejected_among(self, ids: Iterable[int]) -> set[int]:
        """Those of these rows that are rejected."""
        asked = orjson.dumps(list(ids)).decode()
        found = self._connection.execute(
            "SELECT id FROM state WHERE status = ? AND id IN (SELECT value FROM json_each(?))",
            (STATUSES.index("rejected"), asked),
        )
        return {row_id for (row_id,) in found}

    def children(self, row_id: int) -> list[StoredRow]:
        """Rows made of this one, by round and variant."""
        found = self._connection.execute(f"{_SELECT} WHERE r.parent = ? ORDER BY r.round, r.variant, r.id", (row_id,))
        return [_stored(values) for values in found]

    def head(self, run: int, root: int, before: int) -> StoredRow | None:
        """How far a run has brought a seed task: its last row of an earlier round that is not rejected, or None."""
        found = self._connection.execute(
            # The + keeps SQLite from going through all rows of the run.
            f"{_SELECT} WHERE r.root = ? AND +r.run = ? AND r.round < ? AND s.status <> ? "
            "ORDER BY r.round DESC, r.variant DESC LIMIT 1",
            (root, run, before, STATUSES.index("rejected")),
        ).fetchone()
        return None if found is None else _stored(found)

    def variants(self, run: int, round: int, root: int) -> list[StoredRow]:
        """The row a run made of a seed task in a round, and those made beside it, in their order."""
        found = self._connection.execute(
            f"{_SELECT} WHERE r.root = ? AND +r.run = ? AND r.round = ? ORDER BY r.variant", (root, run, round)
        )
        return [_stored(values) for values in found]

    def counts(self) -> list[Count]:
        found = self._connection.execute("SELECT type, status, seed, generated, n FROM counts WHERE n > 0")
        return [Count(ROW_TYPES[t], STATUSES[s], bool(seed), bool(made), n) for t, s, seed, made, n in found]

    def rules(self, *, generated: bool = True) -> dict[str, int]:
        """How many rejected rows each rule has, generated ones or the others."""
        found = self._connection.execute(
            "SELECT coalesce(rule, ''), count(*) FROM state WHERE status = 2 AND generated = ? "
            "GROUP BY 1 ORDER BY 2 DESC",
            (int(generated),),
        )
        return dict(found.fetchall())

    def last_id(self) -> int:
        return int(self._connection.execute("SELECT coalesce(max(id), 0) FROM rows").fetchone()[0])

    def bodies(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The content of the rows with these ids that are not rejected, as it is kept."""
        asked = orjson.dumps(list(ids)).decode()
        found = self._connection.execute(
            "SELECT r.id, r.body FROM rows r JOIN state s ON s.id = r.id "
            "WHERE r.id IN (SELECT value FROM json_each(?)) AND s.status <> ?",
            (asked, STATUSES.index("rejected")),
        )
        return {row_id: bytes(body) for row_id, body in found}

    def made_of(self, run: int) -> dict[tuple[int, int], int]:
        """The rows of a run by their parent and round."""
        found = self._connection.execute("SELECT parent, round, id FROM rows WHERE run = ?", (run,))
        return {(parent, round): row_id for parent, round, row_id in found}

    def parents_of(self, operation: str) -> frozenset[int]:
        """The rows of which runs of that name have made others that are not rejected."""
        found = self._connection.execute(
            "SELECT DISTINCT r.parent FROM rows r JOIN state s ON s.id = r.id "
            "WHERE r.run IN (SELECT id FROM runs WHERE method = ?) AND r.parent IS NOT NULL AND s.status <> ?",
            (operation, STATUSES.index("rejected")),
        )
        return frozenset(parent for (parent,) in found)

    # -- writing (inside the caller's transaction) ------------------------------------------------

    def add_imported(
        self,
        batch: Sequence[Imported],
        type: RowType,
        *,
        source: int | None,
        seed: bool,
        status: Status = "accepted",
    ) -> range:
        """Append rows of one type; returns their ids."""
        first = self.last_id() + 1
        # The source stands in the statement and ids follow by themselves, so that a row is bound as it is.
        where = "NULL" if source is None else int(source)
        self._connection.executemany(
            f"INSERT INTO rows (source, body, number, offset, extras) VALUES ({where}, ?, ?, ?, ?)", batch
        )
        ids = range(first, first + len(batch))
        kind, state = ROW_TYPES.index(type), STATUSES.index(status)
        self._connection.execute(
            "INSERT INTO state (id, type, status, seed, generated) "
            "SELECT id, ?, ?, ?, 0 FROM rows WHERE id BETWEEN ? AND ?",
            (kind, state, int(seed), ids.start, ids.stop - 1),
        )
        self._count(kind, state, int(seed), 0, len(batch))
        return ids

    def descend(self, row_id: int, parent: int, operation: str) -> None:
        """Set the parent and the operation of a row that was made inside the project."""
        self._connection.execute("UPDATE rows SET parent = ?, operation = ? WHERE id = ?", (parent, operation, row_id))

    def add_generated(self, made: Generated) -> int:
        """Append a row of a method: pending, or rejected when a rule eliminated it. Returns its id."""
        status = STATUSES.index("pending" if made.rule is None else "rejected")
        kind = ROW_TYPES.index(made.type)
        row_id = self._connection.execute(
            "INSERT INTO rows (body, run, parent, root, round, operation, replies, variant, extras) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (alpaca.encode(made.row), made.run, made.parent, made.root, made.round, made.operation,
             " ".join(made.replies), made.variant, made.extras),
        ).lastrowid  # fmt: skip
        assert row_id is not None
        self._connection.execute(
            "INSERT INTO state (id, type, status, seed, generated, rule, evidence) VALUES (?, ?, ?, 0, 1, ?, ?)",
            (row_id, kind, status, made.rule, made.evidence),
        )
        self._count(kind, status, 0, 1, 1)
        return row_id

    def complete(self, row_id: int, made: Generated) -> None:
        """Replace a generated row, stored before its method had finished it, by the finished one."""
        self._connection.execute(
            "UPDATE rows SET operation = ?, replies = ?, extras = ? WHERE id = ?",
            (made.operation, " ".join(made.replies), made.extras, row_id),
        )
        status = "pending" if made.rule is None else "rejected"
        body = alpaca.encode(made.row).decode()
        self.change(row_id, row_id, {"body": body, "status": status, "rule": made.rule, "evidence": made.evidence})

    def change(self, first: int, last: int, fields: Mapping[str, Any]) -> None:
        """Set body (text) and state fields of the rows first..last; keeps the counts.

        status is given by its name, tags as a list, waived as a mapping. Journal entries hold exactly such fields.
        """
        if "body" in fields:
            body = fields["body"].encode()
            self._connection.execute("UPDATE rows SET body = ? WHERE id BETWEEN ? AND ?", (body, first, last))
        columns = [name for name in _STATE_FIELDS if name in fields]
        if columns:
            values = [_column(name, fields[name]) for name in columns]
            counted = "status" in fields or "seed" in fields
            few = last - first < _RECOUNT_FROM
            if counted and few:
                self._follow(first, last, -1)
            assignments = ", ".join(f"{name} = ?" for name in columns)
            self._connection.execute(f"UPDATE state SET {assignments} WHERE id BETWEEN ? AND ?", (*values, first, last))
            if counted and few:
                self._follow(first, last, +1)
            elif counted:
                self.recount()

    def give_up(self, source: int, rule: str, evidence: str) -> None:
        """Reject every row of an import that did not come to its end."""
        self._connection.execute(
            "UPDATE state SET status = ?, rule = ?, evidence = ? WHERE id IN (SELECT id FROM rows WHERE source = ?)",
            (STATUSES.index("rejected"), rule, evidence, source),
        )
        self.recount()

    def recount(self) -> None:
        """Count every row again: for changes too wide to follow one by one."""
        self._connection.execute("DELETE FROM counts")
        self._connection.execute(
            "INSERT INTO counts SELECT type, status, seed, generated, count(*) FROM state GROUP BY 1, 2, 3, 4"
        )

    def _follow(self, first: int, last: int, sign: int) -> None:
        found = self._connection.execute(
            "SELECT type, status, seed, generated FROM state WHERE id BETWEEN ? AND ?", (first, last)
        ).fetchall()
        for type, status, seed, generated in found:
            self._count(type, status, seed, generated, sign)

    def _count(self, type: int, status: int, seed: int, generated: int, n: int) -> None:
        self._connection.execute(
            "INSERT INTO counts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            (type, status, seed, generated, n),
        )


def _stored(values: Iterable[Any]) -> StoredRow:
    row_id, kind, body, status, seed, generated, *rest, tags, score, waived, gold_why, placement = values
    type = ROW_TYPES[kind]
    row = alpaca.decode(type, body)
    opinions = (tuple(orjson.loads(tags)) if tags else (), score, orjson.loads(waived) if waived else {})
    marks: tuple[Any, ...] = (*opinions, gold_why, placement)
    return StoredRow(row_id, type, row, STATUSES[status], bool(seed), bool(generated), *rest, *marks)


def _column(name: str, value: Any) -> Any:
    """A state field as its column holds it."""
    if name == "status":
        return STATUSES.index(value)
    if name in ("tags", "waived"):
        return orjson.dumps(value).decode() if value else None
    return value


def fields_of(stored: StoredRow, names: Iterable[str]) -> dict[str, Any]:
    """The present values of these fields of a row, as Rows.change takes them: undo puts them back."""
    return {name: _field(stored, name) for name in names}


def _field(stored: StoredRow, name: str) -> Any:
    match name:
        case "body":
            return alpaca.encode(stored.row).decode()
        case "tags":
            return list(stored.tags)
        case _:
            return getattr(stored, name)
