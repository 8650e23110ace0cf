"""Making whole new tasks: Self-Instruct over the task pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from studio.errors import UsageError
from studio.jobs.events import Event
from studio.session.endpoints import Endpoints
from studio.session.project import OpenProject
from studio.settings import Settings
from studio.store.draws import Draw, Draws
from studio.store.project import DATABASE_FILE
from studio.store.rows import StoredRow

if TYPE_CHECKING:
    from studio.jobs.estimate import Estimate
    from studio.jobs.runs.control import Control
    from studio.jobs.task_pool import TaskPool


class Instructing:
    """An open project to make tasks in. running: what runs, each as a function that has it go by other settings."""

    def __init__(
        self,
        project: OpenProject,
        endpoints: Endpoints,
        compare: Callable[[int], object],
        running: list[Callable[[Settings], None]],
    ) -> None:
        self._project, self._endpoints, self._compare, self._running = project, endpoints, compare, running

    async def self_instruct(self, control: Control) -> AsyncGenerator[Event, None]:
        """Make new tasks in the manner of the pool's; they come in pending, dropped ones rejected with their rule.

        PoolLoaded, Planned, then what lanes say, Listed, Answered, and RanDry when nothing new comes any more. Raises
        StudioError when there is nothing to begin with.
        """
        from studio.jobs import self_instruct
        from studio.jobs.candidates import Candidates
        from studio.jobs.self_instruct_events import PoolLoaded, kept_rows
        from studio.jobs.self_instruct_plan import Plan
        from studio.jobs.self_instruct_recipe import METHOD, Course

        self._project.must_write()
        seen = self._project.changes
        pool = await self._pool()
        budget = self._endpoints.spend()
        course = Course(
            self._project.settings,
            pool.language,
            self._endpoints.roles(self._project.settings, budget),
            self._project.folder,
        )
        with self._project.database.transaction():
            run = self._project.runs.open(METHOD, course.recipe.digest, course.recipe.encode())
        control.concurrency = self._project.settings.self_instruct.concurrency

        def touched() -> list[range]:
            nonlocal seen
            ranges, seen = self._project.touched_since(seen), self._project.changes
            return ranges

        database, chosen = self._project.database, self._project.settings.self_instruct
        plan = Plan(database, run, chosen, course, pool, touched, lambda: control.concurrency)
        candidates = Candidates(database, plan)

        def go_by(settings: Settings) -> None:
            now, then = settings.self_instruct, course.recipe
            if (now.variant, now.threshold) != (then.variant, then.threshold):
                raise UsageError(
                    "A run of Self-Instruct keeps its variant and threshold.", hint="Stop it, and start another."
                )
            budget.caps = settings.budget
            course.change(settings, self._endpoints.roles(settings, budget), self._project.folder)
            with database.transaction():
                self._project.runs.adopt(run, course.recipe.digest, course.recipe.encode())
            control.announce(plan.change(now))
            control.concurrency = now.concurrency

        self._running.append(go_by)
        try:
            yield PoolLoaded(pool.language, len(pool.human), len(pool.machine), dict(pool.others), plan.unanswered)
            async with aclosing(self_instruct.self_instruct(plan, control)) as events:
                async for event in events:
                    kept = candidates.keep(event)
                    for row_id in kept_rows(kept):
                        self._compare(row_id)
                    yield kept
        finally:
            self._running.remove(go_by)

    async def estimate_self_instruct(self) -> Estimate:
        """What `self_instruct` would take with the settings as they are; nothing is asked.

        Its attempts are instructions that stand. Measured on what the run has made, if it has. Raises StudioError when
        there is nothing to begin with.
        """
        from studio.jobs import self_instruct_estimate
        from studio.jobs.estimate import extrapolated
        from studio.jobs.evolve_recipe import ROLES
        from studio.jobs.self_instruct_recipe import Course
        from studio.llm import prices

        pool = await self._pool()
        roles = self._endpoints.roles(self._project.settings, self._endpoints.budget(self._project.settings))
        course = Course(self._project.settings, pool.language, roles, self._project.folder)
        run, draws = self._project.runs.find(course.recipe.digest) or 0, Draws(self._project.database)
        known, sampled, assumptions = self_instruct_estimate.measured(
            self._project.rows, draws, run, self._project.replies.find
        ) or self_instruct_estimate.assumed(
            self._project.rows, pool, course, self._project.settings.self_instruct.concurrency
        )
        chosen, table = self._project.settings.self_instruct, prices.load(self._project.settings.prices)
        models = {role: self._project.settings.model_for(role) for role in ROLES}
        return extrapolated(
            known,
            max(0, chosen.target - draws.made(run)),
            chosen.concurrency,
            models,
            {role: table.price(model.base_url, model.model) for role, model in models.items()},
            sampled=sampled,
            assumptions=assumptions,
        )

    def shown(self, stored: StoredRow) -> Draw | None:
        """The request of Self-Instruct that brought a row, with the tasks it showed; None for other rows."""
        from studio.jobs.self_instruct_recipe import METHOD

        if stored.run is None or stored.round is None or not (stored.operation or "").startswith(METHOD):
            return None
        return Draws(self._project.database).get(stored.run, stored.round)

    async def _pool(self) -> TaskPool:
        """The task pool as the settings want it, read in a thread."""
        from studio.jobs import task_pool

        chosen = self._project.settings.self_instruct
        spoken = None if chosen.language == "auto" else chosen.language
        return await asyncio.to_thread(task_pool.load, self._project.folder / DATABASE_FILE, spoken, chosen.threshold)
