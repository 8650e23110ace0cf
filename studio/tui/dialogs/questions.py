"""The questions the screens ask: a line of text, yes or no; and the page of help."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Label

from studio.text.display import visible
from studio.tui.widgets.fields import TextLine
from studio.tui.widgets.page import Compose, Page

Result = TypeVar("Result")


class Ask(ModalScreen[str | None]):
    """A line of text; Enter takes it, Esc leaves everything as it was."""

    BINDINGS = [
        Binding("escape", "dismiss(None)", "cancel"),
        Binding("tab", "complete", "complete", priority=True),
    ]

    def __init__(self, title: str, value: str = "", hint: str = "", *, path: bool = False) -> None:
        super().__init__()
        self._title, self._hint = title, hint
        self._line = TextLine(value, suggester=PathSuggester() if path else None)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(self._title, classes="title", markup=False)
            yield self._line
            yield Label(f"{self._hint}\nEnter takes it, Esc cancels", classes="hint", markup=False)

    def action_complete(self) -> None:
        """Take what is suggested, as a shell's Tab does."""
        self._line.action_end()
        self._line.action_cursor_right()

    def on_input_submitted(self) -> None:
        self.dismiss(self._line.meant.strip())


class PathSuggester(Suggester):
    """Completes the last part of a path; Tab or → takes the suggestion."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        path = value.rpartition(" ")[2]
        head, slash, part = path.rpartition("/")
        found = next((name for name in _names(head or slash or ".") if part and name.startswith(part)), None)
        return f"{value[: len(value) - len(part)]}{found}" if found else None


def _names(folder: str) -> list[str]:
    """What is in a folder, as far as it can be shown and typed; folders end with a slash."""
    try:
        names = [entry.name + "/" * entry.is_dir() for entry in Path(folder).expanduser().iterdir()]
    except OSError:
        return []
    return sorted(name for name in names if visible(name) == name)


class Confirm(ModalScreen[bool]):
    """Yes or no; whatever hurried fingers press is no."""

    BINDINGS = [
        Binding("y", "dismiss(True)", "yes"),
        Binding("n,enter,escape,q", "dismiss(False)", "no"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(visible(self._question), classes="title", markup=False)
            yield Label("y: yes    n, Enter or Esc: no", classes="hint", markup=False)


class Reading(ModalScreen[Result]):
    """Something with a page that keys scroll."""

    BINDINGS = [
        Binding("j,down", "scroll(1)", "down"),
        Binding("k,up", "scroll(-1)", "up"),
        Binding("space,ctrl+d,pagedown", "scroll(10)", "page down"),
        Binding("ctrl+u,pageup", "scroll(-10)", "page up"),
        Binding("g,home", "scroll(-100000)", "top"),
        Binding("G,end", "scroll(100000)", "bottom"),
    ]

    def __init__(self, compose: Compose) -> None:
        super().__init__()
        self._text = compose
        self._page = Page()

    def on_mount(self) -> None:
        self._page.show(self._text)

    def action_scroll(self, lines: int) -> None:
        self._page.scroll_by(lines)


class Help(Reading[None]):
    """A page to read."""

    BINDINGS = [Binding("escape,q,question_mark", "dismiss(None)", "close")]

    def compose(self) -> ComposeResult:
        with Vertical(classes="form"):
            yield self._page

    def show(self, compose: Compose) -> None:
        """Another page in its place."""
        self._page.show(compose)
