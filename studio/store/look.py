"""What a method can read: the project's rows, and the rows and answers of its own run."""

from __future__ import annotations

from array import array
from collections.abc import Callable

from studio.alpaca.rows import RowType
from studio.alpaca.stored import StoredRow
from studio.methods.asking import Answer, OfRun
from studio.store.answers import Answers
from studio.store.database import Database
from studio.store.filters import STATUSES, Filter
from studio.store.rows import Rows

SEEDS = Filter(seed=True, statuses=("accepted", "pending"), type="sft")
"""The rows that are seed tasks."""


class ProjectLook:
    """The `methods.asking.Look` of one run, over one connection."""

    def __init__(self, database: Database, run: int, touched: Callable[[], list[range]]) -> None:
        """run: 0 for one that is not in the store yet. touched: the rows that somebody has touched since the last
        call.
        """
        self.run = run
        self.rows = Rows(database)
        self.touched = touched
        self._answers = Answers(database)
        self._connection = database.connection

    def accepted(self, type: RowType) -> array[int]:
        """The ids of the accepted rows of a type, ascending."""
        return self.rows.ids(Filter(statuses=("accepted",), type=type))

    def seeds(self) -> array[int]:
        """The ids of the seed tasks that are not rejected, ascending."""
        return self.rows.ids(SEEDS)

    def tasks_among(self, ids: range) -> array[int]:
        """Of these ids, those of seed tasks and of generated rows (type sft, any status), ascending."""
        return self.rows.tasks_among(ids)

    def of_run(self) -> list[OfRun]:
        """The rows that the run has made, in the order of their ids."""
        found = self._connection.execute(
            "SELECT r.id, r.parent, r.root, coalesce(r.round, 0), r.variant, coalesce(r.operation, ''), s.status = ?, "
            "s.rule FROM rows r JOIN state s ON s.id = r.id WHERE r.run = ? ORDER BY r.id",
            (STATUSES.index("rejected"), self.run),
        )
        return [OfRun._make((*values, bool(rejected), rule)) for *values, rejected, rule in found]

    def head(self, root: int, before: int) -> StoredRow | None:
        """The run's last row of this seed task from an earlier round that is not rejected, or None."""
        return self.rows.head(self.run, root, before)

    def answers(self) -> list[Answer]:
        """What is kept of the run's tasks, in the order in which they were written down."""
        return self._answers.of(self.run)
