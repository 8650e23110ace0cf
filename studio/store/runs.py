"""Runs of a method, and the files rows came from."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from studio.store.database import Database


class Source(NamedTuple):
    """A file that was imported; note says how it was understood."""

    id: int
    path: str
    imported_at: str
    note: str


class Run(NamedTuple):
    """One method with one set of settings; running it again goes on with the same run."""

    id: int
    method: str
    key: str
    settings: str
    started_at: str


class Runs:
    """Where rows come from: sources and runs of one project database."""

    def __init__(self, database: Database) -> None:
        self._connection = database.connection

    def open(self, method: str, key: str, settings: str) -> int:
        """The id of the run with this key, started now if there is none."""
        self._connection.execute(
            "INSERT OR IGNORE INTO runs (method, key, settings, started_at) VALUES (?, ?, ?, ?)",
            (method, key, settings, _now()),
        )
        return int(self._connection.execute("SELECT id FROM runs WHERE key = ?", (key,)).fetchone()[0])

    def get(self, run_id: int) -> Run | None:
        found = self._connection.execute(
            "SELECT id, method, key, settings, started_at FROM runs WHERE id = ?", (run_id,)
        ).fetchone()
        return None if found is None else Run(*found)

    def add_source(self, path: Path, note: str) -> int:
        source = self._connection.execute(
            "INSERT INTO sources (path, imported_at, note) VALUES (?, ?, ?)",
            (str(path.absolute()), _now(), note),
        ).lastrowid
        assert source is not None
        return source

    def finish_sources(self) -> None:
        """Every file has been read to its end, or given up."""
        self._connection.execute("UPDATE sources SET finished = 1 WHERE finished = 0")

    def unfinished_sources(self) -> list[Source]:
        """Imports that were interrupted: their rows are only a part of the file."""
        found = self._connection.execute("SELECT id, path, imported_at, note FROM sources WHERE finished = 0")
        return [Source(*values) for values in found]

    def source(self, source_id: int) -> Source | None:
        found = self._connection.execute(
            "SELECT id, path, imported_at, note FROM sources WHERE id = ?", (source_id,)
        ).fetchone()
        return None if found is None else Source(*found)

    def folder(self, source_id: int | None) -> Path | None:
        """The folder of an imported file: where its rows' media paths start from."""
        source = None if source_id is None else self.source(source_id)
        return None if source is None else Path(source.path).parent


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S")
