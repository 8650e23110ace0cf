"""What is kept of the tasks of runs, and what methods think of rows.

An answer stands in the same transaction as the rows it brought, so that a task is either done or still to be asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import orjson

from studio.methods.asking import Answer, Key
from studio.store.database import Database


class Answers:
    """The answers of every run of one project database. Whatever writes does so inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._connection = database.connection

    def note(self, run: int, tasks: Iterable[tuple[Key, Any]]) -> None:
        """Write down (key, brief) of tasks that are to be asked. A key that is there already keeps what it has."""
        self._connection.executemany(
            "INSERT INTO answers (run, key, brief) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(run, _written(key), _json(brief)) for key, brief in tasks],
        )

    def keep(self, run: int, key: Key, value: Any, asked: Sequence[str]) -> None:
        """A task is done. value: a JSON value, not None. asked: its requests in the ledger, as "role:key"."""
        self._connection.execute(
            "INSERT INTO answers (run, key, value, asked) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, asked = excluded.asked",
            (run, _written(key), _json(value), " ".join(asked)),
        )

    def of(self, run: int) -> list[Answer]:
        """What is kept of a run's tasks, in the order in which they were written down."""
        found = self._connection.execute("SELECT key, brief, value FROM answers WHERE run = ? ORDER BY rowid", (run,))
        return [Answer(_key(key), _value(brief), _value(value)) for key, brief, value in found]

    def done(self, run: int) -> set[Key]:
        """The keys of the tasks that are done."""
        found = self._connection.execute("SELECT key FROM answers WHERE run = ? AND value IS NOT NULL", (run,))
        return {_key(key) for (key,) in found}

    def get(self, run: int, key: Key) -> Answer | None:
        """What is kept of one task, None when nothing is."""
        found = self._connection.execute(
            "SELECT brief, value FROM answers WHERE run = ? AND key = ?", (run, _written(key))
        ).fetchone()
        return None if found is None else Answer(key, *map(_value, found))

    def asked(self, run: int, key: Key) -> tuple[str, ...]:
        """The requests of a task in the ledger, as "role:key"; of runs before schema 10 only the keys."""
        found = self._connection.execute(
            "SELECT asked FROM answers WHERE run = ? AND key = ?", (run, _written(key))
        ).fetchone()
        return () if found is None else tuple((found[0] or "").split())

    def requests(self, run: int) -> list[tuple[str, ...]]:
        """The requests of every task that is done, as `asked`, in the order in which they were written down."""
        found = self._connection.execute(
            "SELECT asked FROM answers WHERE run = ? AND value IS NOT NULL ORDER BY rowid", (run,)
        )
        return [tuple((asked or "").split()) for (asked,) in found]


class Scored(NamedTuple):
    """A method's score of a row. run: the run that gave it, None when it came from no run."""

    value: float
    run: int | None
    reason: str


class Scores:
    """The scores of rows by their names, of one project database."""

    def __init__(self, database: Database) -> None:
        self._connection = database.connection

    def keep(self, row: int, name: str, value: float, run: int | None = None, reason: str = "") -> None:
        """A score takes the place of an earlier one of that name (inside the caller's transaction)."""
        self._connection.execute(
            "INSERT OR REPLACE INTO scores (row, name, value, run, reason) VALUES (?, ?, ?, ?, ?)",
            (row, name, value, run, reason),
        )

    def of(self, row: int) -> dict[str, Scored]:
        """The scores of a row, by name."""
        found = self._connection.execute(
            "SELECT name, value, run, reason FROM scores WHERE row = ? ORDER BY name", (row,)
        )
        return {name: Scored(*rest) for name, *rest in found}


def _written(key: Key) -> str:
    """A key as the table has it: equal keys give equal text."""
    return orjson.dumps(key).decode()


def _key(written: str) -> Key:
    return tuple(orjson.loads(written))


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _value(written: str | None) -> Any:
    return None if written is None else orjson.loads(written)
