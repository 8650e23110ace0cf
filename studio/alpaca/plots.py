"""Figures of a dataset card: bars as SVG text, readable on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

from studio.alpaca.census import EDGES, TypeFacts
from studio.text.display import visible

_WIDTH = 640
_LEFT, _RIGHT = 56, 16
_PANEL = 150
_BARS = 86  # the height of the tallest bar
_LINE = 26  # of a stage

# A page that shows the picture may be light or dark; where it does not tell, these greys and blues suit both.
_STYLE = (
    "<style>text{font:12px system-ui,sans-serif;fill:#6e7781}.name{font-weight:600}.bar{fill:#4c8dd6}"
    ".line{stroke:#8c959f;stroke-width:1}.cutoff{stroke:#d1653a;stroke-width:1.5;stroke-dasharray:4 3}"
    "@media(prefers-color-scheme:light){text{fill:#424a53}.bar{fill:#2f6fb7}}"
    "@media(prefers-color-scheme:dark){text{fill:#b1bac4}.bar{fill:#6cb0f5}}</style>"
)


def lengths(facts: Sequence[TypeFacts], cutoff: int) -> str:
    """A histogram of row lengths for each type, on one scale, with a dashed line at the cutoff."""
    edges = sorted({(start, below) for one in facts for start, below, _ in one.lengths})
    axis = _between(edges[0][0], edges[-1][1]) if edges else []
    panels = "".join(_panel(one, axis, cutoff, index * _PANEL) for index, one in enumerate(facts))
    return _svg(len(facts) * _PANEL + 4, "Row lengths in tokens by type", panels)


def _between(first: int, last: int) -> list[tuple[int, int]]:
    """Where each bar begins and ends, from the first edge to the last."""
    found = [edge for edge in EDGES if first <= edge <= last]
    return list(pairwise(found))


def stages(counts: Sequence[tuple[str, int]]) -> str:
    """A bar for each stage with the rows it made, turned away or gave out."""
    most = max((n for _, n in counts), default=0) or 1
    label, width = 190, _WIDTH - 190 - 90
    parts = []
    for index, (name, n) in enumerate(counts):
        y = 8 + index * _LINE
        long = width * n / most
        parts.append(f'<text x="{label - 8}" y="{y + 14}" text-anchor="end">{_text(name)}</text>')
        parts.append(f'<rect class="bar" x="{label}" y="{y + 2}" width="{long:.1f}" height="16" rx="2"/>')
        parts.append(f'<text x="{label + long + 6:.1f}" y="{y + 14}">{n:,}</text>')
    return _svg(len(counts) * _LINE + 12, "Rows by stage", "".join(parts))


def _panel(facts: TypeFacts, axis: Sequence[tuple[int, int]], cutoff: int, top: int) -> str:
    floor = top + 30 + _BARS
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(axis))
    heights = {start: rows for start, _, rows in facts.lengths if rows}
    most = max(heights.values(), default=1)
    parts = [f'<text class="name" x="{_LEFT}" y="{top + 18}">{facts.type} · {_rows(facts.rows)}</text>']
    parts.append(f'<text x="{_LEFT - 6}" y="{floor - _BARS + 10}" text-anchor="end">{most:,}</text>')
    # At most a dozen labels stand side by side.
    every = -(-len(axis) // 12)
    for index, (start, _) in enumerate(axis):
        x = _LEFT + index * step
        if rows := heights.get(start):
            # A single row among many still shows.
            high = max(1.0, _BARS * rows / most)
            box = f'x="{x + 1:.1f}" y="{floor - high:.1f}" width="{step - 2:.1f}" height="{high:.1f}"'
            parts.append(f'<rect class="bar" {box}><title>from {start:,} tokens: {_rows(rows)}</title></rect>')
        if index % every == 0:
            parts.append(f'<text x="{x:.1f}" y="{floor + 16}" text-anchor="middle">{start:,}</text>')
    parts.append(f'<line class="line" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{floor}" y2="{floor}"/>')
    if facts.type != "pretrain":
        x = _LEFT + step * _place(axis, cutoff)
        parts.append(f'<line class="cutoff" x1="{x:.1f}" x2="{x:.1f}" y1="{floor - _BARS - 6}" y2="{floor}"/>')
        said = f"cutoff {cutoff:,}: {facts.over_cutoff:,} longer"
        parts.append(f'<text x="{_WIDTH - _RIGHT}" y="{top + 18}" text-anchor="end">{said}</text>')
    return "".join(parts)


def _place(axis: Sequence[tuple[int, int]], value: int) -> float:
    """Where a value stands on an axis on which every bar is 1 wide."""
    for index, (start, below) in enumerate(axis):
        if value < below:
            return index + max(0, value - start) / (below - start)
    return len(axis)


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n:,} rows"


def _text(text: str) -> str:
    return escape(visible(text))


def _svg(height: int, title: str, body: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'role="img"><title>{title}</title>{_STYLE}{body}</svg>\n'
    )
