"""What all painted widgets share: the theme's inks, and repainting only the lines that changed."""

from __future__ import annotations

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from studio.text.display import columns, one_line
from studio.tui.ink import Ink, Line


class Painted(Widget):
    """A widget that paints Lines. Subclasses give line(y), and call repaint when lines may have changed."""

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._ink: Ink | None = None
        self._on_screen: dict[int, tuple[Line, bool]] = {}

    @property
    def ink(self) -> Ink:
        if self._ink is None:
            theme = self.app.current_theme
            self._ink = Ink(theme.variables, colours=not self.app.no_color)
        return self._ink

    def notify_style_update(self) -> None:
        """A theme was picked: forget the old one's inks."""
        self._ink = None
        super().notify_style_update()

    def line(self, y: int) -> Line:
        """What stands on line y of the widget."""
        raise NotImplementedError

    def on_cursor(self, y: int) -> bool:
        """Whether line y is painted as the cursor."""
        return False

    def render_line(self, y: int) -> Strip:
        line, cursor = self._on_screen[y] = (self.line(y), self.on_cursor(y))
        base: Style = self.rich_style
        return self.ink.strip(line, self.size.width, base, cursor=cursor)

    def repaint(self) -> None:
        """Paint the lines that differ from what is on screen, as far as anything is written on them."""
        width = self.size.width
        for y in range(self.size.height):
            line, cursor = self.line(y), self.on_cursor(y)
            old, old_cursor = self._on_screen.get(y, ([], not cursor))
            if (line, cursor) != (old, old_cursor):
                # Blanks that were there before need not be sent; a cursor reaches the edge.
                end = _changed(old, line) if cursor == old_cursor else width
                self.refresh(Region(0, y, min(end, width), 1))


def _changed(old: Line, new: Line) -> int:
    """The columns to paint over: as far as anything is written, less what both lines end with in the same place."""
    same = 0
    while same < min(len(old), len(new)) and old[-1 - same] == new[-1 - same]:
        same += 1
    before, after = _written(old[: len(old) - same]), _written(new[: len(new) - same])
    return after if before == after else max(_written(old), _written(new))


def _written(line: Line) -> int:
    """The columns of a line."""
    return sum(columns(one_line(span.text)) for span in line)
