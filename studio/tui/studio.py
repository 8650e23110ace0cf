"""What screens ask of the app that shows them."""

from __future__ import annotations

from typing import Protocol

from textual.notifications import SeverityLevel

from studio.alpaca.rows import Row
from studio.errors import StudioError
from studio.tui.jobs import Jobs


class Studio(Protocol):
    """The app, as its screens know it."""

    jobs: Jobs

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
    ) -> None:
        """Say a fact, for some seconds."""

    def complain(self, error: StudioError, *, seconds: float = 10) -> None:
        """Show an error: what happened and what to do."""

    def edit_outside(self, row: Row) -> Row | None:
        """The row edited in $EDITOR; None when nothing changed."""

    def copy_row(self, row: Row) -> None:
        """Put a row's text on the clipboard."""

    def go_to_row(self, row_id: int) -> None:
        """Show a row in the stage it belongs to."""
