"""Evol-Instruct: runs over the task pool, rows made anew, what it would take."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from msgspec.structs import replace

from studio.errors import ProjectError
from studio.jobs.events import Event, Evolved
from studio.session.endpoints import Endpoints
from studio.session.project import OpenProject
from studio.settings import Operation, Settings
from studio.store.rows import StoredRow

if TYPE_CHECKING:
    from studio.jobs.estimate import Estimate
    from studio.jobs.evolve_recipe import Course
    from studio.jobs.runs.control import Control
    from studio.llm.budget import Budget

_SAMPLED_TASKS = 64


class Evolving:
    """An open project to evolve tasks in. running: what runs, each as a function that has it go by other settings."""

    def __init__(
        self,
        project: OpenProject,
        endpoints: Endpoints,
        compare: Callable[[int], object],
        running: list[Callable[[Settings], None]],
    ) -> None:
        self._project, self._endpoints, self._compare, self._running = project, endpoints, compare, running

    async def evolve(self, control: Control) -> AsyncGenerator[Event, None]:
        """Evolve the task pool; generated rows come in pending, eliminated ones rejected with their rule."""
        from studio.jobs import evolve
        from studio.jobs.evolve_plan import METHOD, Plan

        self._project.must_write()
        budget = self._endpoints.spend()
        course = self.course(self._project.settings, budget)
        run = self._project.runs.find(course.recipe.digest) or 0
        plan = Plan(self._project.rows, run, self._project.settings.evolve, course, control.announce)
        with self._project.database.transaction():
            plan.run = self._project.runs.open(METHOD, course.recipe.digest, course.recipe.encode())
        control.concurrency = self._project.settings.evolve.concurrency

        def go_by(settings: Settings) -> None:
            budget.caps = settings.budget
            course.change(settings, self._endpoints.roles(settings, budget), self._project.folder)
            with self._project.database.transaction():
                self._project.runs.adopt(plan.run, course.recipe.digest, course.recipe.encode())
            plan.change(settings.evolve)
            control.concurrency = settings.evolve.concurrency

        self._running.append(go_by)
        try:
            async with aclosing(evolve.evolve(plan, control)) as events:
                async for event in events:
                    yield self._keep(event)
        finally:
            self._running.remove(go_by)

    async def reroll(
        self, row_id: int, operation: Operation | None = None, control: Control | None = None
    ) -> AsyncGenerator[Event, None]:
        """Evolve an evolved row's parent once more, with this operation or the next one: a new row beside it.

        Its Evolved event has the new row's id. Raises ProjectError when the row was not evolved.
        """
        from studio.jobs import evolve
        from studio.jobs.evolve_plan import Attempt, task_of
        from studio.jobs.runs.control import Control

        self._project.must_write()
        parent, run, round, root = self._evolved(row_id)
        beside = self._project.rows.variants(run, round, root)
        course = self.course(self._project.settings, self._endpoints.budget(self._project.settings))
        attempt = Attempt(
            root,
            round,
            task_of(parent, course.recipe.roles["teacher"].profile),
            operation or _next_operation(beside),
            beside[-1].variant + 1,
        )
        async with aclosing(evolve.evolve_these([attempt], run, course, control or Control())) as events:
            async for event in events:
                yield self._keep(event)

    async def estimate(self, sample: int = 0) -> Estimate:
        """What `evolve` would take with the settings as they are.

        sample: so many attempts are really asked and kept in the ledger, so that a run does not pay for them again;
        0 asks nothing and assumes. Raises StudioError when there is nothing to evolve or a sampled attempt fails.
        """
        from studio.jobs import estimate, evolve
        from studio.jobs.evolve_plan import Plan
        from studio.jobs.runs.control import Control
        from studio.llm import prices
        from studio.llm.chat import Reply

        course = self.course(self._project.settings, self._endpoints.budget(self._project.settings))
        run = self._project.runs.find(course.recipe.digest) or 0
        plan = Plan(self._project.rows, run, self._project.settings.evolve, course, lambda planned: None)
        left = plan.planned.attempts - plan.planned.done
        if sample:
            self._project.must_write()
        first = [attempt for _ in range(min(sample or _SAMPLED_TASKS, left)) if (attempt := plan.take()) is not None]
        if sample:
            control = Control(concurrency=self._project.settings.evolve.concurrency)
            replies: list[list[Reply]] = []
            async with aclosing(evolve.evolve_these(first, run, course, control)) as events:
                async for event in events:
                    if isinstance(event, Evolved):
                        kept = [self._project.replies.find(key) for key in event.made.replies]
                        replies.append([Reply.decode(raw) for raw in kept if raw is not None])
            known = estimate.measured(replies)
            assumptions: tuple[str, ...] = ("the attempts left are like those sampled",)
        else:
            known, assumptions = estimate.assumed(
                [attempt.parent for attempt in first], course, self._project.settings.evolve.concurrency
            )
        if self._project.settings.evolve.target:
            assumptions += ("the target is not reached before the end of the plan",)
        table = prices.load(self._project.settings.prices)
        models = {role: self._project.settings.model_for(role) for role in course.recipe.roles}
        return estimate.extrapolated(
            known,
            left,
            self._project.settings.evolve.concurrency,
            models,
            {role: table.price(model.base_url, model.model) for role, model in models.items()},
            sampled=len(known) if sample else 0,
            assumptions=assumptions,
        )

    def _evolved(self, row_id: int) -> tuple[StoredRow, int, int, int]:
        """What an evolved row grew from, its run, round and seed task."""
        stored = self._project.rows.get(row_id)
        parent = None if stored is None or stored.parent is None else self._project.rows.get(stored.parent)
        if stored is None or parent is None or stored.run is None or stored.round is None or stored.root is None:
            raise ProjectError(f"#{row_id} was not evolved from another row.")
        return parent, stored.run, stored.round, stored.root

    def course(self, settings: Settings, budget: Budget) -> Course:
        from studio.jobs.evolve_recipe import Course

        return Course(settings, self._endpoints.roles(settings, budget), self._project.folder)

    def _keep(self, event: Event) -> Event:
        """Store the row that an attempt made. Its replies are on disk, so that it could be made again from them."""
        if not isinstance(event, Evolved):
            return event
        with self._project.database.transaction(durable=False):
            row_id = self._project.rows.add_generated(event.made)
        self._compare(row_id)
        return replace(event, row_id=row_id)


def _next_operation(beside: list[StoredRow]) -> Operation:
    """The operation after the last one used, skipping those used before while there are others."""
    from studio.methods.evol_prompts import OPERATIONS

    used = [stored.operation for stored in beside]
    last = OPERATIONS.index(used[-1]) if used[-1] in OPERATIONS else -1
    ahead = [OPERATIONS[(last + step) % len(OPERATIONS)] for step in range(1, len(OPERATIONS) + 1)]
    return next((name for name in ahead if name not in used), ahead[0])
