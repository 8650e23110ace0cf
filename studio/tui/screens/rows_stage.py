"""Seeds and Evolve share this: a filtered view of rows that may hold millions, with one row's details."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import ClassVar

from textual import work

from studio.errors import StudioError
from studio.session import Session
from studio.store.filters import Filter, parse
from studio.store.rows import StoredRow
from studio.tui.details.rows import row_lines
from studio.tui.entries import RowEntries
from studio.tui.ink import Line
from studio.tui.screens.stage import StageScreen

# More rows than a terminal has lines.
_SCREENFUL = 200


class RowsStage(StageScreen):
    """A view of rows: base says which rows the stage is about, the typed filter narrows it."""

    BASE: Filter = Filter()
    MORE: ClassVar[str] = ""
    """Conditions that only this stage's filter knows, as its dialog lists them."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._entries = RowEntries([], session.rows.page)
        self._typed = ""
        self._filter = self.BASE
        self._whole = False

    # -- the view --------------------------------------------------------------------------------

    def restore(self, place: dict[str, object]) -> None:
        self._typed = str(place.get("filter", ""))
        try:
            self._filter = self.meant(self._typed)
        except StudioError:
            self._typed, self._filter = "", self.BASE
        row = place.get("row")
        self._open_view(row if isinstance(row, int) else 1)

    def place(self) -> dict[str, object]:
        return {"row": self._current_id, "filter": self._typed}

    def meant(self, typed: str) -> Filter:
        """The filter that was typed. Raises StudioError."""
        return parse(typed, self.BASE)

    def beginning(self, row_id: int, n: int) -> Sequence[int]:
        """Up to n ids of the view from row_id on, found at once."""
        return self.session.rows.ids_from(self._filter, row_id, n)

    async def view(self) -> Sequence[int]:
        """Every id of the view."""
        return await self.session.rows.view(self._filter)

    def _open_view(self, row_id: int) -> None:
        """Show a screenful from row_id at once; the whole view follows from a thread."""
        self._whole = False
        self._show(self.beginning(row_id, _SCREENFUL), 0)
        # Not before the first paint: finding a million ids takes the processor from it.
        self.call_after_refresh(self._load_view, row_id)

    @work(exclusive=True, group="view")
    async def _load_view(self, row_id: int) -> None:
        came_from = self._current_id
        ids = await self.view()
        self._whole = True
        # The cursor stays when the person has moved it meanwhile, or asked for a row that is not in this view.
        moved = self._current_id != came_from
        wanted = row_id if not moved and row_id in ids[_place_of(ids, row_id) :][:1] else self._current_id
        self._show(ids, _place_of(ids, wanted))
        self.show_header()

    def _show(self, ids: Sequence[int], cursor: int) -> None:
        self._entries = RowEntries(ids, self.session.rows.page)
        self.list.show(self._entries, cursor, self.nothing())
        self.show_detail()

    def nothing(self) -> str:
        """The text of an empty view."""
        return f"No row matches {self._typed!r}. / changes the filter." if self._typed else self.EMPTY

    def refresh_view(self) -> None:
        """Rows changed: paint them anew; the view itself is kept, so that nothing jumps away under the cursor."""
        self._entries.forget()
        self.list.repaint()
        self.show_detail()

    def came_back(self) -> None:
        self.reload_view()

    def reload_view(self) -> None:
        """Build the view anew around the cursor, after rows came or went."""
        self._load_view(self._current_id)

    @property
    def _current_id(self) -> int:
        return self._entries.ids[self.list.cursor] if self.list.cursor < len(self._entries) else 1

    @property
    def current(self) -> StoredRow | None:
        index = self.list.cursor
        return self._entries.at(index) if index < len(self._entries) else None

    def selected_row(self) -> StoredRow | None:
        return self.current

    def show_detail(self) -> None:
        row = self.current
        if row is None:
            self.page.show(lambda width: [])
            return
        self.page.show(lambda width: self.lines(row, width))

    def lines(self, row: StoredRow, width: int) -> list[Line]:
        """A row's details."""
        return row_lines(row, self.session.rows.origin(row), width, near=self.session.neighbours.words(row.id))

    def title_note(self) -> str:
        at = f"{self.list.cursor + 1:,}/{len(self._entries):,}" if self._whole and len(self._entries) else "…"
        if self._whole and not len(self._entries):
            at = "0"
        return f"/{self._typed}  {at}" if self._typed else at

    def go_to_row(self, row_id: int) -> None:
        index = _place_of(self._entries.ids, row_id)
        if index < len(self._entries.ids) and self._entries.ids[index] == row_id:
            self.move_to(index)
        else:
            # Rejected before the last start, it was not in this view; now it may be.
            self._load_view(row_id)

    # -- commands --------------------------------------------------------------------------------

    def command_seed(self) -> None:
        if row := self.current:
            self.session.rows.set_seed(row.id, not row.seed)
            self.decided()

    def key_escape(self) -> None:
        """Drop the filter and show every row of the stage."""
        if self._typed:
            self._filtered("")

    def command_tag(self) -> None:
        from studio.tui.dialogs.questions import Ask

        if row := self.current:
            told = Ask(
                f"Tags of #{row.id}", " ".join(row.tags), "words with spaces between them; empty takes them away"
            )
            self.app.push_screen(told, lambda typed: self._tagged(row.id, typed))

    def _tagged(self, row_id: int, typed: str | None) -> None:
        if typed is not None:
            self.session.rows.set_tags([row_id], typed.split())
            self.decided()

    def command_score(self) -> None:
        from studio.tui.dialogs.questions import Ask

        if row := self.current:
            now = "" if row.score is None else f"{row.score:g}"
            told = Ask(f"Score of #{row.id}", now, "a number of your own scale; empty takes it away")
            self.app.push_screen(told, lambda typed: self._scored(row.id, typed))

    def _scored(self, row_id: int, typed: str | None) -> None:
        if typed is None:
            return
        try:
            score = float(typed) if typed else None
        except ValueError:
            self.app.notify(f"{typed!r} is not a number.", severity="error")
            return
        self.session.rows.set_score([row_id], score)
        self.decided()

    def command_filter(self) -> None:
        from studio.tui.dialogs.questions import Ask

        known = "words, status:pending, type:sft, seed:yes, rule:no-gain, tag:, method:, score:3"
        hint = f"{known}{self.MORE}; empty shows all"
        self.app.push_screen(Ask("Filter", self._typed, hint), self._filtered)

    def _filtered(self, typed: str | None) -> None:
        if typed is None:
            return
        try:
            self._filter = self.meant(typed)
        except StudioError as error:
            self.studio.complain(error)
            return
        self._typed = typed
        self._open_view(1)
        self.remember()


def _place_of(ids: Sequence[int], row_id: int) -> int:
    """The place of row_id in ascending ids, or that of the next greater id."""

    return min(bisect.bisect_left(ids, row_id), max(len(ids) - 1, 0))
