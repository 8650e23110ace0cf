"""What the Evolve screen opens over itself: the funnel in full."""

from __future__ import annotations

from textual.binding import Binding

from studio.tui.dialogs.questions import Help


class FunnelPage(Help):
    """The funnel of a run, which goes on under it."""

    BINDINGS = [Binding("f", "dismiss(None)", "close")]

    def again(self) -> None:
        """The run has gone on."""
        self._page.show(self._text, keep_place=True)
