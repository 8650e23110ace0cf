"""Decisions about many rows that are taken while a job runs."""

from __future__ import annotations

from collections.abc import Callable

from studio.session.project import OpenProject
from studio.store.journal import Change


class Step:
    """One undoable step that is taken a batch of rows at a time: what came in stands, whatever ends it."""

    def __init__(self, project: OpenProject, command: str, summary: Callable[[], str]) -> None:
        self._project, self._command, self._summary = project, command, summary
        self._group: int | None = None

    def take(self, changes: list[Change], add: Callable[[], list[Change]] = list) -> bool:
        """Apply and record a batch; False when the step was undone meanwhile.

        add: makes rows inside the same transaction, and returns what making them is in the journal.
        """
        journal = self._project.journal
        if self._group is not None and not journal.stands(self._group):
            return False
        with self._project.database.transaction(durable=self._group is None) as connection:
            for change in changes:
                self._project.rows.change(change.first, change.last, change.after)
            changes = [*changes, *add()]
            if self._group is None:
                self._group = journal.record(connection, self._command, self._summary(), changes)
            else:
                journal.add(self._group, changes)
        return True
