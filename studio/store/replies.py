"""Paid replies on disk: the store behind llm.ledger."""

from __future__ import annotations

import time

from studio.store.database import Database


class Replies:
    """Replies by the hash of their request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, key: str) -> bytes | None:
        found = self._database.connection.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
        return None if found is None else bytes(found[0])

    def exchange(self, key: str) -> tuple[bytes, bytes, str] | None:
        """(request, reply, when it was kept), or None."""
        found = self._database.connection.execute(
            "SELECT request, reply, at FROM replies WHERE key = ?", (key,)
        ).fetchone()
        return None if found is None else (bytes(found[0]), bytes(found[1]), str(found[2]))

    def keep(self, key: str, request: bytes, reply: bytes) -> None:
        """Keep a reply; sync() makes it durable."""
        with self._database.transaction(durable=False) as connection:
            connection.execute(
                "INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?)",
                (key, request, reply, time.strftime("%Y-%m-%dT%H:%M:%S")),
            )

    def sync(self) -> None:
        """Have every reply that was kept survive a loss of power. Any thread may call it."""
        self._database.sync()

    def count(self) -> int:
        return int(self._database.connection.execute("SELECT count(*) FROM replies").fetchone()[0])
