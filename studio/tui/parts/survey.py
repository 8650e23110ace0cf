"""Rows with segments as a list that may be long: surveyed in a thread, filtered, marked, kept up to date."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Mapping, Sequence

from studio.alpaca.rows import prompt_text
from studio.errors import StudioError
from studio.jobs.events import Event, Progressed
from studio.jobs.placement.entries import Entry, Survey
from studio.jobs.placement.events import SegmentsSurveyed
from studio.store.filters import Filter
from studio.store.rows import StoredRow
from studio.tui.details.positions import entry_line
from studio.tui.entries import RowWindow
from studio.tui.ink import Line
from studio.tui.position_filter import HINT, PositionFilter, parse, select
from studio.tui.screens.stage import StageScreen

# Up to this many changed rows are surveyed at once; more of them in a thread.
_AT_ONCE = 100
_READ = 400


class SurveyView:
    """The survey, and a list of those of its rows that the filter lets through.

    progress: how far the job is that surveys or changes rows. surveyed: called when the survey has changed. threshold:
    the confidence from which on a gold segment counts as known.
    """

    EMPTY = "No row has several segments (documents, list entries, paragraphs)."

    def __init__(self, screen: StageScreen, surveyed: Callable[[], None], threshold: Callable[[], float]) -> None:
        self._screen, self._session = screen, screen.session
        self._surveyed, self._threshold = surveyed, threshold
        self.survey = Survey()
        self.marked: set[int] = set()
        self._shown = array("q")
        self._edition: tuple[int, int, int] | None = None
        self._window = RowWindow([], screen.session.rows.page)
        self.typed = ""
        self._filter = PositionFilter()
        self._wanted: object = None
        self.progress = ""
        # The value of `session.changes` at which the survey was up to date; None before the first survey.
        self._known: tuple[int, int] | None = None

    @property
    def threshold(self) -> float:
        """Confidence from which on a gold segment counts as known."""
        return self._threshold()

    # -- as the list's entries -------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._shown)

    def __bool__(self) -> bool:
        return True

    def line(self, index: int, width: int) -> Line:
        """A row in the list."""
        entry, row = self.survey.at(self._shown[index]), self._window.at(index)
        text = prompt_text(row.row)[:_READ] if row else ""
        return entry_line(entry, row, text, threshold=self.threshold, marked=entry.row_id in self.marked)

    # -- the view --------------------------------------------------------------------------------

    def restore(self, place: dict[str, object]) -> None:
        """Go back to a remembered place, and look at the rows."""
        self._wanted = place.get("row")
        try:
            self.typed = str(place.get("filter", ""))
            self._filter = parse(self.typed)
        except StudioError:
            self.typed, self._filter = "", PositionFilter()
        self._look(None)

    def place(self) -> dict[str, object]:
        """The row under the cursor and the filter, to be restored later."""
        row = self.current
        return {"row": row.id if row else None, "filter": self.typed}

    @property
    def entry(self) -> Entry | None:
        """What the survey says of the row under the cursor."""
        index = self._screen.list.cursor
        return self.survey.at(self._shown[index]) if index < len(self._shown) else None

    @property
    def current(self) -> StoredRow | None:
        """The row under the cursor."""
        index = self._screen.list.cursor
        return self._window.at(index) if index < len(self._window) else None

    @property
    def ids(self) -> Sequence[int]:
        """The rows that are shown."""
        return self._window.ids

    def follow(self) -> None:
        """Survey again the rows that decisions have changed, and no others."""
        if self._known is None or self._screen.studio.jobs.running("segments"):
            self._refresh_current()
            return
        touched = self._session.project.touched_since(self._known)
        if sum(map(len, touched)) > _AT_ONCE:
            self._look(sorted(set().union(*touched)))
            return
        self._known = self._session.project.changes
        for row_id in set().union(*touched):
            self.survey.replace(row_id, self._session.placing.survey_entry(row_id))
        self.show_survey()

    def _refresh_current(self) -> None:
        """Update the row under the cursor while a survey runs, since that survey misses decisions made meanwhile."""
        if (row_id := self.entry_id) is not None and self.survey.index_of(row_id) is not None:
            if entry := self._session.placing.survey_entry(row_id):
                self.survey.replace(row_id, entry)
            self._window.forget()
            self._screen.list.repaint()
            self._screen.show_detail()

    def know(self, known: Mapping[int, Entry]) -> None:
        """Enter the known outcome of decisions on these rows, so that they need not be surveyed again."""
        if self._known is None:
            return
        others = set().union(*self._session.project.touched_since(self._known)) - known.keys()
        if len(others) > _AT_ONCE:
            return
        self._known = self._session.project.changes
        for row_id, entry in known.items():
            self.survey.replace(row_id, entry)
        for row_id in others:
            self.survey.replace(row_id, self._session.placing.survey_entry(row_id))

    def _look(self, ids: Sequence[int] | None) -> None:
        """Survey every row, or these, in a thread."""
        since = self._session.project.changes
        if ids is None:
            self._screen.list.show(self, empty="Looking for rows with segments…")
        self._screen.studio.jobs.start(
            "segments",
            self._session.placing.survey_segments(ids),
            lambda events: self._seen(events, ids, since),
            self._looked,
        )

    def _seen(self, events: list[Event], ids: Sequence[int] | None, since: tuple[int, int]) -> None:
        for event in events:
            if isinstance(event, Progressed):
                self.progress = f"looked at {event.done:,}/{event.total:,}"
            elif isinstance(event, SegmentsSurveyed) and ids is None:
                self.survey = event.survey
                self._known = since if event.whole else None
            elif isinstance(event, SegmentsSurveyed):
                for row_id in ids or ():
                    index = event.survey.index_of(row_id)
                    self.survey.replace(row_id, None if index is None else event.survey.at(index))
                self._known = since
        if any(isinstance(event, SegmentsSurveyed) for event in events):
            self.show_survey()
        self._screen.show_header()

    def _looked(self) -> None:
        self.progress = ""
        if self._screen.is_attached:
            # The survey has not seen decisions made while it ran.
            self._screen.decided()

    def show_survey(self) -> None:
        """Show the rows of the present survey that pass the filter."""
        edition = (id(self.survey), self.survey.edition, len(self.survey))
        if not self.typed and edition == self._edition:
            # The list has the same rows as before, perhaps a million: repaint only the visible ones.
            self._window.forget()
            self._screen.list.repaint()
            self._shown_anew()
            return
        self._edition = edition if not self.typed else None
        if self._filter.words:
            self._screen.run_worker(self._select_with_words(), exclusive=True, group="select")
        else:
            self._show(select(self.survey, self._filter, self.threshold))

    async def _select_with_words(self) -> None:
        """Words are sought in the rows' texts, in a thread."""
        having = set(await self._session.rows.view(Filter(text=self._filter.words)))
        threshold = self.threshold
        self._show(await asyncio.to_thread(select, self.survey, self._filter, threshold, having))

    def _show(self, shown: array[int]) -> None:
        """Show these rows of the survey, the cursor where it was."""
        row = self.entry_id if self._wanted is None else self._wanted
        self._wanted = None if len(shown) else self._wanted
        self._shown = shown
        self._window = RowWindow(array("q", [self.survey.ids[index] for index in shown]), self._session.rows.page)
        ids = self._window.ids
        cursor = ids.index(row) if row in ids else None
        nothing = f"No row matches {self.typed!r}. / changes the filter." if self.typed else self.EMPTY
        self._screen.list.show(self, cursor, nothing)
        self._shown_anew()

    def _shown_anew(self) -> None:
        self._surveyed()
        self._screen.show_detail()
        self._screen.show_header()

    @property
    def entry_id(self) -> int | None:
        """The row under the cursor."""
        index = self._screen.list.cursor
        return self._window.ids[index] if index < len(self._window) else None

    def title(self) -> str:
        """The header's note: the progress of the survey, or the place of the cursor."""
        if self.progress:
            return self.progress
        marked = f"● {len(self.marked):,}  " if self.marked else ""
        typed = f"/{self.typed}  " if self.typed else ""
        at = f"{self._screen.list.cursor + 1:,}/{len(self):,}" if len(self) else "0"
        return f"{marked}{typed}{at}"

    def go_to(self, row_id: int) -> None:
        """Put the cursor on a row that is shown."""
        ids = list(self._window.ids)
        if row_id in ids:
            self._screen.move_to(ids.index(row_id))

    # -- the filter ------------------------------------------------------------------------------

    def command_filter(self) -> None:
        from studio.tui.dialogs.questions import Ask

        self._screen.app.push_screen(Ask("Filter", self.typed, f"{HINT}; empty shows all"), self.filtered)

    def filtered(self, typed: str | None) -> None:
        """Show only the rows that pass the typed filter."""
        if typed is None:
            return
        try:
            self._filter = parse(typed)
        except StudioError as error:
            self._screen.studio.complain(error)
            return
        self.typed = typed
        self.show_survey()
        self._screen.remember()

    # -- marks -----------------------------------------------------------------------------------

    def command_mark(self) -> None:
        if (row_id := self.entry_id) is not None:
            self.marked ^= {row_id}
            self._screen.move_to(self._screen.list.cursor + 1)
            self._screen.list.repaint()
            self._screen.show_header()

    def command_mark_all(self) -> None:
        shown = set(self.ids)
        self.marked = self.marked - shown if shown <= self.marked else self.marked | shown
        self._screen.list.repaint()
        self._screen.show_header()
