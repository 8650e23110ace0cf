"""What an import writes: rows and where they came from, its side file, and one undoable step at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from studio.alpaca.rows import RowType
from studio.store import decisions
from studio.store.database import Database
from studio.store.files import set_aside
from studio.store.files.blocks import Broken
from studio.store.files.huggingface import is_hub_name
from studio.store.journal import Journal
from studio.store.rows import Imported, Rows
from studio.store.runs import Runs


class Intake:
    """One import of one or more files. rows and broken count what came; side_file: where broken ones are kept."""

    def __init__(self, database: Database, journal: Journal, side_folder: Path) -> None:
        self.rows = 0
        self.broken = 0
        self.side_file: Path | None = None
        self._database = database
        self._journal = journal
        self._side_folder = side_folder
        self._source = 0
        self._ranges: dict[int, list[range]] = {}

    def open(self, path: str, note: str, fingerprint: str) -> tuple[int, int] | None:
        """Begin a source, from which the next rows come. note: how it was understood.

        Returns the source it was imported as before, and how many rows that was, if they are still here.
        """
        location = path if is_hub_name(Path(path)) else str(Path(path).absolute())
        runs = Runs(self._database)
        before = runs.imported_before(fingerprint)
        with self._database.transaction():
            self._source = runs.add_source(location, note, fingerprint)
        return before

    def keep(self, batch: Sequence[Imported], type: RowType, *, seed: bool) -> None:
        """Append rows. Not synced: they are still in the file."""
        if batch:
            with self._database.transaction(durable=False):
                rows = Rows(self._database)
                ids = rows.add_imported(batch, type, source=self._source, seed=seed)
                for row_id, (_, _, _, extras) in zip(ids, batch, strict=True):
                    if extras is not None and (found := opinions(extras)):
                        rows.change(row_id, row_id, found)
            self._ranges.setdefault(self._source, []).append(ids)
            self.rows += len(batch)

    def set_aside(self, broken: Sequence[Broken]) -> Path:
        """Put what could not be read into the side file; returns its path."""
        self.broken += len(broken)
        self.side_file = set_aside.append(self._side_folder, self._source, broken[0].file, broken)
        return self.side_file

    def finish(self) -> None:
        """Every file has been read to its end: the import becomes a step that can be undone."""
        with self._database.transaction() as connection:
            runs = Runs(self._database)
            for source, ids in self._ranges.items():
                runs.count_rows(source, ids[0].start, ids[-1].stop - 1, sum(map(len, ids)))
            runs.finish_sources()
            if self._ranges:
                ranges = decisions.joined([ids for found in self._ranges.values() for ids in found])
                undone = [decisions.brought_in(ids, "its import was undone") for ids in ranges]
                rows = "1 row" if self.rows == 1 else f"{self.rows} rows"
                self._journal.record(connection, "import", f"import {rows}", undone)


def opinions(extras: bytes) -> dict[str, Any]:
    """The tags and the score among a row's other columns, as `Rows.change` takes them.

    tags: a list of texts, or one text with commas. score: a number. Of another form, they are no opinions.
    """
    if b'"tags"' not in extras and b'"score"' not in extras:
        return {}
    columns, found = orjson.loads(extras), dict[str, Any]()
    tags, score = columns.get("tags"), columns.get("score")
    if isinstance(tags, str):
        tags = tags.split(",")
    if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
        found["tags"] = sorted({tag.strip() for tag in tags} - {""})
    if isinstance(score, int | float) and not isinstance(score, bool):
        found["score"] = float(score)
    return found


def give_up_unfinished(database: Database) -> None:
    """Reject the rows of interrupted imports, so that the same files can be imported again without duplicates."""
    rows, runs = Rows(database), Runs(database)
    unfinished = runs.unfinished_sources()
    if not unfinished:
        return
    with database.transaction():
        for source in unfinished:
            name = Path(source.path).name
            rows.give_up(source.id, "interrupted", f"the import of {name} was interrupted; import it again")
        runs.finish_sources()
