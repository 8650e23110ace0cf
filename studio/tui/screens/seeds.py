"""Stage 1: what the person brought: seed tasks and rows, written here or imported."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import ClassVar

from studio.alpaca.rows import Row, Sft
from studio.errors import StudioError
from studio.jobs.events import Event, ImportEnded, RowsRead, SetAside
from studio.store.filters import Filter
from studio.tui.commands import Stage
from studio.tui.screens.rows_stage import RowsStage


class SeedsScreen(RowsStage):
    """List, add, edit, import, delete with undo, filter."""

    stage: ClassVar[Stage] = "seeds"
    BASE = Filter(generated=False, statuses=("pending", "accepted"))
    JOBS = ("import",)
    EMPTY = "No rows yet: n writes one, i imports files."

    def command_add(self) -> None:
        from studio.tui.screens.edit_row import EditRow

        self.app.push_screen(EditRow(Sft(), "New seed task"), self._added)

    def _added(self, row: Row | None) -> None:
        if row is not None and row != Sft():
            row_id = self.session.add(row, seed=True)
            self._open_view(row_id)
            self.show_header()

    def command_delete(self) -> None:
        if row := self.current:
            self.session.reject(row.id, "you deleted it")
            self.after_verdict()

    def command_import(self) -> None:
        from studio.tui.screens.dialogs import Ask

        hint = "paths; --seed before them makes seed tasks of their rows; Tab completes"
        self.app.push_screen(Ask("Import files", "", hint, path=True), self._import)

    def _import(self, typed: str | None) -> None:
        if not typed:
            return
        try:
            words = shlex.split(typed)
        except ValueError as error:
            self.app.notify(str(error), severity="error")
            return
        paths = [Path(word).expanduser() for word in words if word != "--seed"]
        missing = [str(path) for path in paths if not path.is_file()]
        if missing or not paths:
            self.studio.complain(StudioError(f"There is no file {', '.join(missing)}.", hint="Tab completes a path."))
            return
        job = self.session.import_files(paths, seed="--seed" in words)
        self.studio.jobs.start("import", job, self._imported)

    def _imported(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, SetAside):
                first = event.broken[0]
                self.app.notify(str(first), title=f"{len(event.broken)} set aside", severity="warning")
            elif isinstance(event, ImportEnded):
                note = f", {event.broken} set aside in {event.path}" if event.broken else ""
                self.app.notify(f"imported {event.rows:,} rows{note}")
        if any(isinstance(event, RowsRead | ImportEnded) for event in events):
            self.reload_view()
