"""The questions the screens ask: a line of text, yes or no, a row's fields."""

from __future__ import annotations

from pathlib import Path

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Label, TextArea

from studio.alpaca.rows import Row
from studio.text.display import visible


class Ask(ModalScreen[str | None]):
    """A line of text; Enter takes it, Esc leaves everything as it was."""

    BINDINGS = [Binding("escape", "dismiss(None)", "cancel")]

    def __init__(self, title: str, value: str = "", hint: str = "", *, path: bool = False) -> None:
        super().__init__()
        self._title, self._value, self._hint, self._path = title, value, hint, path

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(self._title, classes="title", markup=False)
            suggester = PathSuggester() if self._path else None
            field = Input(self._value, suggester=suggester)
            field.cursor_blink = False
            yield field
            yield Label(f"{self._hint}\nEnter takes it, Esc cancels", classes="hint", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())


class PathSuggester(Suggester):
    """Completes the last part of a path; → takes the suggestion."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        head, _, part = value.rpartition("/")
        try:
            # A folder's listing on a local disk is faster than a thread.
            names = sorted(  # noqa: ASYNC240
                path.name + "/" * path.is_dir() for path in Path(head or ("/" if "/" in value else ".")).iterdir()
            )
        except OSError:
            return None
        found = next((name for name in names if part and name.startswith(part) and visible(name) == name), None)
        return f"{value[: len(value) - len(part)]}{found}" if found else None


class Confirm(ModalScreen[bool]):
    """Yes or no; Esc is no."""

    BINDINGS = [
        Binding("y,enter", "dismiss(True)", "yes"),
        Binding("n,escape,q", "dismiss(False)", "no"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(visible(self._question), classes="title", markup=False)
            yield Label("y or Enter: yes    n or Esc: no", classes="hint", markup=False)


class EditRow(ModalScreen[Row | None]):
    """A row's text fields, each in its own area. History and media are edited in $EDITOR (E)."""

    BINDINGS = [
        Binding("f2,ctrl+o", "save", "save", priority=True),
        Binding("escape", "leave", "cancel", priority=True),
    ]

    def __init__(self, row: Row, title: str = "Edit") -> None:
        super().__init__()
        self._row, self._title = row, title
        texts = {name: value for name, value in msgspec.structs.asdict(row).items() if isinstance(value, str)}
        self._areas = {name: TextArea(value, id=f"field-{name}", soft_wrap=True) for name, value in texts.items()}

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="form"):
            yield Label(f"{self._title}   F2 or ctrl+o saves, Tab goes on, Esc cancels", classes="hint", markup=False)
            for name, area in self._areas.items():
                area.cursor_blink = False
                area.tab_behavior = "focus"
                area.styles.height = min(10, max(3, area.text.count("\n") + len(area.text) // 70 + 3))
                yield Label(name, classes="title", markup=False)
                yield area

    def on_mount(self) -> None:
        next(iter(self._areas.values())).focus()

    @property
    def _edited(self) -> Row:
        return msgspec.structs.replace(self._row, **{name: area.text for name, area in self._areas.items()})

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


class Help(ModalScreen[None]):
    """Every command of the stage with its keys."""

    BINDINGS = [Binding("escape,q,question_mark", "dismiss(None)", "close")]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="form"):
            yield Label(self._text, markup=False)
