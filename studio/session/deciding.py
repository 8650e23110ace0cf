"""What a person decides about rows and pairs: each decision is on disk when the call returns, and can be undone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from studio.alpaca import rows as alpaca
from studio.alpaca.rows import Row
from studio.errors import LockedError, ProjectError
from studio.session.looking import Looking
from studio.settings import Settings
from studio.store import decisions
from studio.store.journal import Change, Group, Journal, Target
from studio.store.project import Project
from studio.store.rows import StoredRow

_PAGE = 2000
"""Rows that are in memory at a time."""


class Deciding(Looking):
    """An open project to decide in."""

    def __init__(self, project: Project, settings: Settings) -> None:
        super().__init__(project, settings)
        self._journal = Journal(project.database, self._apply)

    @property
    def changes(self) -> tuple[int, int]:
        """Something that differs once any row or decision has been added."""
        return (self._journal.last_entry(), self.rows.last_id())

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """The person's own expression for segments. Raises UsageError."""
        from studio.curate.segments.shapes import custom

        return custom.compiled(self.settings.position.pattern)

    def touched_since(self, earlier: tuple[int, int]) -> list[range]:
        """The rows decided on or brought in since `changes` was this; some may come more than once."""
        entry, last = earlier
        return [*self._journal.rows_since(entry), range(last + 1, self.rows.last_id() + 1)]

    def accept(self, row_id: int) -> None:
        self._decide_on(row_id, "accept", decisions.ACCEPTED)

    def reject(self, row_id: int, evidence: str = "you rejected it") -> None:
        self._decide_on(row_id, "reject", decisions.rejected(decisions.BY_HAND, evidence))

    def restore(self, row_ids: Iterable[int]) -> int:
        """Bring rejected rows back as one undoable step: generated ones pending, others accepted. Returns how many."""
        return self._decide_on_all(
            row_ids,
            "restore",
            lambda stored: decisions.brought_back(stored) if stored.status == "rejected" else {},
        )

    def set_seed(self, row_id: int, seed: bool) -> None:
        """Put a row into the task pool or take it out."""
        self._decide_on(row_id, "seed" if seed else "unseed", {"seed": seed})

    def edit(self, row_id: int, row: Row) -> None:
        """Replace a row's content. Raises ProjectError for a row of another type: a row's type stays."""
        stored = self.rows.get(row_id)
        if stored is not None and alpaca.type_of(row) != stored.type:
            raise ProjectError(f"#{row_id} is a {stored.type} row, and stays one.")
        self._decide_on(row_id, "edit", {} if stored is None else self._content(stored, row))

    def add(self, row: Row, *, seed: bool = False) -> int:
        """A row written by hand: accepted, and a seed task when asked. Returns its id."""
        self._must_write()
        with self._project.database.transaction() as connection:
            fresh = (alpaca.encode(row), 0, None, None)
            row_id = self.rows.add_imported([fresh], alpaca.type_of(row), source=None, seed=seed).start
            undone = decisions.brought_in(range(row_id, row_id + 1), "you took it back")
            self._journal.record(connection, "add", f"add #{row_id}", [undone])
        return row_id

    def fix(self, code: str, row_ids: Iterable[int]) -> int:
        """Apply a check's automatic fix to these rows as one undoable step; returns how many changed."""
        from studio.alpaca import checks

        changes = []
        for stored in self.rows.page(list(row_ids)):
            mended = checks.fix(stored.row, code)
            if mended is not None:
                changes.append(decisions.change(stored, self._content(stored, mended)))
        if changes:
            self._decide("fix", f"fix {code} in {count_of(len(changes))}", changes)
        return len(changes)

    def _content(self, stored: StoredRow, row: Row) -> dict[str, Any]:
        """The fields of a row with new content: what is known of its gold segment goes with that segment."""
        after: dict[str, Any] = {"body": alpaca.encode(row).decode()}
        if row != stored.row and (stored.gold is not None or stored.gold_why is not None):
            from studio.curate.segments.context import carried

            after["gold"] = None if stored.gold is None else carried(stored.row, row, stored.gold, self.pattern)
            if after["gold"] is None:
                after["gold_why"] = None
        return after

    def set_tags(self, row_ids: Iterable[int], tags: Iterable[str]) -> None:
        """Give these rows exactly these tags, in one undoable step."""
        given = sorted({tag.strip() for tag in tags} - {""})
        said = f"tag {', '.join(given)}" if given else "no tags"
        self._decide_on_all(row_ids, said, lambda stored: {"tags": given})

    def classify(self, row_id: int, answer: bool | None) -> None:
        """Say with a tag whether a seed task is a classification task; None says nothing of it any more."""
        from studio.methods.self_instruct.seed_tasks import marked

        said = {
            True: "classify as classification",
            False: "classify as no classification",
            None: "classify as unknown",
        }[answer]
        self._decide_on_all([row_id], said, lambda stored: {"tags": list(marked(stored.tags, answer))})

    def set_score(self, row_ids: Iterable[int], score: float | None) -> None:
        """Give these rows a score of the person's own scale; None takes it away."""
        said = "no score" if score is None else f"score {score:g}"
        self._decide_on_all(row_ids, said, lambda stored: {"score": score})

    def waive(self, code: str, row_ids: Iterable[int], reason: str) -> int:
        """Let an issue of these rows pass, and why; returns how many rows that changed."""
        return self._decide_on_all(
            row_ids, f"waive {code}", lambda stored: {"waived": {**stored.waived, code: reason or "no reason given"}}
        )

    def unwaive(self, code: str, row_ids: Iterable[int]) -> int:
        """Hold an issue against these rows again; returns how many rows that changed."""
        return self._decide_on_all(
            row_ids,
            f"waive {code} no longer",
            lambda stored: {"waived": {other: why for other, why in stored.waived.items() if other != code}},
        )

    def undo(self) -> tuple[str, int | None] | None:
        """Take back the last decision: what it was, and the row to show; None when there is none."""
        self._must_write()
        return self._told(self._journal.undo())

    def next_undone(self) -> Group | None:
        """What `undo` would take back."""
        return self._journal.next_undone()

    def redo(self) -> tuple[str, int | None] | None:
        self._must_write()
        return self._told(self._journal.redo())

    def history(self, n: int = 20) -> list[Group]:
        """The last decisions, newest first."""
        return self._journal.latest(n)

    def _must_write(self) -> None:
        if not self.writable:
            raise LockedError(
                f"{self.folder} is open for reading only; {self.holder} is writing in it.",
                hint="Close it there, and open it here again.",
            )

    def _apply(self, target: Target, first: int, last: int, fields: dict[str, Any]) -> None:
        if target == "row":
            self.rows.change(first, last, fields)
        else:
            self.pairs.change(first, fields["verdict"])

    def _decide(self, command: str, summary: str, changes: Sequence[Change]) -> None:
        self._must_write()
        self._journal.decide(command, summary, changes)

    def _decide_on(self, row_id: int, command: str, after: Mapping[str, Any]) -> None:
        stored = self.rows.get(row_id)
        if stored is None:
            raise ProjectError(f"There is no row #{row_id}.")
        change = decisions.change(stored, after)
        if change.before != change.after:
            self._decide(command, f"{command} #{row_id}", [change])

    def _decide_on_all(self, row_ids: Iterable[int], said: str, after: Callable[[StoredRow], Mapping[str, Any]]) -> int:
        """One step for many rows; those it would not change are left out. Returns how many it changed."""
        changes = self._changes(row_ids, after)
        if changes:
            where = f"#{changes[0].first}" if len(changes) == 1 else count_of(len(changes))
            self._decide(said.split()[0], f"{said} of {where}", changes)
        return len(changes)

    def _changes(self, row_ids: Iterable[int], after: Callable[[StoredRow], Mapping[str, Any]]) -> list[Change]:
        """What it takes to give these rows new fields; those that have them already are left out."""
        ids = list(row_ids)
        pages = (self.rows.page(ids[begin : begin + _PAGE]) for begin in range(0, len(ids), _PAGE))
        changes = (decisions.change(stored, after(stored)) for page in pages for stored in page)
        return [change for change in changes if change.before != change.after]

    def _told(self, group: Group | None) -> tuple[str, int | None] | None:
        if group is None:
            return None
        row, pair_id = self._journal.touched(group.id), self._journal.touched_pair(group.id)
        if row is None and pair_id is not None and (pair := self.pairs.get(pair_id)) is not None:
            row = pair.left
        return group.summary, row


def count_of(n: int) -> str:
    """So many rows, in words."""
    return "1 row" if n == 1 else f"{n:,} rows"
