"""The append-only journal of decisions, and undo and redo on top of it.

A decision is a group of changes that stand or fall together. Undo appends a group with the changes
turned round; nothing is ever removed, so the journal tells the whole story. Which groups can be undone
or redone next is kept in two small stacks in the same transaction, so both survive a restart.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

import orjson

from studio.store.database import Database

Target = Literal["row", "pair"]
_BATCH = 1000
_BEYOND = (1 << 63) - 1


class Change(NamedTuple):
    """Fields of the targets first..last (one: first == last) before and after a decision."""

    target: Target
    first: int
    last: int
    before: dict[str, Any]
    after: dict[str, Any]


class Group(NamedTuple):
    """One decision as the journal tells it; inverts names the group it undid or redid."""

    id: int
    command: str
    summary: str
    at: str
    inverts: int | None


Apply = Callable[[Target, int, int, dict[str, Any]], None]


class Journal:
    """Records decisions through apply(target, first, last, fields), which writes them to the tables."""

    def __init__(self, database: Database, apply: Apply) -> None:
        self._database = database
        self._connection = database.connection
        self._apply = apply

    def decide(self, command: str, summary: str, changes: Iterable[Change]) -> int:
        """Apply and record a decision in one synced transaction; returns the group's id.

        The redo stack ends here: a new decision starts a new branch.
        """
        changes = list(changes)
        with self._database.transaction() as connection:
            self._apply_all(changes)
            return self.record(connection, command, summary, changes)

    def record(self, connection: sqlite3.Connection, command: str, summary: str, changes: Iterable[Change]) -> int:
        """Record changes that the open transaction, or earlier ones, have already applied."""
        group = self._append(command, summary, changes, inverts=None)
        connection.execute("INSERT INTO undo_stack (grp) VALUES (?)", (group,))
        connection.execute("DELETE FROM redo_stack")
        return group

    def add(self, group: int, changes: Iterable[Change]) -> None:
        """Add changes that the caller has applied to a decision that stands (inside the caller's transaction)."""
        self._write(group, changes)

    def stands(self, group: int) -> bool:
        """Whether a decision still stands: it has not been undone."""
        return self._connection.execute("SELECT 1 FROM undo_stack WHERE grp = ?", (group,)).fetchone() is not None

    def undo(self) -> Group | None:
        """Take back the last decision; returns it, or None when there is none."""
        return self._turn("undo_stack", "redo_stack", "undo")

    def redo(self) -> Group | None:
        """Do again what was undone last; returns that decision, or None."""
        return self._turn("redo_stack", "undo_stack", "redo")

    def touched(self, group: int) -> int | None:
        """The first row a decision changed; a screen moves its cursor there."""
        found = self._connection.execute(
            "SELECT first FROM journal WHERE grp = ? AND target = 'row' ORDER BY id LIMIT 1", (group,)
        ).fetchone()
        return None if found is None else int(found[0])

    def touched_pair(self, group: int) -> int | None:
        """The first pair that a decision was about."""
        found = self._connection.execute(
            "SELECT first FROM journal WHERE grp = ? AND target = 'pair' ORDER BY id LIMIT 1", (group,)
        ).fetchone()
        return None if found is None else int(found[0])

    def standing_since(self, entry: int, command: str) -> list[int]:
        """The decisions made with this command after this entry that have not been undone."""
        found = self._connection.execute(
            "SELECT u.grp FROM undo_stack u JOIN groups g ON g.id = u.grp WHERE g.command = ? AND u.grp > "
            "coalesce((SELECT grp FROM journal WHERE id <= ? ORDER BY id DESC LIMIT 1), 0)",
            (command, entry),
        )
        return [group for (group,) in found]

    def last_entry(self) -> int:
        """A number that grows with every change that is recorded; 0 before the first."""
        return int(self._connection.execute("SELECT coalesce(max(id), 0) FROM journal").fetchone()[0])

    def rows_since(self, entry: int) -> list[range]:
        """The rows that changes after this entry touched; a row may come more than once."""
        found = self._connection.execute("SELECT first, last FROM journal WHERE id > ? AND target = 'row'", (entry,))
        return [range(first, last + 1) for first, last in found]

    def pairs_since(self, entry: int) -> set[int]:
        """The pairs that changes after this entry touched."""
        found = self._connection.execute("SELECT first FROM journal WHERE id > ? AND target = 'pair'", (entry,))
        return {pair_id for (pair_id,) in found}

    def rewritten_since(self, entry: int) -> set[int]:
        """The rows whose content was changed after this entry."""
        found = self._connection.execute(
            "SELECT DISTINCT first FROM journal WHERE id > ? AND target = 'row' "
            "AND json_extract(CAST(after AS TEXT), '$.body') IS NOT NULL",
            (entry,),
        )
        return {row_id for (row_id,) in found}

    def next_undone(self) -> Group | None:
        """What `undo` would take back."""
        found = self._connection.execute(
            "SELECT id, command, summary, at, inverts FROM groups "
            "WHERE id = (SELECT grp FROM undo_stack ORDER BY position DESC LIMIT 1)"
        ).fetchone()
        return None if found is None else Group(*found)

    def brought_back_since(self, entry: int, last: int) -> set[int]:
        """The rows up to `last` that were rejected at this entry and came back after it, perhaps only for a time."""
        found = self._connection.execute(
            "SELECT first, last, json_extract(CAST(before AS TEXT), '$.status') = 'rejected' FROM journal "
            "WHERE id > ? AND target = 'row' AND json_extract(CAST(after AS TEXT), '$.status') IS NOT NULL "
            "AND first <= ? ORDER BY id",
            (entry, last),
        )
        was_rejected: dict[int, bool] = {}
        for first, end, rejected in found:
            for row_id in range(first, min(end, last) + 1):
                was_rejected.setdefault(row_id, bool(rejected))
        return {row_id for row_id, rejected in was_rejected.items() if rejected}

    def latest(self, n: int = 20) -> list[Group]:
        """The last n groups, newest first."""
        found = self._connection.execute(
            "SELECT id, command, summary, at, inverts FROM groups ORDER BY id DESC LIMIT ?", (n,)
        )
        return [Group(*values) for values in found]

    def _turn(self, source: str, target: str, command: str) -> Group | None:
        top = self._connection.execute(f"SELECT position, grp FROM {source} ORDER BY position DESC LIMIT 1").fetchone()
        if top is None:
            return None
        position, group_id = top
        with self._database.transaction() as connection:
            # Either stack holds the original group's id; what an undo restores depends on the direction.
            group = Group(
                *connection.execute(
                    "SELECT id, command, summary, at, inverts FROM groups WHERE id = ?", (group_id,)
                ).fetchone()
            )
            turned = self._append(command, group.summary, (), inverts=group_id)
            for changes in self._changes(group_id, backwards=command == "undo"):
                if command == "undo":
                    changes = [Change(c.target, c.first, c.last, c.after, c.before) for c in changes]
                self._apply_all(changes)
                self._write(turned, changes)
            connection.execute(f"DELETE FROM {source} WHERE position = ?", (position,))
            connection.execute(f"INSERT INTO {target} (grp) VALUES (?)", (group_id,))
        return group

    def _apply_all(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self._apply(change.target, change.first, change.last, change.after)

    def _changes(self, group: int, *, backwards: bool) -> Iterator[list[Change]]:
        """The changes of a decision in their order, a batch in memory at a time: there may be a million."""
        at, beyond, order = (_BEYOND, "<", "DESC") if backwards else (0, ">", "ASC")
        while True:
            found = self._connection.execute(
                "SELECT id, target, first, last, before, after FROM journal "
                f"WHERE grp = ? AND id {beyond} ? ORDER BY id {order} LIMIT {_BATCH}",
                (group, at),
            ).fetchall()
            if not found:
                return
            at = found[-1][0]
            yield [Change(t, first, last, orjson.loads(b), orjson.loads(a)) for _, t, first, last, b, a in found]

    def _append(self, command: str, summary: str, changes: Iterable[Change], *, inverts: int | None) -> int:
        at = time.strftime("%Y-%m-%dT%H:%M:%S")
        group = self._connection.execute(
            "INSERT INTO groups (command, summary, at, inverts) VALUES (?, ?, ?, ?)",
            (command, summary, at, inverts),
        ).lastrowid
        assert group is not None
        self._write(group, changes)
        return group

    def _write(self, group: int, changes: Iterable[Change]) -> None:
        self._connection.executemany(
            "INSERT INTO journal (grp, target, first, last, before, after) VALUES (?, ?, ?, ?, ?, ?)",
            (
                (group, change.target, change.first, change.last,
                 orjson.dumps(change.before), orjson.dumps(change.after))
                for change in changes
            ),
        )  # fmt: skip
