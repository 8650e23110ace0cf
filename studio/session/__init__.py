"""The one object both front ends talk to: values out, commands in, jobs run, undo.

A command returns when it is on disk. A job is an async generator of events; each is applied to the
store before it is passed on: a front end only shows what is safe. Jobs are imported when they run.
Looking reads, Deciding and Judging change, Generating, Instructing and Probing ask models, Choosing selects, Placing
moves segments, Session runs the other jobs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

from studio.alpaca.rows import RowType
from studio.jobs.events import (
    Event,
    Events,
    FileOpened,
    ImportedBefore,
    ImportEnded,
    RowsRead,
    SetAside,
)
from studio.jobs.threads import in_thread
from studio.session.placing import Placing
from studio.settings import ExportSettings
from studio.store.intake import Intake, give_up_unfinished
from studio.store.project import SET_ASIDE
from studio.store.reader import Reader

__all__ = ["Session"]


class Session(Placing):
    """An open project, with all that can be done in it."""

    async def import_files(
        self,
        paths: Sequence[Path],
        type: RowType | None = None,
        *,
        seed: bool = False,
        columns: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Bring files in as one undoable step; rows are accepted, they are the person's own. Ends with ImportEnded.

        columns: for columns of ours, what the files call them; others are found by the names usual for them.
        An import that does not come to its end brings nothing in: its rows are rejected as interrupted.
        """
        from studio.jobs.files import imports

        self._must_write()
        intake = Intake(self._project.database, self._journal, self.folder / SET_ASIDE)
        try:
            async with aclosing(in_thread(imports.import_files(paths, type, seed=seed, columns=columns))) as events:
                async for event in events:
                    if isinstance(event, FileOpened):
                        before = intake.open(event.path, event.why, event.fingerprint)
                        yield event
                        if before is not None:
                            yield ImportedBefore(event.path, *before)
                        continue
                    if isinstance(event, RowsRead):
                        intake.keep(event.rows, event.type, seed=seed)
                        if event.broken:
                            yield SetAside(event.broken, str(intake.set_aside(event.broken)))
                    yield event
            intake.finish()
        except BaseException:
            give_up_unfinished(self._project.database)
            raise
        yield ImportEnded(intake.rows, intake.broken, str(intake.side_file) if intake.side_file else None)

    async def preview_export(
        self, out: Path | None = None, chosen: ExportSettings | None = None
    ) -> AsyncGenerator[Event, None]:
        """What an export would write; ends with Previewed. out, chosen: as for `export`."""
        from studio.jobs.files import exports, selection

        asked, inspection = chosen or self.settings.export, self.inspection
        folder = out or self.folder / asked.out

        def job(store: Reader) -> Events:
            return exports.preview(selection.rows_of(store, asked, self.folder), asked, folder, inspection)

        async for event in self._reading(job):
            yield event

    async def export(
        self, out: Path | None = None, chosen: ExportSettings | None = None, *, name: str = "", strict: bool = False
    ) -> AsyncGenerator[Event, None]:
        """Write dataset files and what goes with them; ends with Exported.

        chosen: what is asked for, [export] by default; `Settings.export_named` gives a named one, whose name then
        stands in the names of its datasets. out: the folder, that of chosen by default. strict: a row that would be
        held back refuses the whole export.
        """
        from studio.jobs.files import exports, selection

        asked, inspection = chosen or self.settings.export, self.inspection
        folder, called = out or self.folder / asked.out, self.export_name(name)

        def job(store: Reader) -> Events:
            rows = selection.rows_of(store, asked, self.folder)
            return exports.export(rows, asked, folder, called, inspection, strict=strict)

        async for event in self._reading(job):
            yield event

    async def push(self, out: Path, repo: str, *, name: str = "", private: bool = False) -> AsyncGenerator[Event, None]:
        """Send the export of that name in the folder to the Hugging Face Hub; ends with Pushed."""
        from studio.jobs.files import hub

        async with aclosing(in_thread(hub.push(out, self.export_name(name), repo, private=private))) as events:
            async for event in events:
                yield event

    def export_name(self, name: str) -> str:
        """What the datasets of an export begin with. name: of a named one, "" else."""
        return f"{self.name}-{name}" if name else self.name
