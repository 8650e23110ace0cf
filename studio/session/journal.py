"""What a person decides: each decision is on disk when the call returns, and can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from studio.errors import ProjectError
from studio.session.project import OpenProject
from studio.store import decisions
from studio.store.journal import Change, Group
from studio.store.rows import StoredRow

_PAGE = 2000
"""Rows that are in memory at a time."""


class DecisionJournal:
    """The journal as a person's decisions go into it; rows that come back are compared with all others.

    compare_since: compares the rows that changes since then rewrote or brought back, and returns how many are too
    many for that.
    """

    def __init__(self, project: OpenProject, compare_since: Callable[[tuple[int, int]], int]) -> None:
        self._project, self._compare_since = project, compare_since

    def undo(self) -> tuple[str, int | None] | None:
        """Take back the last decision: what it was, and the row to show; None when there is none."""
        self._project.must_write()
        before = self._project.changes
        return self._compared(before, self._told(self._project.journal.undo()))

    def redo(self) -> tuple[str, int | None] | None:
        """Decide again what was undone last, told like an undo."""
        self._project.must_write()
        before = self._project.changes
        return self._compared(before, self._told(self._project.journal.redo()))

    def next_undone(self) -> Group | None:
        """What `undo` would take back."""
        return self._project.journal.next_undone()

    def history(self, n: int = 20) -> list[Group]:
        """The last decisions, newest first."""
        return self._project.journal.latest(n)

    def decide(self, command: str, summary: str, changes: Sequence[Change]) -> None:
        """Apply and record changes as one undoable step."""
        self._project.must_write()
        before = self._project.changes
        self._project.journal.decide(command, summary, changes)
        if any(one.before.get("status") == "rejected" for one in changes):
            self._compare_since(before)

    def decide_on(self, row_id: int, command: str, after: Mapping[str, Any]) -> None:
        """Give one row new fields. Raises ProjectError when there is no such row."""
        stored = self._project.rows.get(row_id)
        if stored is None:
            raise ProjectError(f"There is no row #{row_id}.")
        change = decisions.change(stored, after)
        if change.before != change.after:
            self.decide(command, f"{command} #{row_id}", [change])

    def decide_on_all(self, row_ids: Iterable[int], said: str, after: Callable[[StoredRow], Mapping[str, Any]]) -> int:
        """One step for many rows; those it would not change are left out. Returns how many it changed."""
        changes = self.changes_of(row_ids, after)
        if changes:
            where = f"#{changes[0].first}" if len(changes) == 1 else count_of(len(changes))
            self.decide(said.split()[0], f"{said} of {where}", changes)
        return len(changes)

    def changes_of(self, row_ids: Iterable[int], after: Callable[[StoredRow], Mapping[str, Any]]) -> list[Change]:
        """What it takes to give these rows new fields; those that have them already are left out."""
        ids = list(row_ids)
        pages = (self._project.rows.page(ids[begin : begin + _PAGE]) for begin in range(0, len(ids), _PAGE))
        changes = (decisions.change(stored, after(stored)) for page in pages for stored in page)
        return [change for change in changes if change.before != change.after]

    def _compared(self, earlier: tuple[int, int], told: tuple[str, int | None] | None) -> tuple[str, int | None] | None:
        if told is not None and (missing := self._compare_since(earlier)):
            return f"{told[0]}; only a new search finds the duplicates of {count_of(missing)}", told[1]
        return told

    def _told(self, group: Group | None) -> tuple[str, int | None] | None:
        if group is None:
            return None
        row, pair_id = self._project.journal.touched(group.id), self._project.journal.touched_pair(group.id)
        if row is None and pair_id is not None and (pair := self._project.pairs.get(pair_id)) is not None:
            row = pair.left
        return group.summary, row


def count_of(n: int) -> str:
    """So many rows, in words."""
    return "1 row" if n == 1 else f"{n:,} rows"
