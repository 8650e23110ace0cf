"""A row while it is being changed: every change is kept as an Edit, which undoes it."""

from __future__ import annotations

from collections.abc import Iterable

from studio.alpaca.rows import Row
from studio.curate.placing.plans import Edit, text_at, with_text


class Draft:
    """The row as it is by now, and the edits that led there."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.edits: list[Edit] = []

    def text(self, path: str) -> str:
        return text_at(self.row, path)

    def insert(self, path: str, at: int, text: str) -> None:
        self.replace(path, [(at, at, text)])

    def replace(self, path: str, changes: Iterable[tuple[int, int, str]]) -> None:
        """Put other text in place of [start:end). changes: ascending, all in terms of the text as it is."""
        old = text_at(self.row, path)
        parts: list[str] = []
        at = shift = 0
        for start, end, text in changes:
            parts += (old[at:start], text)
            self.edits.append(Edit(path, start + shift, start + shift + len(text), old[start:end]))
            at, shift = end, shift + len(text) - (end - start)
        if parts:
            self.row = with_text(self.row, path, "".join([*parts, old[at:]]))
