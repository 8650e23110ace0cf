"""Stage 5: what is wrong with rows, by code; fix it here or go to the row."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from studio.alpaca.checks import Issue
from studio.jobs.events import Checked, Event, Progressed
from studio.session import Session
from studio.store.rows import StoredRow
from studio.tui.commands import Stage
from studio.tui.details import row_lines
from studio.tui.flow import flow
from studio.tui.ink import Line, Span
from studio.tui.screens.stage import StageScreen


class _Found(msgspec.Struct, frozen=True):
    row: int
    issue: Issue


class CheckScreen(StageScreen):
    """Issues sorted by code, errors first; below, the row."""

    stage: ClassVar[Stage] = "check"
    JOBS = ("check",)
    EMPTY = "No issues."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._found: list[_Found] = []
        self._rows = 0
        self._progress = ""
        self._wanted: object = None

    # -- as the list's entries -------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._found)

    def __bool__(self) -> bool:
        return True

    def line(self, index: int, width: int) -> Line:
        row, issue = self._found[index].row, self._found[index].issue
        error = issue.severity == "error"
        return [
            Span("✗ error   " if error else "! warning ", "reject" if error else "pending"),
            Span(f"{issue.code:<22.22} ", " bold"),
            Span(f"#{row:<6} ", "muted"),
            Span(f"{issue.field}: {issue.message}"),
            Span("  f fixes it" if issue.fix else "", "accept"),
        ]

    # -- the view --------------------------------------------------------------------------------

    def restore(self, place: dict[str, object]) -> None:
        self._wanted = place.get("row")
        self.command_recheck()

    def place(self) -> dict[str, object]:
        return {"row": self.current.row if self.current else None}

    def came_back(self) -> None:
        self.command_recheck()

    @property
    def current(self) -> _Found | None:
        return self._found[self.list.cursor] if self.list.cursor < len(self._found) else None

    def refresh_view(self) -> None:
        """A row was decided on: check it again, at once."""
        row_ids = {found.row for found in self._found}
        fresh: list[_Found] = []
        for row in self.session.rows.page(sorted(row_ids)):
            if row.status != "rejected":
                fresh += [_Found(row.id, issue) for issue in self.session.issues_of(row)]
        self._put(fresh)

    def _put(self, found: list[_Found]) -> None:
        self._found = sorted(found, key=lambda one: (one.issue.severity != "error", one.issue.code, one.row))
        self.list.show(self, empty=f"No issues in {self._rows:,} rows." if self._rows else "Checking…")
        self.show_detail()
        self.show_header()

    def show_detail(self) -> None:
        found = self.current
        row = self.session.rows.get(found.row) if found else None
        if found is None or row is None:
            self.page.show(lambda width: [])
            return
        origin = self.session.origin(row)
        issue = found.issue
        note = Span(
            f"{issue.code} in {issue.field}: {issue.message}", "reject" if issue.severity == "error" else "pending"
        )
        self.page.show(lambda width: [*flow([note], width), *row_lines(row, origin, width)])

    def title_note(self) -> str:
        if self._progress:
            return self._progress
        errors = sum(found.issue.severity == "error" for found in self._found)
        return f"✗ {errors}  ! {len(self._found) - errors}"

    # -- commands --------------------------------------------------------------------------------

    def command_recheck(self) -> None:
        self.studio.jobs.start("check", self.session.check(), self._seen, self._ended)

    def _seen(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Progressed):
                self._progress = f"checked {event.done:,}/{event.total:,}"
            elif isinstance(event, Checked):
                self._progress, self._rows = "", event.rows
                self._put([_Found(row, issue) for row, issues in event.issues.items() for issue in issues])
                wanted = [index for index, found in enumerate(self._found) if found.row == self._wanted]
                if wanted:
                    self.move_to(wanted[0])
                self._wanted = None
        self.show_header()

    def _ended(self) -> None:
        self._progress = ""
        if self.is_attached:
            self.show_header()

    def command_fix(self) -> None:
        if found := self.current:
            self._fix(found.issue.code, [found.row])

    def command_fix_all(self) -> None:
        if found := self.current:
            self._fix(found.issue.code, [one.row for one in self._found if one.issue.code == found.issue.code])

    def _fix(self, code: str, rows: list[int]) -> None:
        fixed = self.session.fix(code, dict.fromkeys(rows))
        if fixed:
            self.app.notify(f"fixed {code} in {fixed} rows; u takes it back")
            self.decided()
        else:
            self.app.notify(f"{code} has no automatic fix here; e edits the row")

    def selected_row(self) -> StoredRow | None:
        return self.session.rows.get(self.current.row) if self.current else None

    def after_verdict(self) -> None:
        """The row's issues may be gone, which brings the next one under the cursor."""
        self.decided()
        self.remember()

    def command_go_to_row(self) -> None:
        if found := self.current:
            self.studio.go_to_row(found.row)

    def go_to_row(self, row_id: int) -> None:
        found = [index for index, one in enumerate(self._found) if one.row == row_id]
        if found:
            self.move_to(found[0])
