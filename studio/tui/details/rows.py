"""Rows as flowed lines. Pure: values in, Lines out."""

from __future__ import annotations

from typing import NamedTuple

from studio.alpaca.rows import fields
from studio.store.rows import StoredRow
from studio.tui.flow import flow
from studio.tui.ink import GLYPHS, STATUS_INKS, Line, Span


class Mark(NamedTuple):
    """A place in a row to point at. field: a path such as "history[0][1]". span: in its text, None for all of it."""

    field: str
    span: tuple[int, int] | None = None


# At most this many characters are shown before a marked place, so that a place deep in a long text is in sight.
_BEFORE = 240
MARK_INK = "reject bold underline"


def row_lines(row: StoredRow, origin: str, width: int, mark: Mark | None = None, near: str = "") -> list[Line]:
    """Everything about a row: status and reason, its fields, where it came from. The marked field comes first.

    near: the rows it is a duplicate of, in words.
    """
    lines = flow(status_line(row, origin), width)
    if near:
        lines += flow([Span(f"≈ {near}", "duplicate")], width)
    if row.tags or row.score is not None:
        score = "" if row.score is None else f"score {row.score:g}"
        lines += flow([Span("  ".join(filter(None, (*(f"#{tag}" for tag in row.tags), score))), "gold")], width)
    if row.rule:
        lines += flow([Span(f"{row.rule}: {row.evidence or ''}", "reject")], width)
    columns = fields(row.row)
    first = mark.field.partition("[")[0] if mark else ""
    if first in columns:
        lines += field_lines(first, columns.pop(first), width, mark)
    for name, value in columns.items():
        if value == "" or value == ():
            continue
        lines += field_lines(name, value, width)
    if row.extras:
        # What the file had beside the columns of the type.
        lines += field_lines("other columns", row.extras.decode(), width)
    return lines


def status_line(row: StoredRow, origin: str) -> Line:
    return [
        Span(f"#{row.id} ", "muted bold"),
        Span(f"{GLYPHS[row.status]} {row.status}", STATUS_INKS[row.status]),
        Span("  ◆ seed" if row.seed else "", "gold"),
        Span(f"  {row.type}  {origin}", "muted"),
    ]


def field_lines(name: str, value: object, width: int, mark: Mark | None = None) -> list[Line]:
    """A field under its name; history as turns, media as a list of paths. With a mark, in it or on its name."""
    lines: list[Line] = [[Span(f"▸ {name}", MARK_INK)]] if mark else [[Span(name, "muted underline")]]
    if value == "" or value == ():
        return [*lines, [Span("(empty)", "muted")]]
    if name == "history" and isinstance(value, tuple):
        for index, pair in enumerate(value):
            for side, arrow in enumerate("→←"):
                lines += flow(
                    [Span(f"{arrow} ", "muted"), *_marked(f"history[{index}][{side}]", pair[side], mark)], width
                )
    elif isinstance(value, tuple):
        for index, one in enumerate(value):
            lines += flow(_marked(f"{name}[{index}]", str(one), mark), width)
    else:
        lines += flow(_marked(name, str(value), mark), width)
    return lines


def _marked(field: str, text: str, mark: Mark | None) -> list[Span]:
    """The text with the marked place between arrows: colour alone would not say where."""
    if mark is None or mark.field != field or (mark.span is None and "[" not in field):
        return [Span(text)]
    start, end = mark.span or (0, len(text))
    before = [Span(text[:start])]
    if start > 2 * _BEFORE:
        before = [Span(f"… {start - _BEFORE:,} characters before … ", "muted"), Span(text[start - _BEFORE : start])]
    return [*before, Span(f"»{text[start:end]}«", MARK_INK), Span(text[end:])]
