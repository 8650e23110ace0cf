"""The task pool: its balance, what a request would show of it, how difficult it and what grew of it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import closing
from typing import TYPE_CHECKING

from msgspec.structs import replace

from studio.alpaca.rows import prompt_text
from studio.jobs.events import Event
from studio.session.project import OpenProject
from studio.store.database import Database
from studio.store.filters import Filter
from studio.store.project import DATABASE_FILE
from studio.store.rows import Rows
from studio.store.runs import Runs

if TYPE_CHECKING:
    from studio.jobs.events import PoolCounted
    from studio.jobs.pool_draw import Drawn
    from studio.methods.difficulty import Difficulty
    from studio.text.tokens import Language


class Pool:
    """The task pool of an open project."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project

    async def survey_pool(self) -> AsyncGenerator[Event, None]:
        """The balance of the task pool (PoolCounted), then what speaks against single seed tasks (HintsFound)."""
        from studio.jobs import pool_survey

        threshold = self._project.settings.self_instruct.threshold
        async for event in self._project.reading(lambda store: pool_survey.survey(store, threshold)):
            yield event

    def draw_examples(self, pool: PoolCounted, language: Language, request: int) -> Drawn:
        """What request number `request` (from 0) of Self-Instruct, the paper's variant, would show a model.

        Raises ValueError when the language has no seed task, StudioError when a prompt file cannot be used.
        """
        from studio.jobs import pool_draw
        from studio.jobs.runs.prompts import prompts_of
        from studio.methods.self_instruct.prompts import FILES

        chosen = self._project.settings.self_instruct
        model = self._project.settings.model_for("teacher")
        profile = model.profile
        if profile == "auto":
            profile = "standard" if model.model or model.base_url else "small"
        known = prompts_of(FILES, chosen.prompts, profile, self._project.folder)
        return pool_draw.draw(self._project.rows, pool, known[language], seed=chosen.seed, request=request)

    async def difficulty(self, method: str) -> dict[int, Difficulty]:
        """Difficulty by round of what a method made, rejected rows left out; round 0: the seed tasks. In a thread."""
        from studio.methods.difficulty import Difficulty, of_task

        def count() -> dict[int, Difficulty]:
            found: dict[int, Difficulty] = {}
            with closing(Database(self._project.folder / DATABASE_FILE, writable=False)) as database:
                rows, runs = Rows(database), {run.id for run in Runs(database).all(method)}
                for chosen in (Filter(seed=True, generated=False, type="sft"), Filter(generated=True, type="sft")):
                    for stored in rows.each(replace(chosen, statuses=("accepted", "pending"))):
                        if stored.generated and stored.run not in runs:
                            continue
                        round = stored.round or 0
                        found[round] = found.get(round, Difficulty()) + of_task(prompt_text(stored.row))
            return found

        return await asyncio.to_thread(count)
