"""Rows with segments as a list that may be long: surveyed in a thread, filtered, marked, kept up to date."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Mapping, Sequence

from textual import work

from studio.alpaca.rows import prompt_text
from studio.errors import StudioError
from studio.jobs.events import Event, Progressed
from studio.jobs.placement.entries import Entry, Survey
from studio.jobs.placement.events import SegmentsSurveyed
from studio.session import Session
from studio.store.filters import Filter
from studio.store.rows import StoredRow
from studio.tui.details.positions import entry_line
from studio.tui.entries import RowWindow
from studio.tui.ink import Line
from studio.tui.position_filter import HINT, PositionFilter, parse, select
from studio.tui.screens.stage import StageScreen

# So many changed rows are looked at while the person waits, more of them in a thread.
_AT_ONCE = 100
_READ = 400


class SurveyStage(StageScreen):
    """The survey, and a list of those of its rows that the filter lets through."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.survey = Survey()
        self.marked: set[int] = set()
        self._shown = array("q")
        self._edition: tuple[int, int, int] | None = None
        self._window = RowWindow([], session.rows.page)
        self._typed = ""
        self._filter = PositionFilter()
        self._wanted: object = None
        self._progress = ""
        # What `session.changes` was when the survey was right; None before the first one.
        self._known: tuple[int, int] | None = None

    @property
    def threshold(self) -> float:
        """Confidence from which on a gold segment counts as known."""
        return self.session.settings.position.sure

    # -- as the list's entries -------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._shown)

    def __bool__(self) -> bool:
        return True

    def line(self, index: int, width: int) -> Line:
        entry, row = self.survey.at(self._shown[index]), self._window.at(index)
        text = prompt_text(row.row)[:_READ] if row else ""
        return entry_line(entry, row, text, threshold=self.threshold, marked=entry.row_id in self.marked)

    # -- the view --------------------------------------------------------------------------------

    def restore(self, place: dict[str, object]) -> None:
        self._wanted = place.get("row")
        try:
            self._typed = str(place.get("filter", ""))
            self._filter = parse(self._typed)
        except StudioError:
            self._typed, self._filter = "", PositionFilter()
        self._look(None)

    def place(self) -> dict[str, object]:
        row = self.current
        return {"row": row.id if row else None, "filter": self._typed}

    @property
    def entry(self) -> Entry | None:
        """What the survey says of the row under the cursor."""
        index = self.list.cursor
        return self.survey.at(self._shown[index]) if index < len(self._shown) else None

    @property
    def current(self) -> StoredRow | None:
        index = self.list.cursor
        return self._window.at(index) if index < len(self._window) else None

    def selected_row(self) -> StoredRow | None:
        return self.current

    def surveyed(self) -> None:
        """The survey has changed. Subclasses say what hangs on it."""

    def refresh_view(self) -> None:
        """Rows were decided on: look at those again, and at none else."""
        if self._known is None or self.studio.jobs.running("segments"):
            self._refresh_current()
            return
        touched = self.session.project.touched_since(self._known)
        if sum(map(len, touched)) > _AT_ONCE:
            self._look(sorted(set().union(*touched)))
            return
        self._known = self.session.project.changes
        for row_id in set().union(*touched):
            self.survey.replace(row_id, self.session.placing.survey_entry(row_id))
        self._show_survey()

    def _refresh_current(self) -> None:
        """While a survey is under way, which sees no decision: the row that is looked at, at least."""
        if (row_id := self.entry_id) is not None and self.survey.index_of(row_id) is not None:
            if entry := self.session.placing.survey_entry(row_id):
                self.survey.replace(row_id, entry)
            self._window.forget()
            self.list.repaint()
            self.show_detail()

    def note(self, known: Mapping[int, Entry]) -> None:
        """Rows were decided on, and what became of these is known: the survey need not look at them again."""
        if self._known is None:
            return
        others = set().union(*self.session.project.touched_since(self._known)) - known.keys()
        if len(others) > _AT_ONCE:
            return
        self._known = self.session.project.changes
        for row_id, entry in known.items():
            self.survey.replace(row_id, entry)
        for row_id in others:
            self.survey.replace(row_id, self.session.placing.survey_entry(row_id))

    def _look(self, ids: Sequence[int] | None) -> None:
        """Survey every row, or these, in a thread."""
        since = self.session.project.changes
        if ids is None:
            self.list.show(self, empty="Looking for rows with segments…")
        self.studio.jobs.start(
            "segments",
            self.session.placing.survey_segments(ids),
            lambda events: self._seen(events, ids, since),
            self._looked,
        )

    def _seen(self, events: list[Event], ids: Sequence[int] | None, since: tuple[int, int]) -> None:
        for event in events:
            if isinstance(event, Progressed):
                self._progress = f"looked at {event.done:,}/{event.total:,}"
            elif isinstance(event, SegmentsSurveyed) and ids is None:
                self.survey = event.survey
                self._known = since if event.whole else None
            elif isinstance(event, SegmentsSurveyed):
                for row_id in ids or ():
                    index = event.survey.index_of(row_id)
                    self.survey.replace(row_id, None if index is None else event.survey.at(index))
                self._known = since
        if any(isinstance(event, SegmentsSurveyed) for event in events):
            self._show_survey()
        self.show_header()

    def _looked(self) -> None:
        self._progress = ""
        if self.is_attached:
            # What was decided meanwhile, the survey has not seen.
            self.decided()

    def _show_survey(self) -> None:
        edition = (id(self.survey), self.survey.edition, len(self.survey))
        if not self._typed and edition == self._edition:
            # The same rows as before, perhaps a million of them: only what is seen of them is painted anew.
            self._window.forget()
            self.list.repaint()
            self._shown_anew()
            return
        self._edition = edition if not self._typed else None
        if self._filter.words:
            self._select_with_words()
        else:
            self._show(select(self.survey, self._filter, self.threshold))

    @work(exclusive=True, group="select")
    async def _select_with_words(self) -> None:
        """Words are sought in the rows' texts, in a thread."""
        having = set(await self.session.rows.view(Filter(text=self._filter.words)))
        threshold = self.threshold
        self._show(await asyncio.to_thread(select, self.survey, self._filter, threshold, having))

    def _show(self, shown: array[int]) -> None:
        """Show these rows of the survey, the cursor where it was."""
        row = self.entry_id if self._wanted is None else self._wanted
        self._wanted = None if len(shown) else self._wanted
        self._shown = shown
        self._window = RowWindow(array("q", [self.survey.ids[index] for index in shown]), self.session.rows.page)
        ids = self._window.ids
        cursor = ids.index(row) if row in ids else None
        nothing = f"No row matches {self._typed!r}. / changes the filter." if self._typed else self.EMPTY
        self.list.show(self, cursor, nothing)
        self._shown_anew()

    def _shown_anew(self) -> None:
        self.surveyed()
        self.show_detail()
        self.show_header()

    @property
    def entry_id(self) -> int | None:
        """The row under the cursor."""
        index = self.list.cursor
        return self._window.ids[index] if index < len(self._window) else None

    def title_note(self) -> str:
        if self._progress:
            return self._progress
        marked = f"● {len(self.marked):,}  " if self.marked else ""
        typed = f"/{self._typed}  " if self._typed else ""
        at = f"{self.list.cursor + 1:,}/{len(self):,}" if len(self) else "0"
        return f"{marked}{typed}{at}"

    def go_to_row(self, row_id: int) -> None:
        ids = list(self._window.ids)
        if row_id in ids:
            self.move_to(ids.index(row_id))

    # -- the filter ------------------------------------------------------------------------------

    def command_filter(self) -> None:
        from studio.tui.dialogs.questions import Ask

        self.app.push_screen(Ask("Filter", self._typed, f"{HINT}; empty shows all"), self.filtered)

    def filtered(self, typed: str | None) -> None:
        """Show only what the typed filter lets through."""
        if typed is None:
            return
        try:
            self._filter = parse(typed)
        except StudioError as error:
            self.studio.complain(error)
            return
        self._typed = typed
        self._show_survey()
        self.remember()

    def key_escape(self) -> None:
        """Out of the filter, back to every row."""
        if self._typed:
            self.filtered("")
