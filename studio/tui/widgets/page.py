"""A page of flowed text: row details, diffs, lanes, help."""

from __future__ import annotations

from collections.abc import Callable

from studio.tui.ink import Line, Span
from studio.tui.widgets.painted import Painted

Compose = Callable[[int], list[Line]]
"""From a width to lines of that width."""


class Page(Painted):
    """Lines made for the width there is."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._made: Compose = lambda width: []
        self._lines: list[Line] = []
        self._top = 0

    def show(self, compose: Compose, *, keep_place: bool = False) -> None:
        """Show what compose(width) returns; keep_place stays scrolled where it was."""
        self._made = compose
        self._lines = compose(self.size.width) if self.size.width else []
        self._top = min(self._top, self._last_top) if keep_place else 0
        self.repaint()

    def scroll_by(self, lines: int) -> None:
        self._top = max(0, min(self._top + lines, self._last_top))
        self.repaint()

    def reveal(self, first: int, last: int) -> None:
        """Scroll as little as it takes to show lines first to last, or as many of them as fit."""
        room = max(1, self.size.height - 1)  # the last line may say how much is below
        self._top = max(0, min(max(self._top, last - room + 1), first, self._last_top))
        self.repaint()

    def on_resize(self) -> None:
        self._lines = self._made(self.size.width)
        self._top = min(self._top, self._last_top)
        self.refresh()

    def line(self, y: int) -> Line:
        index = y + self._top
        if y == self.size.height - 1 and index < len(self._lines) - 1:
            return [Span(f"↓ {len(self._lines) - index} more lines", "muted")]
        return self._lines[index] if index < len(self._lines) else []

    @property
    def _last_top(self) -> int:
        return max(0, len(self._lines) - self.size.height)
