"""What all stages share: header, a list with a detail page, footer, commands, the place one was at."""

from __future__ import annotations

from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.timer import Timer

from studio.alpaca.rows import Row
from studio.errors import StudioError
from studio.session import Session
from studio.store.rows import StoredRow
from studio.tui import commands
from studio.tui.commands import Command, Stage
from studio.tui.studio import Studio
from studio.tui.widgets.bars import Footer, Header
from studio.tui.widgets.page import Page
from studio.tui.widgets.row_list import RowList

# The place of the cursor is saved once it has rested this long, not at every move.
_REST = 0.3


class StageScreen(Screen[None]):
    """One stage. Subclasses set stage, fill the list and the page, and have command_<id> methods."""

    stage: ClassVar[Stage]
    EMPTY: ClassVar[str] = "Nothing here."
    JOBS: tuple[str, ...] = ()
    """The jobs this screen itself tells about."""
    parts: tuple[object, ...] = ()
    """The parts of the screen that have commands; their commands come before the screen's own."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.list = RowList(id="list", empty=self.EMPTY)
        self.page = Page(id="page")
        self.header = Header()
        self.footer = Footer()
        self._commands = commands.of_stage(self.stage, session.settings.keys)
        for command in self._commands:
            for key in commands.keys_of(command.keys):
                # Textual's own Tab would move the focus, of which there is one.
                self._bindings.key_to_bindings.pop(key, None)
                self._bindings.bind(key, f"screen.run_command('{command.id}')", command.title, show=False)
        self._resting: Timer | None = None
        self._noted: tuple[int, int] | None = None

    @property
    def studio(self) -> Studio:
        """The one app there is."""
        return cast(Studio, self.app)

    def compose(self) -> ComposeResult:
        yield self.header
        yield from self.above()
        with Container(id="body"):
            yield self.list
            yield self.page
        yield self.footer

    def above(self) -> ComposeResult:
        """The widgets above list and page."""
        yield from ()

    def on_mount(self) -> None:
        self.list.focus()
        self.footer.show(self._commands)
        self.restore(self.session.project.recall(f"stage.{self.stage}") or {})
        self.show_header()

    def on_screen_resume(self) -> None:
        if self._noted not in (None, self.session.project.changes):
            self.came_back()
        self.noted()

    # -- what subclasses say ---------------------------------------------------------------------

    def restore(self, place: dict[str, object]) -> None:
        """Go back to a remembered place."""

    def place(self) -> dict[str, object]:
        """The place to be restored later."""
        return {}

    def refresh_view(self) -> None:
        """Rows were changed: show them as they are now."""

    def came_back(self) -> None:
        """This screen is shown again, and something was changed elsewhere since."""
        self.refresh_view()

    def show_detail(self) -> None:
        """Show the details of the entry under the cursor."""

    def title_note(self) -> str:
        """The header's note about this stage."""
        return ""

    def selected_row(self) -> StoredRow | None:
        """The row that accept, reject, edit and copy are about."""
        return None

    # -- shared behaviour ------------------------------------------------------------------------

    def available(self) -> list[Command]:
        """The commands that work here and now."""
        return [command for command in self._commands if self.session.writable or not command.writes]

    def action_run_command(self, name: str) -> None:
        command = next(command for command in self._commands if command.id == name)
        if command.writes:
            # What was said about the last decision is old now.
            self.app.clear_notifications()
        if command.writes and not self.session.writable:
            self.app.notify(f"Read-only: {self.session.holder} is writing in this project.", severity="warning")
            return
        method = f"command_{name.replace('-', '_')}"
        try:
            getattr(next(one for one in (*self.parts, self, self.app) if hasattr(one, method)), method)()
        except StudioError as error:
            self.studio.complain(error)

    def show_header(self) -> None:
        elsewhere = [name for name in self.studio.jobs.names if name not in self.JOBS]
        running = f"{', '.join(elsewhere)} runs  " if elsewhere else ""
        lock = "" if self.session.writable else "read-only  "
        self.header.show(self.session.name, self.stage, lock + running + self.title_note())

    def decided(self) -> None:
        """A decision is on disk: show what it changed."""
        self.refresh_view()
        self.noted()

    def noted(self) -> None:
        """This screen shows every change there has been."""
        self._noted = self.session.project.changes
        self.show_header()

    def move_to(self, index: int) -> None:
        """Put the cursor on an entry, as near as there is one."""
        if self.list.move_to(index):
            self.moved()

    def moved(self) -> None:
        """The cursor is on another entry."""
        self.show_detail()
        self.show_header()
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(_REST, self.remember)

    def remember(self) -> None:
        """Keep the place for the next start."""
        self.session.project.remember(f"stage.{self.stage}", self.place())

    def command_down(self) -> None:
        self.move_to(self.list.cursor + 1)

    def command_up(self) -> None:
        self.move_to(self.list.cursor - 1)

    command_skip = command_down

    def command_half_page_down(self) -> None:
        self.move_to(self.list.cursor + max(1, self.list.page // 2))

    def command_half_page_up(self) -> None:
        self.move_to(self.list.cursor - max(1, self.list.page // 2))

    def command_top(self) -> None:
        self.move_to(0)

    def command_bottom(self) -> None:
        self.move_to(1 << 62)

    def command_detail_down(self) -> None:
        self.page.scroll_by(max(1, self.page.size.height // 2))

    def command_detail_up(self) -> None:
        self.page.scroll_by(-max(1, self.page.size.height // 2))

    def command_undo(self) -> None:
        """Take the last decision back; after a question where rows would go from every stage."""
        from studio.tui.dialogs.questions import Confirm

        def undo(sure: bool | None) -> None:
            if sure:
                self._turned("undid", self.session.journal.undo())

        step = self.session.journal.next_undone()
        if step is None or step.command != "import":
            undo(True)
            return
        question = f"Take back: {step.summary}? Its rows go from every stage; ctrl+r brings them back."
        self.app.push_screen(Confirm(question), undo)

    def command_redo(self) -> None:
        self._turned("did again", self.session.journal.redo())

    def _turned(self, verb: str, told: tuple[str, int | None] | None) -> None:
        if told is None:
            self.app.notify("Nothing to undo." if verb == "undid" else "Nothing to redo.")
            return
        self.app.notify(f"{verb}: {told[0]}{'   ctrl+r does it again' if verb == 'undid' else ''}", timeout=4)
        self.decided()
        if told[1] is not None:
            self.go_to_row(told[1])

    def command_accept(self) -> None:
        if row := self.selected_row():
            self.session.rows.accept(row.id)
            self.after_verdict()

    def command_reject(self) -> None:
        if row := self.selected_row():
            self.session.rows.reject(row.id)
            self.after_verdict()

    def after_verdict(self) -> None:
        """A row was accepted or rejected: go on to the next one."""
        self.decided()
        self.move_to(self.list.cursor + 1)
        self.remember()

    def command_edit(self) -> None:
        from studio.tui.dialogs.edit_row import EditRow

        if row := self.selected_row():
            self.app.push_screen(EditRow(row.row, f"Edit #{row.id}"), lambda edited: self._edited(row.id, edited))

    def command_editor(self) -> None:
        if row := self.selected_row():
            self._edited(row.id, self.studio.edit_outside(row.row))

    def _edited(self, row_id: int, edited: Row | None) -> None:
        if edited is not None:
            self.session.rows.edit(row_id, edited)
            self.decided()

    def command_copy(self) -> None:
        if row := self.selected_row():
            self.studio.copy_row(row.row)

    def go_to_row(self, row_id: int) -> None:
        """Put the cursor on a row, where this stage shows it."""
