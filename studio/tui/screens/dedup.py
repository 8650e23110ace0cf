"""Stage 3: near-duplicates side by side, settled with one key each."""

from __future__ import annotations

from typing import ClassVar

from studio.alpaca.rows import prompt_text
from studio.jobs.events import Event, PairsFound, Progressed
from studio.session import Session
from studio.store.pairs import StoredPair, Verdict
from studio.text.display import columns, one_line
from studio.tui.commands import Stage
from studio.tui.ink import Line, Span
from studio.tui.pair_details import pair_lines
from studio.tui.screens.stage import StageScreen

_MARKS: dict[Verdict, str] = {"open": "•", "keep-left": "◀", "keep-right": "▶", "keep-both": "="}


class DedupScreen(StageScreen):
    """The list of pairs, open ones first, closest first; below, both rows with their differences."""

    stage: ClassVar[Stage] = "dedup"
    JOBS = ("dedup",)
    EMPTY = "No pairs: f finds near-duplicates."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._pairs: list[StoredPair] = []
        self._titles: dict[int, str] = {}
        self._progress = ""

    # -- as the list's entries -------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._pairs)

    def __bool__(self) -> bool:
        return True

    def line(self, index: int, width: int) -> Line:
        pair = self._pairs[index]
        half = max(8, (width - 11) // 2)
        left = one_line(f"#{pair.left} {self._title(pair.left)}", half)
        return [
            Span(f"{_MARKS[pair.verdict]} {pair.score:.3f} ", "duplicate" if pair.verdict == "open" else "muted"),
            Span(left + " " * (half - columns(left))),
            Span(" │ ", "muted"),
            Span(f"#{pair.right} {self._title(pair.right)}"),
        ]

    def _title(self, row_id: int) -> str:
        if row_id not in self._titles:
            row = self.session.rows.get(row_id)
            self._titles[row_id] = prompt_text(row.row)[:200] if row else ""
        return self._titles[row_id]

    # -- the view --------------------------------------------------------------------------------

    def restore(self, place: dict[str, object]) -> None:
        self.refresh_view()
        known = [pair.id for pair in self._pairs]
        if place.get("pair") in known:
            self.move_to(known.index(place["pair"]))  # type: ignore[arg-type]

    def place(self) -> dict[str, object]:
        return {"pair": self.current.id if self.current else None}

    @property
    def current(self) -> StoredPair | None:
        return self._pairs[self.list.cursor] if self.list.cursor < len(self._pairs) else None

    def refresh_view(self) -> None:
        """Pairs keep their places while they are settled; a new search sorts them anew."""
        fresh = {pair.id: pair for pair in self.session.pairs.all()}
        if fresh.keys() == {pair.id for pair in self._pairs}:
            self._pairs = [fresh[pair.id] for pair in self._pairs]
        else:
            self._pairs = list(fresh.values())
        self._titles.clear()
        self.list.show(self, empty=self.EMPTY)
        self.show_detail()

    def show_detail(self) -> None:
        pair = self.current
        left = self.session.rows.get(pair.left) if pair else None
        right = self.session.rows.get(pair.right) if pair else None
        if pair is None or left is None or right is None:
            self.page.show(lambda width: [])
        else:
            self.page.show(lambda width: pair_lines(left, right, pair.score, pair.verdict, width))

    def title_note(self) -> str:
        open_pairs = sum(pair.verdict == "open" for pair in self._pairs)
        return self._progress or f"{open_pairs} open of {len(self._pairs)}"

    # -- commands --------------------------------------------------------------------------------

    def command_find(self) -> None:
        self.studio.jobs.start("dedup", self.session.find_duplicates(), self._seen, self._ended)

    def _seen(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Progressed):
                self._progress = f"comparing {event.done:,}/{event.total:,}"
            elif isinstance(event, PairsFound):
                self.app.notify(f"{len(event.pairs)} near-duplicate pairs")
        self.show_header()

    def _ended(self) -> None:
        self._progress = ""
        if self.is_attached:
            self.refresh_view()
            self.show_header()

    def _settle(self, verdict: Verdict) -> None:
        if pair := self.current:
            self.session.settle(pair.id, verdict)
            self.decided()
            self.move_to(self.list.cursor + 1)
            self.remember()

    def command_keep_left(self) -> None:
        self._settle("keep-left")

    def command_keep_right(self) -> None:
        self._settle("keep-right")

    def command_keep_both(self) -> None:
        self._settle("keep-both")

    def command_keep_left_all(self) -> None:
        settled = self.session.settle_all("keep-left")
        self.decided()
        self.app.notify(f"kept the left row of {settled} pairs; u takes it back")

    def command_go_to_row(self) -> None:
        if pair := self.current:
            self.studio.go_to_row(pair.right)

    def go_to_row(self, row_id: int) -> None:
        found = [index for index, pair in enumerate(self._pairs) if row_id in (pair.left, pair.right)]
        if found and self.list.cursor not in found:
            self.move_to(found[0])
