"""What the Dedup screen opens over itself: the threshold, a merge, a conflict, how to search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

from studio.text.display import visible
from studio.tui.flow import flow
from studio.tui.ink import Line, Span
from studio.tui.widgets.page import Page

STEP = 0.01


class Threshold(ModalScreen[float | None]):
    """Asks for a score, moved by keys. told: called with each score; it calls `tell` once it knows what would go."""

    BINDINGS = [
        Binding("h,left,j,down", "move(-1)", "lower"),
        Binding("l,right,k,up", "move(1)", "higher"),
        Binding("H,J", "move(-5)", "much lower"),
        Binding("L,K", "move(5)", "much higher"),
        Binding("enter", "take", "take"),
        Binding("escape,q", "dismiss(None)", "cancel"),
    ]

    def __init__(self, value: float, lowest: float, told: Callable[[float], None]) -> None:
        super().__init__()
        self._value, self._lowest, self._told = value, lowest, told
        self._page = Page()
        self._text = "…"

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label("From which score on are rows duplicates?", classes="title", markup=False)
            yield self._page
            yield Label("← → by 0.01, H L by 0.05, Enter takes it, Esc cancels", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._moved()

    def action_move(self, steps: int) -> None:
        self._value = round(min(1.0, max(self._lowest, self._value + steps * STEP)), 2)
        self._moved()

    def action_take(self) -> None:
        self.dismiss(self._value)

    def tell(self, value: float, text: str) -> None:
        """Show what a score would do; ignored when the person has moved to another score."""
        if value == self._value:
            self._text = text
            self._page.show(self._lines)

    def _moved(self) -> None:
        self._text = "…"
        self._page.show(self._lines)
        self._told(self._value)

    def _lines(self, width: int) -> list[Line]:
        room = max(10, width - 8)
        at = round((self._value - self._lowest) / max(1 - self._lowest, STEP) * (room - 1))
        bar = "─" * at + "●" + "─" * (room - 1 - at)
        return [[Span(f"{self._value:.2f}  ", " bold"), Span(bar, "gold")], *flow([Span(self._text)], width)]


class Option(NamedTuple):
    """One thing to choose: its key, and what it does in words."""

    key: str
    text: str


class Choose(ModalScreen[str | None]):
    """One of several things by its key; Esc leaves everything as it was."""

    BINDINGS = [Binding("escape,q", "dismiss(None)", "cancel")]

    def __init__(self, title: str, options: Sequence[Option]) -> None:
        super().__init__()
        self._title, self._options = title, options
        for option in options:
            self._bindings.bind(option.key, f"screen.dismiss('{option.key}')", option.text, show=False)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(visible(self._title), classes="title", markup=False)
            for option in self._options:
                yield Label(visible(f" {option.key}  {option.text}"), markup=False)
            yield Label("Esc cancels", classes="hint", markup=False)


class Difference(NamedTuple):
    """A column that two rows fill otherwise, as texts."""

    name: str
    left: str
    right: str


class Merge(ModalScreen[list[bool] | None]):
    """For each column that differs, which row's text the merged row gets: False the first one's, True the second's."""

    BINDINGS = [
        Binding("j,down", "move(1)", "next"),
        Binding("k,up", "move(-1)", "before"),
        Binding("h,left,1", "choose(False)", "first"),
        Binding("l,right,2", "choose(True)", "second"),
        Binding("space", "other", "other"),
        Binding("enter", "take", "merge"),
        Binding("escape,q", "dismiss(None)", "cancel"),
    ]

    def __init__(self, title: str, differences: Sequence[Difference]) -> None:
        super().__init__()
        self._title, self._differences = title, differences
        # What only one of them fills is kept.
        self._second = [not one.left for one in differences]
        self._at = 0
        self._page = Page()

    def compose(self) -> ComposeResult:
        with Vertical(classes="form"):
            yield Label(visible(self._title), classes="title", markup=False)
            yield self._page
            hint = "j k column, h l whose text, Enter merges, Esc cancels"
            yield Label(hint, classes="hint", markup=False)

    def on_mount(self) -> None:
        self._page.show(self._lines)

    def action_move(self, by: int) -> None:
        self._at = (self._at + by) % len(self._differences)
        self._page.show(self._lines, keep_place=True)

    def action_choose(self, second: bool) -> None:
        self._second[self._at] = second
        self._page.show(self._lines, keep_place=True)

    def action_other(self) -> None:
        self.action_choose(not self._second[self._at])

    def action_take(self) -> None:
        self.dismiss(self._second)

    def _lines(self, width: int) -> list[Line]:
        lines: list[Line] = []
        for place, (one, second) in enumerate(zip(self._differences, self._second, strict=True)):
            here = "▶" if place == self._at else " "
            lines.append([Span(f"{here} {one.name}", " bold" if here == "▶" else "muted")])
            for side, text in ((False, one.left), (True, one.right)):
                mark = "●" if second == side else "○"
                ink = "" if second == side else "muted"
                lines += flow([Span(f"  {mark} {2 if side else 1}│ ", "pending"), Span(text or "(empty)", ink)], width)[
                    :6
                ]
        return lines
