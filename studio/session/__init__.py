"""The one object both front ends talk to: values out, commands in, jobs run, undo.

A command returns when it is on disk. A job is an async generator of events; each is applied to the
store before it is passed on: a front end only shows what is safe. Jobs are imported when they run.
Looking reads, Deciding changes, Session runs the jobs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from studio.alpaca.rows import ROW_TYPES, RowType
from studio.jobs.events import Event, Events, Evolved, FileOpened, ImportEnded, PairsFound, Placed, RowsRead, SetAside
from studio.jobs.threads import in_thread
from studio.llm.chat import ChatModel
from studio.llm.ledger import LedgerChat
from studio.session.deciding import Deciding, count_of
from studio.settings import Settings, Strategy
from studio.store.filters import STATUSES
from studio.store.intake import Intake, give_up_unfinished
from studio.store.project import SET_ASIDE, Project
from studio.store.reader import Reader

if TYPE_CHECKING:
    from studio.jobs.evolve import Control

__all__ = ["Session"]


class Session(Deciding):
    """An open project, with all that can be done in it."""

    def __init__(self, project: Project, settings: Settings) -> None:
        super().__init__(project, settings)
        self._model: ChatModel | None = None

    async def close(self) -> None:
        """End the chat model's child, release the lock. What was decided is on disk already."""
        if self._model is not None:
            await self._model.close()
            self._model = None
        await super().close()

    async def import_files(
        self, paths: Sequence[Path], type: RowType | None = None, *, seed: bool = False
    ) -> AsyncGenerator[Event, None]:
        """Bring files in as one undoable step; rows are accepted, they are the person's own. Ends with ImportEnded.

        An import that does not come to its end brings nothing in: its rows are rejected as interrupted.
        """
        from studio.jobs import imports

        self._must_write()
        intake = Intake(self._project.database, self._journal, self.folder / SET_ASIDE)
        try:
            async with aclosing(in_thread(imports.import_files(paths, type, seed=seed))) as events:
                async for event in events:
                    if isinstance(event, FileOpened):
                        intake.open(Path(event.path), event.why)
                    elif isinstance(event, RowsRead):
                        intake.keep(event.rows, event.type, seed=seed)
                        if event.broken:
                            yield SetAside(event.broken, str(intake.set_aside(event.broken)))
                    yield event
            intake.finish()
        except BaseException:
            give_up_unfinished(self._project.database)
            raise
        yield ImportEnded(intake.rows, intake.broken, str(intake.side_file) if intake.side_file else None)

    async def evolve(self, control: Control) -> AsyncGenerator[Event, None]:
        """Evolve the task pool; generated rows come in pending, eliminated ones rejected with their rule."""
        from studio.jobs import evolve, evolve_plan

        self._must_write()
        model = self.chat_model()
        evolving, profile = self.settings.evolve, self.settings.model.profile
        with self._project.database.transaction():
            plan = evolve_plan.make(evolving, profile, model, self.rows, self.runs)
        async with aclosing(evolve.evolve(plan, model, control)) as events:
            async for event in events:
                if isinstance(event, Evolved):
                    with self._project.database.transaction():
                        self.rows.add_generated(event.made)
                yield event

    async def find_duplicates(self, threshold: float | None = None) -> AsyncGenerator[Event, None]:
        """Search near-duplicates among rows that are not rejected; open pairs are replaced."""
        from studio.jobs import dedup

        self._must_write()
        limit = self.settings.dedup.threshold if threshold is None else threshold
        async for event in self._reading(lambda store: dedup.find_duplicates(store, limit)):
            if isinstance(event, PairsFound):
                with self._project.database.transaction():
                    self.pairs.replace_open(event.pairs)
            yield event

    async def place(self, strategy: Strategy | None = None, seed: int | None = None) -> AsyncGenerator[Event, None]:
        """Move gold segments as one undoable step."""
        from studio.jobs import placements

        self._must_write()
        chosen = strategy or self.settings.position.strategy
        number = self.settings.position.seed if seed is None else seed
        async for event in self._reading(lambda store: placements.place(store.rows, chosen, number)):
            if isinstance(event, Placed) and event.placements:
                changes = [change for change in map(placements.change, event.placements) if self._still_so(change)]
                self._decide("place", f"place {count_of(len(changes))} ({chosen})", changes)
            yield event

    async def survey_segments(self) -> AsyncGenerator[Event, None]:
        """Which rows have segments to place, and where their gold is now."""
        from studio.jobs import placements

        async for event in self._reading(lambda store: placements.survey(store.rows)):
            yield event

    async def check(self) -> AsyncGenerator[Event, None]:
        """Check every row that is not rejected; ends with Checked."""
        from studio.jobs import surveys

        async for event in self._reading(lambda store: surveys.check_rows(store, self.folder)):
            yield event

    async def export(
        self,
        out: Path,
        types: Sequence[RowType] = ROW_TYPES,
        *,
        statuses: Sequence[str] | None = None,
        strict: bool = False,
    ) -> AsyncGenerator[Event, None]:
        """Write dataset files and dataset_info.json; ends with Exported."""
        from studio.jobs import exports

        chosen = tuple(status for status in STATUSES if status in (statuses or self.settings.export.statuses))

        def job(store: Reader) -> Events:
            return exports.export(exports.rows_of(store, chosen, self.folder), types, out, self.name, strict=strict)

        async for event in self._reading(job):
            yield event

    def chat_model(self) -> ChatModel:
        """The model the settings name, behind the ledger; one for the whole session."""
        from studio.llm.choice import choose_model

        if self._model is None:
            self._model = LedgerChat(choose_model(self.settings.model), self._replies)
        return self._model
