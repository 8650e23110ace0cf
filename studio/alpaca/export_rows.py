"""Rows as the objects of an export file: every object has the same columns, each always of the same type.

The trainer reads files through Arrow, which infers a column's type from its first rows: a column of nothing
but empty lists, or one that comes and goes, breaks a large file. So one pass over the rows decides the
columns, and a second one makes the objects; neither holds the rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from studio.alpaca.rows import COLUMNS, Row, RowType

OPTIONAL = ("system", "history", "images", "videos", "audios")
"""Columns that are left out of a file when they are empty in all of its rows."""


def uniform_columns(type: RowType, rows: Iterable[Row]) -> tuple[str, ...]:
    """The columns a file of these rows has, in the order they are written; the rows are iterated once."""
    empty = {name for name in COLUMNS[type] if name in OPTIONAL}
    for row in rows:
        if not empty:
            break
        empty = {name for name in empty if not getattr(row, name)}
    return tuple(name for name in COLUMNS[type] if name not in empty)


def export_object(row: Row, columns: Iterable[str]) -> dict[str, Any]:
    """The row's values under these columns; tuples become lists, as the trainer's reader gives them back."""
    return {name: _listed(getattr(row, name)) for name in columns}


def _listed(value: Any) -> Any:
    return [_listed(part) for part in value] if isinstance(value, tuple) else value
