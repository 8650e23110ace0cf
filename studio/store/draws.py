"""Runs of Self-Instruct on disk: what each request shows, what is still to be asked, the rows of the task pool.

A request's draw is written before it is asked, so that a start after a kill asks the same and the ledger answers it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import msgspec
import orjson

from studio.alpaca.rows import ROW_TYPES
from studio.store.database import Database
from studio.store.filters import STATUSES

UNANSWERED = "unanswered"
"""The rule of a new instruction whose input and output have not come yet: it is rejected until they have."""

BOOTSTRAP = "self-instruct/bootstrap"
"""The operation of an instruction that was read, and has no instances yet or never gets any."""
ALPACA = "self-instruct/alpaca"
"""The operation of a whole task of the Alpaca variant."""

_REJECTED = STATUSES.index("rejected")


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A task as a request shows it. Later edits of the row do not change it."""

    row: int
    instruction: str
    input: str = ""
    output: str = ""


class Draw(msgspec.Struct, frozen=True):
    """One request for instructions, numbered from 1 within its run, and the tasks it shows, in their order.

    reply: the key of its reply in the ledger, once it has been read. rule and evidence: why the whole reply brought
    nothing.
    """

    request: int
    shown: tuple[Shown, ...]
    reply: str | None = None
    rule: str | None = None
    evidence: str | None = None


_SELECT = "SELECT request, shown, reply, rule, evidence FROM draws WHERE run = ?"


class Draws:
    """The requests of one project database."""

    def __init__(self, database: Database) -> None:
        self._connection = database.connection

    def get(self, run: int, request: int) -> Draw | None:
        found = self._connection.execute(f"{_SELECT} AND request = ?", (run, request)).fetchone()
        return None if found is None else _draw(found)

    def last(self, run: int) -> int:
        """The number of the last request that was drawn, 0 before the first."""
        found = self._connection.execute("SELECT coalesce(max(request), 0) FROM draws WHERE run = ?", (run,))
        return int(found.fetchone()[0])

    def to_read(self, run: int) -> list[Draw]:
        """The requests whose replies have not been read, in order."""
        found = self._connection.execute(f"{_SELECT} AND ended = 0 ORDER BY request", (run,))
        return [_draw(values) for values in found]

    def add(self, run: int, draws: Iterable[Draw]) -> None:
        """Write down what requests will show (inside the caller's transaction)."""
        self._connection.executemany(
            "INSERT INTO draws (run, request, shown) VALUES (?, ?, ?)",
            [(run, draw.request, msgspec.json.encode(draw.shown).decode()) for draw in draws],
        )

    def end(self, run: int, request: int, reply: str, rule: str | None, evidence: str | None) -> None:
        """A reply has been read (inside the caller's transaction, with the rows it brought)."""
        self._connection.execute(
            "UPDATE draws SET ended = 1, reply = ?, rule = ?, evidence = ? WHERE run = ? AND request = ?",
            (reply, rule, evidence, run, request),
        )

    def made(self, run: int) -> int:
        """How many instructions of a run stand with an instance: not rejected, those beside the first not counted."""
        found = self._connection.execute(
            "SELECT count(*) FROM rows r JOIN state s ON s.id = r.id "
            "WHERE r.run = ? AND r.parent IS NULL AND s.status <> ? AND r.operation <> ?",
            (run, _REJECTED, BOOTSTRAP),
        )
        return int(found.fetchone()[0])

    def unanswered(self, run: int) -> list[int]:
        """The rows whose instances have not come yet, in the order their instructions did.

        What the person has brought back although a filter dropped it is among them.
        """
        found = self._connection.execute(
            "SELECT r.id FROM rows r JOIN state s ON s.id = r.id "
            "WHERE r.run = ? AND r.operation = ? AND (s.status <> ? OR s.rule = ?) ORDER BY r.round, r.variant",
            (run, BOOTSTRAP, _REJECTED, UNANSWERED),
        )
        return [row_id for (row_id,) in found]

    def replies(self, run: int, last: int) -> list[str]:
        """The keys of the replies that were read, of requests up to the last."""
        found = self._connection.execute(
            "SELECT reply FROM draws WHERE run = ? AND ended = 1 AND request <= ? ORDER BY request", (run, last)
        )
        return [key for (key,) in found]

    def tasks(self, run: int, last: int) -> list[int]:
        """The rows of the instructions that requests up to the last brought, those beside the first not counted."""
        found = self._connection.execute(
            "SELECT id FROM rows WHERE run = ? AND parent IS NULL AND round <= ? ORDER BY id", (run, last)
        )
        return [row_id for (row_id,) in found]

    def barren(self, run: int) -> int:
        """How many replies on end, up to the last one read, brought nothing new."""
        found = self._connection.execute(
            "SELECT count(*) FROM draws WHERE run = ?1 AND ended = 1 AND request > (SELECT coalesce(max(r.round), 0) "
            "FROM rows r JOIN state s ON s.id = r.id WHERE r.run = ?1 AND NOT (s.status = ?2 AND s.rule <> ?3 "
            "AND r.operation IN (?4, ?5)))",
            (run, _REJECTED, UNANSWERED, BOOTSTRAP, ALPACA),
        )
        return int(found.fetchone()[0])


def pool_ids(database: Database, ids: range) -> array[int]:
    """Of these rows, those that may be tasks of the pool: seed tasks and generated rows, ascending."""
    found = database.connection.execute(
        "SELECT json_group_array(id) FROM (SELECT id FROM state WHERE (seed = 1 OR generated = 1) AND type = ? "
        "AND id BETWEEN ? AND ? ORDER BY id)",
        (ROW_TYPES.index("sft"), ids.start, ids.stop - 1),
    )
    return array("q", orjson.loads(found.fetchone()[0]))


def _draw(values: tuple[int, str, str | None, str | None, str | None]) -> Draw:
    request, shown, *rest = values
    return Draw(request, msgspec.json.decode(shown, type=tuple[Shown, ...]), *rest)
