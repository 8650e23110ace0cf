"""Stage 6: choose types, see what would be held back, write, verify."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from studio.alpaca.rows import ROW_TYPES, RowType
from studio.jobs.events import Event, Exported, Progressed
from studio.session import Session
from studio.tui.commands import Stage
from studio.tui.flow import flow
from studio.tui.ink import Line, Span
from studio.tui.screens.stage import StageScreen


class ExportScreen(StageScreen):
    """A line for each dataset type with its counts; below, what an export would do or did."""

    stage: ClassVar[Stage] = "export"
    JOBS = ("export",)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._off: set[RowType] = set()
        self._accepted_only = "pending" not in session.settings.export.statuses
        self._out = session.export_folder
        self._counts: dict[RowType, dict[str, int]] = {}
        self._result: Exported | None = None
        self._progress = ""

    # -- as the list's entries -------------------------------------------------------------------

    def __len__(self) -> int:
        return len(ROW_TYPES)

    def __bool__(self) -> bool:
        return True

    def line(self, index: int, width: int) -> Line:
        type = ROW_TYPES[index]
        counts = self._counts.get(type, {})
        on = type not in self._off
        going = counts.get("accepted", 0) + (0 if self._accepted_only else counts.get("pending", 0))
        return [
            Span(" [x] " if on else " [ ] ", "accept" if on else "muted"),
            Span(f"{type:<12}"),
            Span(f"{going:>9,} rows   " if on else f"{'-':>9}        "),
            Span(f"accepted {counts.get('accepted', 0):,}  pending {counts.get('pending', 0):,}", "muted"),
        ]

    # -- the view --------------------------------------------------------------------------------

    def restore(self, place: dict[str, object]) -> None:
        self._off = {type for type in ROW_TYPES if type in (place.get("off") or ())}  # type: ignore[operator]
        self._accepted_only = bool(place.get("accepted_only", self._accepted_only))
        self._out = Path(str(place.get("out", self._out)))
        self.refresh_view()
        self.move_to(int(str(place.get("line", 0))))

    def place(self) -> dict[str, object]:
        return {
            "off": sorted(self._off),
            "accepted_only": self._accepted_only,
            "out": str(self._out),
            "line": self.list.cursor,
        }

    def refresh_view(self) -> None:
        self._counts = self.session.stats()["types"]
        self.list.show(self)
        self.show_detail()

    def show_detail(self) -> None:
        self.page.show(self._lines)

    def title_note(self) -> str:
        return self._progress

    def _lines(self, width: int) -> list[Line]:
        which = "accepted rows only" if self._accepted_only else "accepted and pending rows"
        lines = flow([Span("to ", "muted"), Span(str(self._out)), Span(f"   {which}", "muted")], width)
        if self._progress:
            return [*lines, [Span(self._progress)]]
        if self._result is None:
            told = "w writes the files, reads them back as the trainer would, says what it held back."
            return [*lines, [], *flow([Span(told, "muted")], width)]
        lines.append([])
        for file in self._result.files:
            lines += flow(
                [Span("✓ ", "accept"), Span(f"{file.rows:>7,} rows  {Path(file.path).name}  verified")], width
            )
        if not self._result.files:
            lines.append([Span("No row to export.", "muted")])
        if self._result.waiting:
            lines.append([Span(f"{self._result.waiting} seed tasks have no answer yet and stay here", "muted")])
        if self._result.held_back:
            lines.append([Span(f"✗ {self._result.held_back} rows held back, listed in held_back.jsonl:", "reject")])
            lines += [[Span(f"  {n:>6}  {code}")] for code, n in self._result.reasons.items()]
        elif self._result.files:
            lines.append([Span("Nothing held back. LLaMA-Factory: dataset_dir is that folder.", "muted")])
        return lines

    # -- commands --------------------------------------------------------------------------------

    def command_toggle_type(self) -> None:
        self._off ^= {ROW_TYPES[self.list.cursor]}
        self._changed()

    def command_accepted_only(self) -> None:
        self._accepted_only = not self._accepted_only
        self._changed()

    def _changed(self) -> None:
        self._result = None
        self.refresh_view()
        self.remember()

    def command_out(self) -> None:
        from studio.tui.screens.dialogs import Ask

        self.app.push_screen(
            Ask("Export to", str(self._out), "a folder; it is made if need be", path=True), self._chosen
        )

    def _chosen(self, typed: str | None) -> None:
        if typed:
            self._out = Path(typed).expanduser()
            self._changed()

    def command_write(self) -> None:
        types = [type for type in ROW_TYPES if type not in self._off]
        statuses = ("accepted",) if self._accepted_only else ("accepted", "pending")
        job = self.session.export(self._out, types, statuses=statuses)
        self._result = None
        self.studio.jobs.start("export", job, self._seen, self._ended)

    def _seen(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Progressed):
                self._progress = f"{event.unit} {event.done:,}/{event.total:,}"
            elif isinstance(event, Exported):
                self._result = event
        self._tell()

    def _ended(self) -> None:
        self._progress = ""
        self._tell()

    def _tell(self) -> None:
        if self.is_attached:
            self.show_detail()
            self.show_header()
