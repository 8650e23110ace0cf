"""A project database opened only to read, for work in another thread."""

from __future__ import annotations

from studio.store.database import Database
from studio.store.pairs import Pairs
from studio.store.rows import Rows
from studio.store.runs import Runs


class Reader:
    """Rows, pairs and runs over one read-only connection; inside a transaction it sees one state of the project."""

    def __init__(self, database: Database) -> None:
        self.rows = Rows(database)
        self.pairs = Pairs(database)
        self.runs = Runs(database)
