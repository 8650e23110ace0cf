"""What an open project holds: rows, where they came from, counts, what the front ends remember."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import orjson

from studio.jobs.events import Event, Events
from studio.jobs.threads import reading
from studio.llm.chat import Reply, Request
from studio.settings import Settings
from studio.settings import sources as settings_sources
from studio.store import lineage, summary
from studio.store import project as projects
from studio.store.database import Database
from studio.store.filters import Filter
from studio.store.intake import give_up_unfinished
from studio.store.lineage import Kin
from studio.store.pairs import Pairs
from studio.store.project import DATABASE_FILE, Project
from studio.store.reader import Reader
from studio.store.replies import Replies
from studio.store.rows import Rows, StoredRow
from studio.store.runs import Runs

if TYPE_CHECKING:
    from studio.alpaca.checks import Issue
    from studio.jobs.events import PoolCounted
    from studio.jobs.files.inspection import Inspection
    from studio.jobs.pool_draw import Drawn
    from studio.text.tokens import Language


class Exchange(NamedTuple):
    """A request and its reply as the ledger keeps them, and when that was."""

    request: Request
    reply: Reply
    at: str


class Looking:
    """An open project to look at."""

    def __init__(self, project: Project, settings: Settings) -> None:
        self._project = project
        self.settings = settings
        self.rows = Rows(project.database)
        self.pairs = Pairs(project.database)
        self.runs = Runs(project.database)
        self._replies = Replies(project.database)
        if project.writable:
            give_up_unfinished(project.database)

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
            settings = settings_sources.load(files, flags=flags)
        else:
            settings = Settings()
        return cls(projects.open_project(folder, read_only=read_only, must_write=must_write), settings)

    async def close(self) -> None:
        """Release the lock. What was decided is on disk already."""
        self._project.close()

    @property
    def folder(self) -> Path:
        return self._project.folder

    @property
    def name(self) -> str:
        return self.settings.project.name or self.folder.resolve().name

    @property
    def writable(self) -> bool:
        return self._project.writable

    @property
    def holder(self) -> str:
        """Who writes in the project when we may not."""
        return self._project.holder

    @property
    def export_folder(self) -> Path:
        """Where exports go unless another folder is named."""
        return self.folder / self.settings.export.out

    def stats(self) -> dict[str, Any]:
        """Counts by type and status, seeds, generated rows, eliminations by rule, pairs, paid replies."""
        found = summary.stats(self.rows, self.pairs)
        return {"project": self.name, **found, "replies": self._replies.count()}

    async def view(self, chosen: Filter) -> array[int]:
        """Every id the filter lets through, found in a thread while the screens go on painting."""

        def ids() -> array[int]:
            with closing(Database(self.folder / DATABASE_FILE, writable=False)) as database:
                return Rows(database).ids(chosen)

        return await asyncio.to_thread(ids)

    def origin(self, stored: StoredRow) -> str:
        """Where a row came from, in words: file and row, or parent, operation and round."""
        return summary.origin(stored, self.runs, self._replies)

    def lineage(self, row_id: int) -> list[StoredRow]:
        """The row and its ancestors, seed task first."""
        return lineage.line(self.rows, row_id)

    def family(self, row_id: int) -> list[Kin]:
        """The row's lineage with the branches beside it and its own children, parents before children."""
        return lineage.family(self.rows, row_id)

    def exchanges(self, stored: StoredRow) -> list[Exchange]:
        """What was asked and answered to make a row, in order; [] for a row that no model made."""
        kept = [self._replies.exchange(key) for key in (stored.replies or "").split()]
        return [Exchange(Request.decode(one[0]), Reply.decode(one[1]), one[2]) for one in kept if one is not None]

    @property
    def model_name(self) -> str:
        """The model that would answer, by name."""
        return self.settings.model.model or "SmolLM2-135M-Instruct (embedded); a larger model writes better data"

    def recall(self, key: str) -> Any:
        """What a front end remembered (which stage, row and filter were shown), or None."""
        found = self._project.database.get_meta(key)
        return None if found is None else orjson.loads(found)

    def remember(self, key: str, value: Any) -> None:
        """Keep a front end's small state over restarts. Nothing happens in a read-only session."""
        if self.writable:
            self._project.database.set_meta(key, orjson.dumps(value))

    @cached_property
    def inspection(self) -> Inspection:
        """The checks that are on. Raises UsageError when the settings ask for one that cannot be."""
        from studio.jobs.files.inspection import Inspection

        return Inspection(self.settings, self.folder)

    def issues_of(self, stored: StoredRow) -> list[Issue]:
        """The issues of one row as it is now; what the person let pass carries their reason."""
        return self.inspection.issues_of(stored, self.runs.folder(stored.source) or self.folder)

    def issues_of_set(self) -> list[Issue]:
        """What is wrong with the rows as a whole."""
        from studio.jobs.files import surveys

        return surveys.issues_of_set(self.rows, self.inspection)

    async def check(self, ids: Sequence[int] | None = None) -> AsyncGenerator[Event, None]:
        """Check every row that is not rejected, or only these; ends with Checked."""
        from studio.jobs.files import surveys

        inspection = self.inspection
        async for event in self._reading(lambda store: surveys.check_rows(store, inspection, self.folder, ids)):
            yield event

    async def survey_pool(self) -> AsyncGenerator[Event, None]:
        """The balance of the task pool (PoolCounted), then what speaks against single seed tasks (HintsFound)."""
        from studio.jobs import pool_survey

        threshold = self.settings.self_instruct.threshold
        async for event in self._reading(lambda store: pool_survey.survey(store, threshold)):
            yield event

    def draw_examples(self, pool: PoolCounted, language: Language, request: int) -> Drawn:
        """What request number `request` (from 0) of Self-Instruct, the paper's variant, would show a model.

        Raises ValueError when the language has no seed task, StudioError when a prompt file cannot be used.
        """
        from studio.jobs import pool_draw
        from studio.jobs.recipes import prompts_of
        from studio.methods.self_instruct.prompts import FILES

        chosen = self.settings.self_instruct
        model = self.settings.model_for("teacher")
        profile = model.profile
        if profile == "auto":
            profile = "standard" if model.model or model.base_url else "small"
        known = prompts_of(FILES, chosen.prompts, profile, self.folder)
        return pool_draw.draw(self.rows, pool, known[language], seed=chosen.seed, request=request)

    def _reading(self, job: Callable[[Reader], Events]) -> AsyncGenerator[Event, None]:
        return reading(self.folder / DATABASE_FILE, job)
