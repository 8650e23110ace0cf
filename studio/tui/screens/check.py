"""Stage 5: what is wrong with rows, grouped by code; mend it, let it pass, or go to the row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from studio.alpaca.checks import Issue
from studio.errors import StudioError
from studio.jobs.events import Checked, Event, Progressed
from studio.session import Session
from studio.session.journal import count_of
from studio.store.rows import StoredRow
from studio.tui.commands import Stage
from studio.tui.details.issues import group_lines, issue_lines, samples_lines
from studio.tui.issue_groups import ERROR, OF_SET, WAIVED, WARNING, Found, Group, IssueGroups, Spot, spot_of
from studio.tui.jobs import LASTING
from studio.tui.screens.stage import StageScreen

# Up to this many changed rows are checked again at once; more of them in a thread.
_AT_ONCE = 200
_SAMPLES = 20


class CheckScreen(StageScreen):
    """Codes with their counts, errors first; open ones with their rows; below, the issue and its row."""

    stage: ClassVar[Stage] = "check"
    JOBS = ("check",)
    EMPTY = "No issues."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.groups = IssueGroups({})
        self._rows = 0
        self._progress = ""
        self._wanted: Spot | None = None
        # The value of `session.changes` at which the issues were up to date; None before the first check.
        self._checked: tuple[int, int] | None = None

    # -- the view --------------------------------------------------------------------------------

    def restore(self, place: dict[str, object]) -> None:
        try:
            self.groups = IssueGroups(self.session.files.inspection.table)
        except StudioError as error:
            self.studio.complain(error, seconds=LASTING)
            return
        self.groups.opened = {(rank, code) for rank, code in place.get("open", ())}  # type: ignore[attr-defined]
        self.groups.with_waived = bool(place.get("waived"))
        self._wanted = spot_of(place.get("spot"))
        self.command_recheck()

    def place(self) -> dict[str, object]:
        spot = self.groups.spot(self.list.cursor)
        kept = None if spot is None else [list(spot.key), spot.row, spot.nth]
        return {"spot": kept, "open": sorted(self.groups.opened), "waived": self.groups.with_waived}

    @property
    def _at(self) -> tuple[Group, Found | None] | None:
        return self.groups.at(self.list.cursor)

    @property
    def current(self) -> Found | None:
        """The issue under the cursor, if it is one of a row."""
        return self._at[1] if self._at else None

    def refresh_view(self) -> None:
        """Check again the rows that decisions have changed, and no others."""
        if self._checked is None:
            return
        now = self.session.project.changes
        touched = self.session.project.touched_since(self._checked)
        if sum(map(len, touched)) > _AT_ONCE:
            if not self.studio.jobs.running("check"):
                self._look_at(sorted(set().union(*touched)))
            return
        ids = sorted(set().union(*touched))
        rows = [row for row in self.session.rows.page(ids) if row.status != "rejected"]
        issues = {row.id: found for row in rows if (found := self.session.files.issues_of(row))}
        spot = self.groups.spot(self.list.cursor)
        self.groups.replace(ids, issues, self.session.files.issues_of_set())
        self._checked = now
        self._show(spot)

    def _show(self, spot: Spot | None) -> None:
        """The groups changed: paint them with the cursor at this place, or on what comes next there."""
        cursor = None if spot is None else self.groups.index_of(spot)
        self.list.show(self.groups, cursor, f"No issues in {self._rows:,} rows." if self._rows else self.EMPTY)
        self.show_detail()
        self.show_header()

    def show_detail(self) -> None:
        at = self._at
        if at is None:
            self.page.show(lambda width: [])
            return
        group, found = at
        entry = self.groups.table[group.code]
        if found is None:
            fixable, said = group.fixable, group.found[0].issue.message if group.key[0] == OF_SET else ""
            some = self.session.rows.page(fixable[:1])
            self.page.show(lambda width: group_lines(entry, said, len(fixable), some, width))
            return
        row = self.session.rows.get(found.row)
        assert row is not None  # rows are never deleted
        origin = self.session.rows.origin(row)
        self.page.show(lambda width: issue_lines(found.issue, entry, row, origin, width))

    def title_note(self) -> str:
        if self._progress:
            return self._progress
        waived = self.groups.count(WAIVED)
        said = f"✗ {self.groups.count(OF_SET, ERROR):,}  ! {self.groups.count(WARNING):,}"
        return f"{said}  ○ {waived:,}" if waived else said

    # -- checking --------------------------------------------------------------------------------

    def command_recheck(self) -> None:
        self._look_at(None)

    def _look_at(self, ids: Sequence[int] | None) -> None:
        """Check these rows, or all, in a thread."""
        since = self.session.project.changes
        self.studio.jobs.start(
            "check", self.session.files.check(ids), lambda events: self._seen(events, ids, since), self._ended
        )

    def _seen(self, events: list[Event], ids: Sequence[int] | None, since: tuple[int, int]) -> None:
        for event in events:
            if isinstance(event, Progressed):
                self._progress = f"checked {event.done:,}/{event.total:,}"
            elif isinstance(event, Checked):
                spot, self._wanted = self._wanted or self.groups.spot(self.list.cursor), None
                if ids is None:
                    self._rows = event.rows
                    self.groups.fill(event.issues, event.of_set)
                else:
                    self.groups.replace(ids, event.issues, event.of_set)
                self._checked = since
                self._show(spot)
        self.show_header()

    def _ended(self) -> None:
        self._progress = ""
        if self.is_attached:
            # The check has not seen decisions made while it ran.
            self.decided()

    # -- commands --------------------------------------------------------------------------------

    def command_unfold(self) -> None:
        if at := self._at:
            self.groups.opened ^= {at[0].key}
            self.groups.lay_out()
            self._show(Spot(at[0].key))
            self.remember()

    def command_fix(self) -> None:
        if (found := self.current) is None:
            self.command_fix_all()
        elif found.issue.fix:
            self._fix(found.issue.code, [found.row])
        else:
            self.app.notify(f"{found.issue.code} has no automatic fix here; e edits the row")

    def command_fix_all(self) -> None:
        from studio.tui.dialogs.fix_preview import FixPreview

        if (at := self._at) is None:
            return
        group, rows = at[0], at[0].fixable
        if not rows:
            self.app.notify(f"{group.code} has no automatic fix; e edits a row")
            return
        question, some = f"Fix {group.code} in {count_of(len(rows))}?", self.session.rows.page(rows[:_SAMPLES])
        preview = FixPreview(question, lambda width: samples_lines(some, group.code, width))
        self.app.push_screen(preview, lambda sure: self._fix(group.code, rows) if sure else None)

    def _fix(self, code: str, rows: list[int]) -> None:
        fixed = self.session.rows.fix(code, rows)
        self.app.notify(f"fixed {code} in {count_of(fixed)}; u takes it back")
        self.decided()
        self.remember()

    def command_waive(self) -> None:
        if (found := self.current) is None:
            self.command_waive_all()
        else:
            self._waive(found.issue, [found.row])

    def command_waive_all(self) -> None:
        at = self._at
        if at is not None and at[0].key[0] != OF_SET:
            self._waive(at[0].found[0].issue, at[0].rows)

    def _waive(self, issue: Issue, rows: list[int]) -> None:
        from studio.tui.dialogs.questions import Ask

        if issue.waived:
            self._waived(self.session.rows.unwaive(issue.code, rows), f"{issue.code} counts again")
            return
        where = f"#{rows[0]}" if len(rows) == 1 else count_of(len(rows))
        hint = "why it may pass; kept with the row. v shows what was let pass"

        def waive(reason: str | None) -> None:
            if reason:
                self._waived(self.session.rows.waive(issue.code, rows, reason), f"let {issue.code} pass")
            elif reason is not None:
                self.app.notify("Nothing passes without a reason: say why.", severity="warning")

        self.app.push_screen(Ask(f"Let {issue.code} pass in {where}", "", hint), waive)

    def _waived(self, n: int, said: str) -> None:
        self.app.notify(f"{said} in {count_of(n)}; u takes it back")
        self.decided()
        self.remember()

    def command_show_waived(self) -> None:
        spot = self.groups.spot(self.list.cursor)
        self.groups.with_waived = not self.groups.with_waived
        self.groups.lay_out()
        self._show(spot)
        self.remember()

    def selected_row(self) -> StoredRow | None:
        return self.session.rows.get(self.current.row) if self.current else None

    def after_verdict(self) -> None:
        """Move on: rejecting a row removes its issues, so the cursor is on the next one already; accepting keeps
        them.
        """
        before = self.groups.spot(self.list.cursor)
        self.decided()
        if self.groups.spot(self.list.cursor) == before:
            self.move_to(self.list.cursor + 1)
        self.remember()

    def command_go_to_row(self) -> None:
        if found := self.current:
            self.studio.go_to_row(found.row)
        else:
            self.command_unfold()

    def go_to_row(self, row_id: int) -> None:
        spots = self.groups.spots_of(row_id)
        here = self.groups.spot(self.list.cursor)
        same = [spot for spot in spots if here is not None and spot.key == here.key]
        if same or spots:
            self.move_to(self.groups.index_of((same or spots)[0]))
