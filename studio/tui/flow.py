"""Flowing text into lines of a width: words where there are words, characters where there are none (CJK)."""

from __future__ import annotations

import re

from studio.text.display import columns, visible
from studio.tui.ink import Line, Span

# Blanks, a word of a script with words, or one character: a line break, or CJK, which breaks anywhere.
_PIECES = re.compile(r"[^\S\n]+|[!-\u10ff]+|.", re.DOTALL)
# Nobody reads a cell of a megabyte here; the editor shows it all.
_MOST = 20_000


def flow(spans: list[Span], width: int) -> list[Line]:
    """spans as lines of at most width columns; a newline in a text starts a new line."""
    width = max(width, 1)
    lines: list[Line] = [[]]
    used = 0
    for text, ink in spans:
        cut = len(text) > _MOST
        for piece in _PIECES.findall(visible(text[:_MOST]).expandtabs(4)):
            if piece == "\n":
                lines.append([])
                used = 0
                continue
            wide = columns(piece)
            if used + wide > width and used:
                lines.append([])
                used = 0
                if piece.isspace():
                    continue
            while wide > width:
                head = _head(piece, width)
                lines[-1].append(Span(head, ink))
                lines.append([])
                piece = piece[len(head) :]
                wide = columns(piece)
            _add(lines[-1], piece, ink)
            used += wide
        if cut:
            lines.append([Span(f"… {len(text) - _MOST:,} more characters; E shows them all", "muted")])
            lines.append([])
            used = 0
    return lines


def _head(piece: str, width: int) -> str:
    """As many characters as fit, at least one."""
    end = 1
    while end < len(piece) and columns(piece[: end + 1]) <= width:
        end += 1
    return piece[:end]


def _add(line: Line, piece: str, ink: str) -> None:
    if line and line[-1].ink == ink:
        line[-1] = Span(line[-1].text + piece, ink)
    else:
        line.append(Span(piece, ink))


def beside(left: list[Line], right: list[Line], width: int) -> list[Line]:
    """Two columns of lines, each half of width, with a rule between them."""
    half = (width - 3) // 2
    lines: list[Line] = []
    for number in range(max(len(left), len(right))):
        first = left[number] if number < len(left) else []
        second = right[number] if number < len(right) else []
        pad = half - sum(columns(span.text) for span in first)
        lines.append([*first, Span(" " * max(pad, 0)), Span(" │ ", "muted"), *second])
    return lines
