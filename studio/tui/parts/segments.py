"""One row of the Position stage: its segments, the gold one among them, and what the chosen strategy makes of it."""

from __future__ import annotations

import msgspec

from studio.curate.placing.arranging import Arranged
from studio.curate.segments.context import Context, answer_of
from studio.curate.segments.guards import Guard
from studio.store.rows import StoredRow
from studio.tui.details import positions as details
from studio.tui.details.positions import Then
from studio.tui.ink import Line, Span
from studio.tui.parts.placing_plan import PlacingPlan
from studio.tui.screens.stage import StageScreen

_FOLDED, _WHOLE, _THEN = range(3)


class SegmentPage:
    """The segments of the row under the cursor, and keys that move its gold one."""

    def __init__(self, screen: StageScreen, plan: PlacingPlan) -> None:
        self._screen, self._session, self._plan, self._rows = screen, screen.session, plan, plan.rows
        # The selected segment (-1: the gold one, or the first), and the id of its row.
        self._selected, self._of = -1, 0
        self._text = _FOLDED

    def show_detail(self) -> None:
        """Show the segments of the row under the cursor."""
        row = self._rows.current
        context = self._session.placing.context_of(row) if row else None
        if row is None or context is None:
            self._screen.page.show(lambda width: [])
            return
        if row.id != self._of or not 0 <= self._selected < len(context.segments):
            self._selected, self._of = context.gold.place or 0, row.id
        then = self._then(row)
        made: dict[int, tuple[int, int]] = {}

        def lines(width: int) -> list[Line]:
            found, made[0] = self._lines(row, context, then, width)
            return found

        self._screen.page.show(lines, keep_place=True)
        if made:
            self._screen.page.reveal(*made[0])

    def _lines(self, row: StoredRow, context: Context, then: Then, width: int) -> tuple[list[Line], tuple[int, int]]:
        """Everything about the row, and the lines on which the selected segment stands."""
        whole, selected = self._text != _FOLDED, self._selected
        head = details.head_lines(row, context, then, self._plan.chosen, width)
        if self._text == _THEN and then.context is not None and then.row is not None:
            head.append([Span("as it will be", "accept bold"), Span("   w: as it is", "muted")])
            row, context, selected = then.row, then.context, -1
        above, below = details.around_lines(row, context, width, whole=whole)
        words = answer_of(row.row).strip().rstrip(".。!！") if context.gold.by == "span" else ""
        middle, (first, last) = details.segment_lines(context, words, selected, width, whole=whole)
        start = len(head) + len(above)
        # When the first segment is selected, the page also shows the lines above it.
        return [*head, *above, *middle, *below], (start + first if first else 0, start + last)

    def _then(self, row: StoredRow) -> Then:
        """What the chosen strategy would make of a row."""
        made = self._session.placing.foresee_row(row, self._plan.chosen, self._plan.target(row.id))
        if isinstance(made, Guard):
            return Then(guard=made)
        if not isinstance(made, Arranged):
            return Then()
        after = msgspec.structs.replace(row, row=made.row, gold=made.plan.gold, placement=None)
        return Then(self._session.placing.context_of(after), made.plan, after)

    def command_segment_left(self) -> None:
        self._select(-1)

    def command_segment_right(self) -> None:
        self._select(1)

    def _select(self, by: int) -> None:
        if entry := self._rows.entry:
            self._selected = (self._selected + by) % entry.segments
            self.show_detail()

    def command_gold(self) -> None:
        if row := self._rows.current:
            said_before = row.gold == self._selected and row.gold_why is None
            self._session.placing.mark_gold(row.id, None if said_before else self._selected)
            self._screen.decided()

    def command_head(self) -> None:
        self._move(0)

    def command_middle(self) -> None:
        self._move((self._rows.entry.segments if self._rows.entry else 0) // 2)

    def command_tail(self) -> None:
        self._move((self._rows.entry.segments if self._rows.entry else 1) - 1)

    def command_forward(self) -> None:
        self._move_by(-1)

    def command_back(self) -> None:
        self._move_by(1)

    def _move_by(self, by: int) -> None:
        if entry := self._rows.entry:
            self._move(max(0, min((entry.gold or 0) + by, entry.segments - 1)))

    def _move(self, target: int) -> None:
        if (row := self._rows.current) and self._session.placing.place_one(row.id, target):
            self._selected = -1
            self._screen.decided()

    def command_text(self) -> None:
        self._text = (self._text + 1) % 3
        self.show_detail()
