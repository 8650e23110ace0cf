"""How gold is to be placed: the chosen settings, and the board that shows where it stands now and would stand then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from textual.timer import Timer

from studio.jobs.events import Event
from studio.jobs.placement.events import PlacesForeseen
from studio.settings import PositionSettings
from studio.tui import position_settings
from studio.tui.details import positions as details
from studio.tui.ink import Line
from studio.tui.parts.survey import SurveyView
from studio.tui.screens.stage import StageScreen
from studio.tui.widgets.page import Page

_REMEMBERED = "position.settings"
# Sharing out the places of this many rows takes a tenth of a second. With more rows it begins after this many seconds
# without a change.
_MANY, _REST = 50_000, 1.0


class PlacingPlan:
    """The chosen settings, and the places they would give the surveyed rows. curve: a probe's curve at a width."""

    def __init__(self, screen: StageScreen, curve: Callable[[int], list[Line]]) -> None:
        self._screen, self._session, self._curve = screen, screen.session, curve
        self.board = Page(id="board")
        self.rows = SurveyView(screen, self.surveyed, lambda: self.chosen.sure)
        self.chosen: PositionSettings = screen.session.settings.position
        self.foreseen: PlacesForeseen | None = None
        self._resharing: Timer | None = None

    def restore(self) -> None:
        """Restore the settings that the person chose before."""
        self.chosen = position_settings.remembered(
            self._session.settings.position, self._session.project.recall(_REMEMBERED)
        )
        self.show_board()

    def choose(self, **changes: Any) -> None:
        """Change settings and remember them; studio.toml is not changed."""
        self.chosen = msgspec.structs.replace(self.chosen, **changes)
        self._session.project.remember(
            _REMEMBERED, position_settings.to_remember(self._session.settings.position, self.chosen)
        )
        self.rows.show_survey()
        if self.chosen.strategy == "inverse" and not self._session.placing.weighted(self.chosen).weights:
            self._screen.app.notify(
                "inverse goes by a probe, and there is none yet: b makes one. Until then it is even."
            )

    def surveyed(self) -> None:
        """Share the places out anew; with very many rows, only once no change has come for a second."""
        if self._resharing is not None:
            self._resharing.stop()
        if len(self.rows.survey) < _MANY:
            self._foresee()
        else:
            self._resharing = self._screen.set_timer(_REST, self._foresee)

    def _foresee(self) -> None:
        self._screen.studio.jobs.start(
            "foresee", self._session.placing.foresee(self.rows.survey, self.chosen), self._saw, anew=True
        )

    def _saw(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, PlacesForeseen):
                self.foreseen = event
        if self._screen.is_attached:
            self.show_board()
            self._screen.show_detail()

    def show_board(self) -> None:
        """Paint the board, as high as it has to be."""
        curve = self._curve(self._screen.size.width)
        # Three lines besides the curve: the places now, the places then, and the rule below.
        self.board.styles.height = 3 + len(curve)
        self.board.show(lambda width: [*details.board_lines(self.foreseen, self.chosen, width), *curve])

    def target(self, row_id: int) -> int | None:
        """The place that the chosen strategy gives a row's gold segment; None where it gives none."""
        index = self.rows.survey.index_of(row_id)
        if self.foreseen is None or index is None or index >= len(self.foreseen.targets):
            return None
        target = self.foreseen.targets[index]
        return target if target >= 0 else None
