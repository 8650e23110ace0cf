"""Textual's two editing widgets, made safe and quiet: they hold stand-ins, and their cursor stands still.

A blinking cursor costs 1.7 kB/s on the wire.
"""

from __future__ import annotations

from textual import events
from textual.suggester import Suggester
from textual.widgets import Input, TextArea

from studio.text.display import one_line, visible
from studio.tui.stand_ins import StandIns


class TextLine(Input):
    """One line of text."""

    def __init__(self, text: str = "", *, placeholder: str = "", suggester: Suggester | None = None) -> None:
        self._stand_ins = StandIns(text, breaks=False)
        super().__init__(self._stand_ins.show(text), placeholder=placeholder, suggester=suggester, compact=True)
        self.cursor_blink = False

    @property
    def meant(self) -> str:
        """The text, with what its stand-ins stood for."""
        return self._stand_ins.restore(self.value)

    def on_paste(self, event: events.Paste) -> None:
        event.text = one_line(event.text.rstrip("\r\n"))


class TextField(TextArea):
    """A text of any number of lines."""

    def __init__(self, text: str) -> None:
        self._stand_ins = StandIns(text, breaks=True)
        super().__init__(self._stand_ins.show(text), soft_wrap=True, compact=True, tab_behavior="focus")
        self.cursor_blink = False

    @property
    def meant(self) -> str:
        """The text, with what its stand-ins stood for."""
        return self._stand_ins.restore(self.text)

    def on_paste(self, event: events.Paste) -> None:
        # Terminals paste line breaks as the Enter key sends them.
        event.text = visible(event.text.replace("\r\n", "\n").replace("\r", "\n"))
