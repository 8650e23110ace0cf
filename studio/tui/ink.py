"""Translates the words a painter uses ("accept", "muted") into colours of the current theme.

Everything untrusted passes through here on its way to the screen: a Span's text is made visible when it
becomes a Strip, so no widget can forget it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.strip import Strip

from studio.text.display import columns, one_line

INKS = ("accept", "reject", "pending", "duplicate", "gold", "muted", "inserted", "deleted")
GLYPHS = {"pending": "•", "accepted": "✓", "rejected": "✗"}
STATUS_INKS = {"pending": "pending", "accepted": "accept", "rejected": "reject"}


class Span(NamedTuple):
    """Text in one ink; "" is the theme's foreground. ink may carry " bold", " underline", " reverse", " dim"."""

    text: str
    ink: str = ""


Line = list[Span]


class Ink:
    """The styles of one theme."""

    def __init__(self, variables: Mapping[str, str], *, colours: bool = True) -> None:
        self._colours = {name: _style(variables.get(name, "")) for name in INKS}
        self._colours[""] = Style()
        cursor = _style(variables.get("cursor-text", ""))
        background = _style(variables.get("cursor-background", ""), back=True)
        # Without colours the cursor must still be seen.
        self.cursor = cursor + background if colours and background.bgcolor else Style(reverse=True)
        self._styles: dict[str, Style] = {}

    def style(self, ink: str) -> Style:
        if ink not in self._styles:
            name, *attributes = ink.split(" ")
            self._styles[ink] = self._colours[name] + Style(**dict.fromkeys(attributes, True))  # type: ignore[arg-type]
        return self._styles[ink]

    def strip(self, line: Iterable[Span], width: int, base: Style, *, cursor: bool = False) -> Strip:
        """One painted line, exactly width columns wide; with cursor, in the cursor's colours throughout."""
        segments: list[Segment] = []
        left = width
        ground = self.cursor if cursor else base
        for text, ink in line:
            if left <= 0:
                break
            shown = one_line(text, left)
            if not shown:
                # Even an empty segment is sent with its colours.
                continue
            left -= columns(shown)
            style = ground if cursor else base + self.style(ink)
            segments.append(Segment(shown, style))
        if left > 0:
            segments.append(Segment(" " * left, ground))
        # Neighbours in one style share one escape sequence.
        return Strip(segments, width).simplify()


def _style(value: str, *, back: bool = False) -> Style:
    try:
        colour = Color.parse(value).rich_color
    except ColorParseError:
        return Style()
    return Style(bgcolor=colour) if back else Style(color=colour)
