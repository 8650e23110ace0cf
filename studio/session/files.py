"""Files: bringing them in, checking what they will be, writing the export, sending it on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

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
from studio.session.project import OpenProject
from studio.settings import ExportSettings
from studio.store.intake import Intake, give_up_unfinished
from studio.store.project import SET_ASIDE
from studio.store.reader import Reader
from studio.store.rows import StoredRow

if TYPE_CHECKING:
    from studio.alpaca.checks import Issue
    from studio.jobs.files.inspection import Inspection


class Files:
    """The files of an open project."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project

    @property
    def export_folder(self) -> Path:
        """Where exports go unless another folder is named."""
        return self._project.folder / self._project.settings.export.out

    @cached_property
    def inspection(self) -> Inspection:
        """The checks that are on. Raises UsageError when the settings ask for one that cannot be."""
        from studio.jobs.files.inspection import Inspection

        return Inspection(self._project.settings, self._project.folder)

    def issues_of(self, stored: StoredRow) -> list[Issue]:
        """The issues of one row as it is now; what the person let pass carries their reason."""
        return self.inspection.issues_of(stored, self._project.runs.folder(stored.source) or self._project.folder)

    def issues_of_set(self) -> list[Issue]:
        """What is wrong with the rows as a whole."""
        from studio.jobs.files import surveys

        return surveys.issues_of_set(self._project.rows, self.inspection)

    async def check(self, ids: Sequence[int] | None = None) -> AsyncGenerator[Event, None]:
        """Check every row that is not rejected, or only these; ends with Checked."""
        from studio.jobs.files import surveys

        inspection = self.inspection
        async for event in self._project.reading(
            lambda store: surveys.check_rows(store, inspection, self._project.folder, ids)
        ):
            yield event

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

        self._project.must_write()
        intake = Intake(self._project.database, self._project.journal, self._project.folder / SET_ASIDE)
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

        asked, inspection = chosen or self._project.settings.export, self.inspection
        folder = out or self._project.folder / asked.out

        def job(store: Reader) -> Events:
            return exports.preview(selection.rows_of(store, asked, self._project.folder), asked, folder, inspection)

        async for event in self._project.reading(job):
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

        asked, inspection = chosen or self._project.settings.export, self.inspection
        folder, called = out or self._project.folder / asked.out, self.export_name(name)

        def job(store: Reader) -> Events:
            rows = selection.rows_of(store, asked, self._project.folder)
            return exports.export(rows, asked, folder, called, inspection, strict=strict)

        async for event in self._project.reading(job):
            yield event

    async def push(self, out: Path, repo: str, *, name: str = "", private: bool = False) -> AsyncGenerator[Event, None]:
        """Send the export of that name in the folder to the Hugging Face Hub; ends with Pushed."""
        from studio.jobs.files import hub

        async with aclosing(in_thread(hub.push(out, self.export_name(name), repo, private=private))) as events:
            async for event in events:
                yield event

    def export_name(self, name: str) -> str:
        """What the datasets of an export begin with. name: of a named one, "" else."""
        return f"{self._project.name}-{name}" if name else self._project.name
