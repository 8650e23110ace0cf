"""The question before a fix of many rows: how many, and what it changes in some of them."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

from studio.text.display import visible
from studio.tui.widgets.page import Compose, Page


class FixPreview(ModalScreen[bool]):
    """Yes or no, with a page to read before."""

    BINDINGS = [
        Binding("y", "dismiss(True)", "yes"),
        Binding("n,enter,escape,q", "dismiss(False)", "no"),
        Binding("j,down", "scroll(1)", "down"),
        Binding("k,up", "scroll(-1)", "up"),
        Binding("space,ctrl+d,pagedown", "scroll(10)", "page down"),
        Binding("ctrl+u,pageup", "scroll(-10)", "page up"),
        Binding("g,home", "scroll(-100000)", "top"),
        Binding("G,end", "scroll(100000)", "bottom"),
    ]

    def __init__(self, question: str, compose: Compose) -> None:
        super().__init__()
        self._question, self._text = question, compose
        self._page = Page()

    def compose(self) -> ComposeResult:
        with Vertical(classes="form"):
            yield Label(visible(self._question), classes="title", markup=False)
            yield self._page
            yield Label("y: yes    n, Enter or Esc: no    j k scroll", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._page.show(self._text)

    def action_scroll(self, lines: int) -> None:
        self._page.scroll_by(lines)
