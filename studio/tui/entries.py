"""What the lists show: rows of a view, fetched a window at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from studio.alpaca.rows import prompt_text
from studio.store.rows import StoredRow
from studio.text.display import columns, one_line
from studio.tui.ink import GLYPHS, STATUS_INKS, Line, Span

SHORT = {
    "add_constraints": "constraints",
    "deepening": "deepening",
    "concretizing": "concretizing",
    "increase_reasoning": "reasoning",
    "complicate_input": "complicating",
    "in_breadth": "in breadth",
    "placement": "variant",
}
"""Operations in a list's column."""

_WINDOW = 64
_KEPT = 16
# As much of a text as a line can show: a megabyte is not carried to the painter.
_READ = 400


class RowWindow:
    """The rows of a view by their place. They are fetched in windows around the asked one; a few windows are kept."""

    def __init__(self, ids: Sequence[int], fetch: Callable[[Sequence[int]], list[StoredRow]]) -> None:
        self.ids = ids
        self._fetch = fetch
        self._windows: OrderedDict[int, dict[int, StoredRow]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, index: int) -> StoredRow | None:
        number = index // _WINDOW
        window = self._windows.get(number)
        if window is None:
            start = number * _WINDOW
            rows = self._fetch(list(self.ids[start : start + _WINDOW]))
            window = self._windows[number] = {row.id: row for row in rows}
            if len(self._windows) > _KEPT:
                self._windows.popitem(last=False)
        return window.get(self.ids[index])

    def forget(self) -> None:
        """Rows may have changed: fetch them again when they are asked for."""
        self._windows.clear()


class RowEntries(RowWindow):
    """A view as list lines: id, status, type, whether it is a seed, and the start of its text."""

    def line(self, index: int, width: int) -> Line:
        row = self.at(index)
        if row is None:
            return [Span("…", "muted")]
        return row_line(row, width)


def row_line(row: StoredRow, width: int) -> Line:
    """One row in one line; the rule that rejected it stands at the end, whatever the text's length."""
    head = [
        Span(f"{row.id:>6} ", "muted"),
        Span(f"{GLYPHS[row.status]} ", STATUS_INKS[row.status]),
        Span("◆ " if row.seed else "  ", "gold" if row.seed else "muted"),
        Span(f"{SHORT.get(row.operation or '', row.type):<12.12} ", "muted"),
    ]
    rule = f" {row.rule}" if row.rule else ""
    room = max(12, width - sum(len(span.text) for span in head) - len(rule))
    text = one_line(prompt_text(row.row)[:_READ], room)
    if not rule:
        return [*head, Span(text)]
    return [*head, Span(text + " " * (room - columns(text))), Span(rule, "reject")]
