"""Paid replies on disk: the store behind llm.ledger."""

from __future__ import annotations

import time

from studio.store.database import Database


class Replies:
    """Replies by the hash of their request. keep returns only when the reply is synced to disk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, key: str) -> bytes | None:
        found = self._database.connection.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
        return None if found is None else bytes(found[0])

    def keep(self, key: str, request: bytes, reply: bytes) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?)",
                (key, request, reply, time.strftime("%Y-%m-%dT%H:%M:%S")),
            )

    def count(self) -> int:
        return int(self._database.connection.execute("SELECT count(*) FROM replies").fetchone()[0])
