"""Runs of a method, and the files rows came from."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import msgspec

from studio.store.database import Database
from studio.store.files.huggingface import is_hub_name
from studio.store.filters import STATUSES


class Source(NamedTuple):
    """A file or dataset that was imported; note says how it was understood."""

    id: int
    path: str
    imported_at: str
    note: str


class _Asked(msgspec.Struct):
    model: str


class _Roles(msgspec.Struct):
    teacher: _Asked | None = None


class _Recipe(_Roles):
    """What every recipe has of models: roles, or, as Self-Instruct wrote it before schema 10, the teacher alone."""

    roles: _Roles | None = None


class Run(NamedTuple):
    """One method with one plan. settings: the recipe it was started with, as JSON. ended: in which order runs came to
    their end, None before.
    """

    id: int
    method: str
    key: str
    settings: str
    started_at: str
    ended: int | None = None

    @property
    def model(self) -> str | None:
        """The teacher it was started with, as its endpoint calls it; None where nobody was asked."""
        try:
            recipe = msgspec.json.decode(self.settings, type=_Recipe)
        except msgspec.DecodeError:
            return None
        teacher = (recipe.roles or recipe).teacher
        return None if teacher is None else teacher.model


_SELECT = "SELECT id, method, key, settings, started_at, ended FROM runs"


class Runs:
    """Where rows come from: sources and runs of one project database."""

    def __init__(self, database: Database) -> None:
        self._connection = database.connection

    def find(self, key: str) -> int | None:
        """The run that went by a recipe with this digest, if there is one."""
        found = self._connection.execute("SELECT run FROM recipes WHERE digest = ?", (key,)).fetchone()
        return None if found is None else int(found[0])

    def open(self, method: str, key: str, settings: str) -> int:
        """The id of the run that has the recipe with this digest; a new run when there is none."""
        known = self.find(key)
        if known is not None:
            return known
        run = self._connection.execute(
            "INSERT INTO runs (method, key, settings, started_at) VALUES (?, ?, ?, ?)", (method, key, settings, _now())
        ).lastrowid
        assert run is not None
        self.adopt(run, key, settings)
        return run

    def adopt(self, run: int, key: str, settings: str) -> None:
        """Let a run go by one more recipe. A recipe that already belongs to a run stays with that run."""
        self._connection.execute("INSERT OR IGNORE INTO recipes VALUES (?, ?, ?, ?)", (key, run, settings, _now()))

    def get(self, run_id: int) -> Run | None:
        found = self._connection.execute(f"{_SELECT} WHERE id = ?", (run_id,)).fetchone()
        return None if found is None else Run(*found)

    def end(self, run: int) -> None:
        """A run came to its end (inside the caller's transaction): it is the newest of all."""
        self._connection.execute(
            "UPDATE runs SET ended = (SELECT coalesce(max(ended), 0) + 1 FROM runs) WHERE id = ?", (run,)
        )

    def all(self, method: str) -> list[Run]:
        """Every run of a method: those that ended, newest first, then those that have not, newest first."""
        found = self._connection.execute(f"{_SELECT} WHERE method = ? ORDER BY ended DESC, id DESC", (method,))
        return [Run(*values) for values in found]

    def newest(self, method: str, model: str | None = None) -> Run | None:
        """The run of a method that ended last, with this model as its teacher or with any; None when there is none."""
        found = self._connection.execute(
            f"{_SELECT} WHERE method = ?1 AND ended IS NOT NULL AND (?2 IS NULL OR CASE WHEN json_valid(settings) "
            "THEN json_extract(settings, '$.roles.teacher.model') END = ?2) ORDER BY ended DESC LIMIT 1",
            (method, model),
        ).fetchone()
        return None if found is None else Run(*found)

    def add_source(self, path: str, note: str, fingerprint: str) -> int:
        """A new source; path is absolute, or the name of a dataset of the Hub."""
        source = self._connection.execute(
            "INSERT INTO sources (path, imported_at, note, fingerprint) VALUES (?, ?, ?, ?)",
            (path, _now(), note, fingerprint),
        ).lastrowid
        assert source is not None
        return source

    def imported_before(self, fingerprint: str) -> tuple[int, int] | None:
        """The latest finished source that was the same, and its number of rows; None when none of them is left."""
        found = self._connection.execute(
            "SELECT id, n FROM sources WHERE fingerprint = ? AND finished = 1 AND EXISTS (SELECT 1 FROM state "
            "WHERE state.id BETWEEN sources.first AND sources.last AND status != ?) ORDER BY id DESC LIMIT 1",
            (fingerprint, STATUSES.index("rejected")),
        ).fetchone()
        return None if found is None else (int(found[0]), int(found[1]))

    def count_rows(self, source: int, first: int, last: int, n: int) -> None:
        """Note the rows that came from a source: n of the ids first to last."""
        self._connection.execute("UPDATE sources SET first = ?, last = ?, n = ? WHERE id = ?", (first, last, n, source))

    def finish_sources(self) -> None:
        """Mark all sources as finished: each was read to its end, or given up."""
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
        return None if source is None or is_hub_name(Path(source.path)) else Path(source.path).parent


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S")
