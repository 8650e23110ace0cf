"""A near-duplicate pair as lines: both rows side by side, with what differs marked on both."""

from __future__ import annotations

from studio.alpaca.rows import fields
from studio.store.rows import StoredRow
from studio.text.diff import word_diff
from studio.tui.flow import beside, flow
from studio.tui.ink import GLYPHS, STATUS_INKS, Line, Span


def pair_lines(left: StoredRow, right: StoredRow, score: float, verdict: str, width: int) -> list[Line]:
    """Two rows side by side, with what differs marked on both sides."""
    half = (width - 3) // 2
    head: Line = [Span(f"ROUGE-L {score:.3f}", "duplicate bold"), Span(f"   {verdict}", "muted")]
    lines: list[Line] = [head]
    lines += beside([_head(left)], [_head(right)], width)
    first, second = fields(left.row), fields(right.row)
    for name in first:
        one, other = _as_text(first[name]), _as_text(second.get(name, ""))
        if not one and not other:
            continue
        lines += [[Span(name, "muted underline")]]
        before: list[Span] = []
        after: list[Span] = []
        for change in word_diff(one, other):
            same = change.kind == "same"
            before.append(Span(change.left, "" if same else "deleted underline"))
            after.append(Span(change.right, "" if same else "inserted underline"))
        lines += beside(flow(before, half), flow(after, half), width)
    return lines


def _head(row: StoredRow) -> Line:
    return [Span(f"#{row.id} "), Span(f"{GLYPHS[row.status]} {row.status}", STATUS_INKS[row.status])]


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        return "\n".join(" / ".join(one) if isinstance(one, tuple) else str(one) for one in value)
    return str(value)
