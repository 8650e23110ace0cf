"""Rows as flowed lines. Pure: values in, Lines out."""

from __future__ import annotations

from studio.alpaca.rows import fields
from studio.store.rows import StoredRow
from studio.tui.flow import flow
from studio.tui.ink import GLYPHS, STATUS_INKS, Line, Span


def row_lines(row: StoredRow, origin: str, width: int) -> list[Line]:
    """Everything about a row: status and reason, its fields, where it came from."""
    lines = flow(status_line(row, origin), width)
    if row.tags or row.score is not None:
        score = "" if row.score is None else f"score {row.score:g}"
        lines += flow([Span("  ".join(filter(None, (*(f"#{tag}" for tag in row.tags), score))), "gold")], width)
    if row.rule:
        lines += flow([Span(f"{row.rule}: {row.evidence or ''}", "reject")], width)
    for name, value in fields(row.row).items():
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


def field_lines(name: str, value: object, width: int) -> list[Line]:
    """A field under its name; history as turns, media as a list of paths."""
    lines: list[Line] = [[Span(name, "muted underline")]]
    if name == "history" and isinstance(value, tuple):
        for question, answer in value:
            lines += flow([Span("→ ", "muted"), Span(question)], width)
            lines += flow([Span("← ", "muted"), Span(answer)], width)
    elif isinstance(value, tuple):
        lines += flow([Span("\n".join(str(one) for one in value))], width)
    else:
        lines += flow([Span(str(value))], width)
    return lines


def histogram_line(title: str, numbers: list[int]) -> Line:
    """A histogram in one line: a bar for each class, head on the left and tail on the right, then the counts."""
    top = max(numbers, default=0) or 1
    blocks = "·▁▂▃▄▅▆▇█"
    picture = "".join(blocks[-(-n * 8 // top)] * 2 for n in numbers)
    return [Span(f"{title:<7}"), Span(picture, "gold"), Span("  " + " ".join(map(str, numbers)), "muted")]
