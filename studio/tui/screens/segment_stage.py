"""One row of the Position stage: its segments, the gold one among them, and what the chosen strategy makes of it."""

from __future__ import annotations

from typing import Any

import msgspec
from textual.app import ComposeResult
from textual.timer import Timer

from studio.curate.placing.arranging import Arranged
from studio.curate.segments.context import Context, answer_of
from studio.curate.segments.guards import Guard
from studio.jobs.events import Event
from studio.jobs.placement.events import PlacesForeseen
from studio.session import Session
from studio.settings import PositionSettings
from studio.store.rows import StoredRow
from studio.tui import position_settings
from studio.tui.details import positions as details
from studio.tui.details.positions import Then
from studio.tui.ink import Line, Span
from studio.tui.screens.survey_stage import SurveyStage
from studio.tui.widgets.page import Page

_REMEMBERED = "position.settings"
_FOLDED, _WHOLE, _THEN = range(3)
# Sharing out the places of so many rows takes a tenth of a second.
_MANY, _REST = 50_000, 1.0


class SegmentStage(SurveyStage):
    """The board with the histograms, the segments of the row under the cursor, keys that move its gold one."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.board = Page(id="board")
        self.chosen: PositionSettings = session.settings.position
        self.foreseen: PlacesForeseen | None = None
        self._resharing: Timer | None = None
        # -1: the gold one, or the first; and of which row that is.
        self._selected, self._of = -1, 0
        self._text = _FOLDED

    def above(self) -> ComposeResult:
        yield self.board

    @property
    def threshold(self) -> float:
        return self.chosen.sure

    def restore(self, place: dict[str, object]) -> None:
        self.chosen = position_settings.remembered(
            self.session.settings.position, self.session.project.recall(_REMEMBERED)
        )
        self._show_board()
        super().restore(place)

    def choose(self, **changes: Any) -> None:
        """Go by other settings from now on; they are remembered, studio.toml stays."""
        self.chosen = msgspec.structs.replace(self.chosen, **changes)
        self.session.project.remember(
            _REMEMBERED, position_settings.to_remember(self.session.settings.position, self.chosen)
        )
        self._show_survey()

    # -- the board -------------------------------------------------------------------------------

    def surveyed(self) -> None:
        """Share the places out anew; over very many rows not before the person rests."""
        if self._resharing is not None:
            self._resharing.stop()
        if len(self.survey) < _MANY:
            self._foresee()
        else:
            self._resharing = self.set_timer(_REST, self._foresee)

    def _foresee(self) -> None:
        self.studio.jobs.start("foresee", self.session.placing.foresee(self.survey, self.chosen), self._saw, anew=True)

    def _saw(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, PlacesForeseen):
                self.foreseen = event
        if self.is_attached:
            self._show_board()
            self.show_detail()

    def _show_board(self) -> None:
        curve = self._curve_lines(self.size.width)
        # Now, then, the curve, and the rule below.
        self.board.styles.height = 3 + len(curve)
        self.board.show(lambda width: [*details.board_lines(self.foreseen, self.chosen, width), *curve])

    def _curve_lines(self, width: int) -> list[Line]:
        """The curve of a probe: how well a model finds what stands in each tenth."""
        return []

    # -- the row ---------------------------------------------------------------------------------

    def show_detail(self) -> None:
        row = self.current
        context = self.session.placing.context_of(row) if row else None
        if row is None or context is None:
            self.page.show(lambda width: [])
            return
        if row.id != self._of or not 0 <= self._selected < len(context.segments):
            self._selected, self._of = context.gold.place or 0, row.id
        then = self._then(row)
        made: dict[int, tuple[int, int]] = {}

        def lines(width: int) -> list[Line]:
            found, made[0] = self._lines(row, context, then, width)
            return found

        self.page.show(lines, keep_place=True)
        if made:
            self.page.reveal(*made[0])

    def _lines(self, row: StoredRow, context: Context, then: Then, width: int) -> tuple[list[Line], tuple[int, int]]:
        """Everything about the row, and the lines on which the selected segment stands."""
        whole, selected = self._text != _FOLDED, self._selected
        head = details.head_lines(row, context, then, self.chosen, width)
        if self._text == _THEN and then.context is not None and then.row is not None:
            head.append([Span("as it will be", "accept bold"), Span("   w: as it is", "muted")])
            row, context, selected = then.row, then.context, -1
        above, below = details.around_lines(row, context, width, whole=whole)
        words = answer_of(row.row).strip().rstrip(".。!！") if context.gold.by == "span" else ""
        middle, (first, last) = details.segment_lines(context, words, selected, width, whole=whole)
        start = len(head) + len(above)
        # The first segment is shown with what stands above it.
        return [*head, *above, *middle, *below], (start + first if first else 0, start + last)

    def _then(self, row: StoredRow) -> Then:
        """What the chosen strategy would make of a row."""
        made = self.session.placing.foresee_row(row, self.chosen, self.target(row.id))
        if isinstance(made, Guard):
            return Then(guard=made)
        if not isinstance(made, Arranged):
            return Then()
        after = msgspec.structs.replace(row, row=made.row, gold=made.plan.gold, placement=None)
        return Then(self.session.placing.context_of(after), made.plan, after)

    def target(self, row_id: int) -> int | None:
        """Where the chosen strategy wants a row's gold segment; None where it names no place."""
        index = self.survey.index_of(row_id)
        if self.foreseen is None or index is None or index >= len(self.foreseen.targets):
            return None
        target = self.foreseen.targets[index]
        return target if target >= 0 else None

    # -- commands --------------------------------------------------------------------------------

    def command_segment_left(self) -> None:
        self._select(-1)

    def command_segment_right(self) -> None:
        self._select(1)

    def _select(self, by: int) -> None:
        if entry := self.entry:
            self._selected = (self._selected + by) % entry.segments
            self.show_detail()

    def command_gold(self) -> None:
        if row := self.current:
            said_before = row.gold == self._selected and row.gold_why is None
            self.session.placing.mark_gold(row.id, None if said_before else self._selected)
            self.decided()

    def command_head(self) -> None:
        self._move(0)

    def command_middle(self) -> None:
        self._move((self.entry.segments if self.entry else 0) // 2)

    def command_tail(self) -> None:
        self._move((self.entry.segments if self.entry else 1) - 1)

    def command_forward(self) -> None:
        self._move_by(-1)

    def command_back(self) -> None:
        self._move_by(1)

    def _move_by(self, by: int) -> None:
        if entry := self.entry:
            self._move(max(0, min((entry.gold or 0) + by, entry.segments - 1)))

    def _move(self, target: int) -> None:
        if (row := self.current) and self.session.placing.place_one(row.id, target):
            self._selected = -1
            self.decided()

    def command_text(self) -> None:
        self._text = (self._text + 1) % 3
        self.show_detail()

    def command_mark(self) -> None:
        if (row_id := self.entry_id) is not None:
            self.marked ^= {row_id}
            self.move_to(self.list.cursor + 1)
            self.list.repaint()
            self.show_header()

    def command_mark_all(self) -> None:
        shown = set(self._window.ids)
        self.marked = self.marked - shown if shown <= self.marked else self.marked | shown
        self.list.repaint()
        self.show_header()
