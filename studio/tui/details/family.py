"""A row's family as lines: from its seed task down to it, with what was dropped on the way and why."""

from __future__ import annotations

from collections.abc import Sequence

from studio.alpaca.rows import prompt_text
from studio.store.lineage import Kin
from studio.store.rows import PLACEMENT, StoredRow
from studio.store.summary import step
from studio.text.display import columns, one_line
from studio.tui.entries import SHORT
from studio.tui.ink import GLYPHS, STATUS_INKS, Line, Span

_READ = 400
# Deeper than this, branches are drawn no further to the right: there would be no room for their text.
_DEEPEST = 8


def family_lines(kin: Sequence[Kin], row_id: int, chosen: int | None, width: int) -> tuple[list[Line], list[int]]:
    """The tree, and the line on which each of kin begins.

    row_id: whose family it is, marked "←". chosen: the id of the relative to point at, None for nobody.
    """
    lines: list[Line] = []
    starts = []
    for one, (branch, trunk) in zip(kin, branches([one.depth for one in kin]), strict=True):
        row = one.row
        starts.append(len(lines))
        at = row.id == chosen
        made = _made(row) if row.generated else "seed task" if row.seed else row.operation or "row"
        here = " ← this row" if row.id == row_id else ""
        told = f"{'◆ ' if row.seed else ''}{made}{here}"
        text = one_line(prompt_text(row.row)[:_READ])
        weight = " bold" if one.on_line else ""
        lines.append(
            [
                Span("▶" if at else " ", "gold bold"),
                Span(branch, "muted"),
                Span(f"{GLYPHS[row.status]} #{row.id} ", STATUS_INKS[row.status] + weight),
                Span(f"{told}  ", ("gold" if row.seed else "pending") + weight),
                Span(text, "" if one.on_line else "muted"),
            ]
        )
        if row.rule:
            why = f"{row.rule}: {one_line((row.evidence or '')[:_READ])}"
            lines.append([Span(f" {trunk}  ", "muted"), Span(why, "reject")])
    return [_cut(line, width) for line in lines], starts


def _made(row: StoredRow) -> str:
    """How a generated row came about, in few words."""
    if row.operation == PLACEMENT:
        return step(row)
    return f"r{row.round} {SHORT.get(row.operation or '', row.operation or '')}"


def branches(depths: Sequence[int]) -> list[tuple[str, str]]:
    """The branch signs of a tree: for each member, those before its first line and those before its other lines.
    depths: of the members, parents first.
    """
    found = []
    for place, depth in enumerate(depths):
        rest = depths[place + 1 :]
        # The line of a level goes on while a later member has that level, until a member of a higher level comes.
        goes_on = [_more(rest, level) for level in range(1, depth + 1)][-_DEEPEST:]
        if not goes_on:
            found.append(("", "│" if rest else " "))
            continue
        before = "".join("│ " if more else "  " for more in goes_on[:-1])
        children = "│" if rest and rest[0] > depth else " "
        found.append((before + ("├ " if goes_on[-1] else "└ "), before + ("│ " if goes_on[-1] else "  ") + children))
    return found


def _more(rest: Sequence[int], level: int) -> bool:
    return next((depth == level for depth in rest if depth <= level), False)


def _cut(line: Line, width: int) -> Line:
    """The line cut to the column's width."""
    cut: Line = []
    left = width
    for text, ink in line:
        shown = one_line(text, left)
        cut.append(Span(shown, ink))
        left -= columns(shown)
        if left <= 0:
            break
    return cut
