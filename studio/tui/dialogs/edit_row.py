"""Editing a row here: each text field in an area of its own."""

from __future__ import annotations

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Label

from studio.alpaca.rows import Row
from studio.errors import StudioError
from studio.tui.dialogs.questions import Confirm
from studio.tui.widgets.fields import TextField


class EditRow(ModalScreen[Row | None]):
    """A row's text fields. History and media are edited in $EDITOR (E).

    Raises StudioError for a row that no field can show without losing some of its bytes.
    """

    BINDINGS = [
        Binding("f2,ctrl+o", "save", "save", priority=True),
        Binding("escape", "leave", "cancel", priority=True),
    ]

    def __init__(self, row: Row, title: str) -> None:
        super().__init__()
        self._row, self._title = row, title
        texts = {name: value for name, value in msgspec.structs.asdict(row).items() if isinstance(value, str)}
        try:
            self._fields = {name: TextField(value) for name, value in texts.items()}
        except ValueError:
            raise StudioError("This row is too strange to be shown in fields.", hint="E opens $EDITOR.") from None

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="form"):
            yield Label(f"{self._title}   F2 or ctrl+o saves, Tab goes on, Esc cancels", classes="hint", markup=False)
            for name, field in self._fields.items():
                lines = field.text.count("\n") + len(field.text) // 60 + 1
                field.styles.height = min(8, max(2, lines))
                yield Label(name, classes="title", markup=False)
                yield field

    def on_mount(self) -> None:
        next(iter(self._fields.values())).focus()

    @property
    def _edited(self) -> Row:
        return msgspec.structs.replace(self._row, **{name: field.meant for name, field in self._fields.items()})

    def action_save(self) -> None:
        self.dismiss(self._edited)

    def action_leave(self) -> None:
        if self._edited == self._row:
            self.dismiss(None)
        else:
            self.app.push_screen(Confirm("Leave without saving what you changed?"), self._left)

    def _left(self, sure: bool | None) -> None:
        if sure:
            self.dismiss(None)
