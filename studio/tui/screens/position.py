"""Stage 4: rows with several segments: mark the gold one, move it, spread it evenly over all rows."""

from __future__ import annotations

from typing import ClassVar

from studio.alpaca.rows import prompt_text
from studio.curate.context import Context, context_of
from studio.curate.placement import histogram, imbalance
from studio.jobs.events import Event, Placed, Progressed, Segmented
from studio.session import Session
from studio.settings import Strategy
from studio.store.rows import StoredRow
from studio.tui.commands import Stage
from studio.tui.details import field_lines, histogram_line
from studio.tui.entries import RowWindow
from studio.tui.flow import flow
from studio.tui.ink import Line, Span
from studio.tui.screens.stage import StageScreen


class PositionScreen(StageScreen):
    """The rows that have segments; below, the segments of one and the histogram of all."""

    stage: ClassVar[Stage] = "position"
    JOBS = ("segments", "place")
    EMPTY = "No row has several segments (documents or paragraphs)."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._window = RowWindow([], session.rows.page)
        self._golds: dict[int, tuple[int | None, int]] = {}
        self._was: list[int] | None = None
        self._selected = 0
        self._shown_at = (0, 0)
        self._progress = ""
        self._wanted: object = None

    # -- as the list's entries -------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._window)

    def __bool__(self) -> bool:
        return True

    def line(self, index: int, width: int) -> Line:
        row = self._window.at(index)
        if row is None:
            return [Span("…", "muted")]
        gold, count = self._golds[row.id]
        marks = "".join("★" if number == gold else "·" for number in range(count))
        return [
            Span(f"{row.id:>6} ", "muted"),
            Span(f"{marks:<10} ", "gold"),
            Span(prompt_text(row.row)[:400]),
        ]

    # -- the view --------------------------------------------------------------------------------

    def restore(self, place: dict[str, object]) -> None:
        self._wanted = place.get("row")
        self.refresh_view()

    def place(self) -> dict[str, object]:
        row = self.current
        return {"row": row.id if row else None}

    def refresh_view(self) -> None:
        if not self.studio.jobs.running("segments"):
            self.list.show(self, empty="Looking for rows with segments…")
            self.studio.jobs.start("segments", self.session.survey_segments(), self._seen, self._ended)

    @property
    def current(self) -> StoredRow | None:
        index = self.list.cursor
        return self._window.at(index) if index < len(self._window) else None

    def selected_row(self) -> StoredRow | None:
        return self.current

    def _chosen(self) -> tuple[StoredRow, Context] | None:
        row = self.current
        context = context_of(row.row, row.gold) if row else None
        return (row, context) if row and context else None

    def _seen(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Progressed):
                self._progress = f"looked at {event.done:,}/{event.total:,}"
            elif isinstance(event, Segmented):
                self._progress = ""
                row = self.current
                wanted = self._wanted if self._wanted is not None else row.id if row else None
                self._wanted = None
                ids = [row_id for row_id, _, _ in event.rows]
                self._golds = {row_id: (gold, count) for row_id, gold, count in event.rows}
                self._window = RowWindow(ids, self.session.rows.page)
                self.list.show(self, ids.index(wanted) if wanted in ids else None, self.EMPTY)
                self.show_detail()
            elif isinstance(event, Placed):
                skipped = sum(len(ids) for ids in event.skipped.values())
                self._was = histogram(event.before)
                self.studio.notify(f"moved gold in {len(event.placements)} rows, left {skipped}; u takes it back")
        self.show_header()

    def _ended(self) -> None:
        self._progress = ""
        if self.is_attached:
            self.show_header()

    def moved(self) -> None:
        self._selected = 0
        super().moved()

    def show_detail(self) -> None:
        found = self._chosen()
        if found is None:
            self.page.show(lambda width: [])
            return
        row, context = found
        self._selected = min(self._selected, len(context.segments) - 1)
        self.page.show(lambda width: self._lines(row, context, width), keep_place=True)
        self.page.reveal(*self._shown_at)

    def _lines(self, row: StoredRow, context: Context, width: int) -> list[Line]:
        now = [(gold, count) for gold, count in self._golds.values() if gold is not None]
        even = "uneven" if imbalance(now).uneven else "even enough"
        lines: list[Line] = []
        if self._was is not None:
            lines += flow(histogram_line("before", self._was), width)
        lines += flow([*histogram_line("gold", histogram(now)), Span(f"  {even}", "muted")], width)
        if context.obstacle:
            lines += flow([Span(f"stays: its text says {context.obstacle!r}", "reject")], width)
        if context.why:
            lines += flow([Span(f"★ gold: {context.why}", "gold")], width)
        if context.field == "input":
            lines += field_lines(
                "instruction", prompt_text(row.row).removesuffix(context.segments.join()).strip(), width
            )
        for number, (label, body) in enumerate(zip(context.segments.labels, context.segments.bodies, strict=True)):
            gold = "★" if number == context.gold else " "
            chosen = number == self._selected
            head = Span(f"{'▶' if chosen else ' '}{gold}{number + 1} ", "gold")
            first = len(lines)
            lines += flow([head, Span(label, "muted"), Span(body.strip(), " bold" if chosen else "")], width)
            if chosen:
                # The first segment is shown with what stands above it.
                self._shown_at = (first if number else 0, len(lines) - 1)
        answer = getattr(row.row, "output", "") or getattr(row.row, "chosen", "")
        return [*lines, *field_lines("output", answer, width)]

    def title_note(self) -> str:
        known = sum(gold is not None for gold, _ in self._golds.values())
        return self._progress or f"{known} gold of {len(self._golds)} rows"

    def go_to_row(self, row_id: int) -> None:
        ids = list(self._window.ids)
        if row_id in ids:
            self.move_to(ids.index(row_id))

    # -- commands --------------------------------------------------------------------------------

    def command_segment_left(self) -> None:
        self._select(-1)

    def command_segment_right(self) -> None:
        self._select(1)

    def _select(self, by: int) -> None:
        if found := self._chosen():
            self._selected = (self._selected + by) % len(found[1].segments)
            self.show_detail()

    def command_gold(self) -> None:
        if found := self._chosen():
            self.session.mark_gold(found[0].id, self._selected)
            self._row_decided(found[0].id)

    def _row_decided(self, row_id: int) -> None:
        """One row changed here: look at that one again, not at a million."""
        row = self.session.rows.get(row_id)
        context = context_of(row.row, row.gold) if row else None
        if context is not None:
            self._golds[row_id] = (context.gold, len(context.segments))
        self._window.forget()
        self.list.repaint()
        self.show_detail()
        self.noted()

    def _move(self, strategy: Strategy) -> None:
        found = self._chosen()
        if found is None:
            return
        row, context = found
        if context.gold is None:
            self.studio.notify("No gold segment yet: select one with ← → and mark it with m", severity="warning")
        else:
            self.session.place_one(row.id, strategy)
            self._row_decided(row.id)

    def command_head(self) -> None:
        self._move("head")

    def command_middle(self) -> None:
        self._move("middle")

    def command_tail(self) -> None:
        self._move("tail")

    def command_balance(self) -> None:
        self.studio.jobs.start("place", self.session.place("balanced"), self._seen, self.refresh_view)
