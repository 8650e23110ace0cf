"""A page of flowed text: row details, diffs, lanes, histograms."""

from __future__ import annotations

from collections.abc import Callable

from studio.tui.ink import Line, Span
from studio.tui.widgets.painted import Painted

Compose = Callable[[int], list[Line]]


class Page(Painted):
    """Lines made for the width there is. Showing a page again repaints only the lines that differ."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._made: Compose = lambda width: []
        self._lines: list[Line] = []
        self._top = 0

    def show(self, compose: Compose, *, keep_place: bool = False) -> None:
        """Show what compose(width) returns; keep_place stays scrolled where it was."""
        self._made = compose
        old, old_top = self._lines, self._top
        self._lines = compose(self.size.width) if self.size.width else []
        self._top = min(old_top, self._last_top) if keep_place else 0
        if self._top != old_top:
            self.refresh()
            return
        for y in range(self.size.height):
            index = y + self._top
            if old[index : index + 1] != self._lines[index : index + 1]:
                self.refresh_line(y)

    def scroll_by(self, lines: int) -> None:
        top = max(0, min(self._top + lines, self._last_top))
        if top != self._top:
            self._top = top
            self.refresh()

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
