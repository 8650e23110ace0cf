"""The question before a fix of many rows: how many, and what it changes in some of them."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Label

from studio.text.display import visible
from studio.tui.dialogs.questions import Reading
from studio.tui.widgets.page import Compose


class FixPreview(Reading[bool]):
    """Yes or no, with a page to read before."""

    BINDINGS = [
        Binding("y", "dismiss(True)", "yes"),
        Binding("n,enter,escape,q", "dismiss(False)", "no"),
    ]

    def __init__(self, question: str, compose: Compose) -> None:
        super().__init__(compose)
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="form"):
            yield Label(visible(self._question), classes="title", markup=False)
            yield self._page
            yield Label("y: yes    n, Enter or Esc: no    j k scroll", classes="hint", markup=False)
