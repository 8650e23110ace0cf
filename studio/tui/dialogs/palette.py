"""The palette: every command that works here, and every theme, found by typing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rapidfuzz import fuzz
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from studio.tui.ink import Line, Span
from studio.tui.widgets.fields import TextLine
from studio.tui.widgets.row_list import RowList


class Offer(NamedTuple):
    """One thing the palette can do."""

    title: str
    keys: str
    note: str
    run: Callable[[], None]


class Palette(ModalScreen[Offer | None]):
    """Type to narrow, ↑ ↓ to choose, Enter to do it."""

    BINDINGS = [Binding("escape", "dismiss(None)", "close")]

    def __init__(
        self, offers: list[Offer], hint: str = "a command or a theme; ↑ ↓ choose, Enter does it, Esc closes"
    ) -> None:
        super().__init__()
        self._hint = hint
        self._offers = offers
        self._found = offers
        self._with_keys = any(offer.keys for offer in offers)
        self._list = RowList(empty="No command like that.")

    def compose(self) -> ComposeResult:
        with Vertical(classes="palette"):
            yield TextLine(placeholder=self._hint)
            yield self._list

    def on_mount(self) -> None:
        self._list.can_focus = False
        self._list.show(self)

    def __len__(self) -> int:
        return len(self._found)

    def __bool__(self) -> bool:
        return True

    def line(self, index: int, width: int) -> Line:
        offer = self._found[index]
        keys = f"{offer.keys:<16.16} " if self._with_keys else ""
        return [Span(f" {offer.title:<16.16} "), Span(keys, "pending"), Span(offer.note, "muted")]

    def on_input_changed(self, event: TextLine.Changed) -> None:
        typed = event.value.casefold()
        scored = [
            (fuzz.partial_ratio(typed, f"{offer.title} {offer.note}".casefold()), -number, offer)
            for number, offer in enumerate(self._offers)
        ]
        self._found = (
            [offer for score, _, offer in sorted(scored, reverse=True) if score >= 60] if typed else self._offers
        )
        self._list.show(self, 0)

    def on_input_submitted(self) -> None:
        self.dismiss(self._found[self._list.cursor] if self._found else None)

    def on_key(self, event: events.Key) -> None:
        step = {"down": 1, "up": -1, "pagedown": 8, "pageup": -8}.get(event.key)
        if step:
            event.stop()
            self._list.move_to(self._list.cursor + step)
