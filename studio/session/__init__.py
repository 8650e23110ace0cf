"""The one object both front ends talk to: values out, commands in, jobs run, undo.

A command returns when it is on disk. A job is an async generator of events; each is applied to the
store before it is passed on: a front end only shows what is safe. Jobs are imported when they run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from studio.methods import registry
from studio.session.endpoints import Endpoints
from studio.session.files import Files
from studio.session.journal import DecisionJournal
from studio.session.neighbours import Neighbourhood
from studio.session.placing import Placing
from studio.session.project import OpenProject
from studio.session.review import Review
from studio.session.rows import ProjectRows
from studio.session.runs import Runs
from studio.session.selection import Selection
from studio.settings import Settings, with_sections
from studio.settings import sources as settings_sources
from studio.store import project as projects
from studio.store.project import Project

__all__ = ["Session"]


def whole_settings() -> type[Settings]:
    """The table of sections, with those of the methods that installed packages bring."""
    more = {name: kind for name, kind in registry.sections().items() if name not in Settings.__struct_fields__}
    return with_sections(more) if more else Settings


class Session:
    """An open project, and a part for each thing that is done in it.

    rows: looking at rows, and deciding about them. journal: undo, redo, history. neighbours: rows near each other.
    review: duplicates. selection: redundancy, choosing rows, contamination. runs: all that asks models. placing:
    segments. files: import, checks, export. The parts share one OpenProject.
    """

    def __init__(self, project: Project, settings: Settings) -> None:
        self.project = shared = OpenProject(project, settings)
        self.endpoints = Endpoints(shared)
        self.neighbours = Neighbourhood(shared)
        self.journal = DecisionJournal(shared, self.neighbours.compare_since)
        self.rows = ProjectRows(shared, self.journal, self.neighbours.compare)
        self.review = Review(shared, self.journal, self.neighbours)
        self.selection = Selection(shared, self.journal)
        self.runs = Runs(shared, self.endpoints, self.neighbours.compare)
        self.placing = Placing(shared, self.journal, self.runs.newest_curve)
        self.files = Files(shared)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        flags: Mapping[str, Mapping[str, Any]] | None = None,
        read_only: bool = False,
        must_write: bool = False,
    ) -> Self:
        """Open a project folder with its settings. Raises ProjectError, LockedError, UsageError."""
        if projects.is_project(folder):
            files = (settings_sources.user_file(), folder / projects.SETTINGS_FILE)
            settings = settings_sources.load(files, flags=flags, whole=whole_settings())
        else:
            settings = Settings()
        return cls(projects.open_project(folder, read_only=read_only, must_write=must_write), settings)

    async def close(self) -> None:
        """End the chat models' children, release the lock. What was decided is on disk already."""
        await self.endpoints.close()
        self.project.close()

    @property
    def settings(self) -> Settings:
        return self.project.settings

    @property
    def folder(self) -> Path:
        return self.project.folder

    @property
    def name(self) -> str:
        return self.project.name

    @property
    def writable(self) -> bool:
        return self.project.writable

    @property
    def holder(self) -> str:
        """Who writes in the project when we may not."""
        return self.project.holder
