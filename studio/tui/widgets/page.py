"""A page of flowed text: row details, diffs, lanes, help."""

from __future__ import annotations

from collections.abc import Callable

from studio.tui.ink import Line, Span
from studio.tui.widgets.painted import Painted

Compose = Callable[[int], list[Line]]
"""From a width to lines of that width."""


class Page(Painted):
    """Lines made for the width there is, when they are painted: before the first layout there is none."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._compose_lines: Compose = lambda width: []
        self._made: tuple[int, list[Line]] | None = None
        self._top = 0

    def show(self, compose: Compose, *, keep_place: bool = False) -> None:
        """Show what compose(width) returns; keep_place stays scrolled where it was."""
        self._compose_lines, self._made = compose, None
        if not keep_place:
            self._top = 0
        self.repaint()

    def scroll_by(self, lines: int) -> None:
        self._top += lines
        self.repaint()

    def reveal(self, first: int, last: int) -> None:
        """Scroll as little as it takes to show lines first to last, or as many of them as fit."""
        room = max(1, self.size.height - 1)  # the last line may say how much is below
        self._top = min(max(self._top, last - room + 1), first)
        self.repaint()

    def on_resize(self) -> None:
        self.repaint()

    def repaint(self) -> None:
        self._top = max(0, min(self._top, len(self._lines) - self.size.height))
        super().repaint()

    @property
    def _lines(self) -> list[Line]:
        width = self.size.width
        if self._made is None or self._made[0] != width:
            self._made = (width, self._compose_lines(width) if width else [])
        return self._made[1]

    def line(self, y: int) -> Line:
        index = y + self._top
        if y == self.size.height - 1 and index < len(self._lines) - 1:
            return [Span(f"↓ {len(self._lines) - index} more lines", "muted")]
        return self._lines[index] if index < len(self._lines) else []
