"""The one list of the studio: any number of entries, painted line by line."""

from __future__ import annotations

from typing import Protocol

from studio.tui.ink import Line, Span
from studio.tui.widgets.painted import Painted


class Entries(Protocol):
    """What a list shows. line is asked only for entries in view."""

    def __len__(self) -> int: ...

    def line(self, index: int, width: int) -> Line: ...


class RowList(Painted, can_focus=True):
    """Entries with a cursor. A move inside the view repaints two lines; at its edge the view jumps half a page,
    because a terminal cannot scroll a part of itself and every scroll repaints it all."""

    def __init__(self, id: str | None = None, empty: str = "Nothing here.") -> None:
        super().__init__(id=id)
        self._entries: Entries | None = None
        self._empty = empty
        self.cursor = 0
        self._top = 0

    def show(self, entries: Entries, cursor: int | None = None, empty: str | None = None) -> None:
        """Show other entries; the cursor stays as near as it can, or goes where it is told.

        It keeps its line on the screen, so that rows which come in above it move nothing.
        """
        line = self.cursor - self._top
        self._entries = entries
        if empty is not None:
            self._empty = empty
        self.cursor = self._clamped(self.cursor if cursor is None else cursor)
        self._top = max(0, self.cursor - line)
        self._bring_into_view()
        self.repaint()

    def move_to(self, index: int) -> bool:
        """Put the cursor on an entry, as near as there is one. Returns whether it moved."""
        old = self.cursor
        self.cursor = self._clamped(index)
        self._bring_into_view()
        self.repaint()
        return self.cursor != old

    @property
    def page(self) -> int:
        return max(self.size.height, 1)

    def on_resize(self) -> None:
        self._bring_into_view()
        self.repaint()

    def on_cursor(self, y: int) -> bool:
        return y + self._top == self.cursor < self._many

    def line(self, y: int) -> Line:
        if self._entries is not None and y + self._top < self._many:
            return self._entries.line(y + self._top, self.size.width)
        return [Span(self._empty, "muted")] if y == 0 else []

    @property
    def _many(self) -> int:
        # An entry source may be a screen, which is true even when it has no entries.
        return 0 if self._entries is None else len(self._entries)

    def _clamped(self, index: int) -> int:
        return max(0, min(index, self._many - 1))

    def _bring_into_view(self) -> None:
        height = self.page
        if not self._top <= self.cursor < self._top + height:
            self._top = max(0, self.cursor - height // 2)
        self._top = min(self._top, max(0, self._many - height))
