"""Making rows with chat models: runs of a method, rows made anew, what it would take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, closing
from typing import TYPE_CHECKING

from msgspec.structs import replace

from studio.alpaca.rows import prompt_text
from studio.errors import ProjectError, StudioError
from studio.jobs.events import Event, Evolved
from studio.session.judging import Judging
from studio.settings import Operation, Settings
from studio.store.database import Database
from studio.store.filters import Filter
from studio.store.project import DATABASE_FILE, Project
from studio.store.rows import Rows, StoredRow

if TYPE_CHECKING:
    from studio.jobs.estimate import Estimate
    from studio.jobs.evolve_recipe import Course
    from studio.jobs.runs.control import Control
    from studio.llm.budget import Budget, Spent
    from studio.llm.choice import Models, Roles
    from studio.methods.difficulty import Difficulty

_SAMPLED_TASKS = 64


class Generating(Judging):
    """An open project to make rows in."""

    def __init__(self, project: Project, settings: Settings) -> None:
        super().__init__(project, settings)
        self._models: Models | None = None
        self._spending: Budget | None = None
        # What runs, each as a function that has it go by other settings.
        self._running: list[Callable[[Settings], None]] = []

    async def close(self) -> None:
        """End the chat models' children, release the lock. What was decided is on disk already."""
        if self._models is not None:
            await self._models.close()
            self._models = None
        await super().close()

    @property
    def spent(self) -> Spent | None:
        """What the run has cost that was started last, None before any was."""
        return None if self._spending is None else self._spending.spent

    async def evolve(self, control: Control) -> AsyncGenerator[Event, None]:
        """Evolve the task pool; generated rows come in pending, eliminated ones rejected with their rule."""
        from studio.jobs import evolve
        from studio.jobs.evolve_plan import METHOD, Plan

        self._must_write()
        budget = self._spending = self._budget(self.settings)
        course = self._course(self.settings, budget)
        run = self.runs.find(course.recipe.digest) or 0
        plan = Plan(self.rows, run, self.settings.evolve, course, control.announce)
        with self._project.database.transaction():
            plan.run = self.runs.open(METHOD, course.recipe.digest, course.recipe.encode())
        control.concurrency = self.settings.evolve.concurrency

        def go_by(settings: Settings) -> None:
            budget.caps = settings.budget
            course.change(settings, self._roles(settings, budget), self.folder)
            with self._project.database.transaction():
                self.runs.adopt(plan.run, course.recipe.digest, course.recipe.encode())
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

        self._must_write()
        parent, run, round, root = self._evolved(row_id)
        beside = self.rows.variants(run, round, root)
        course = self._course(self.settings, self._budget(self.settings))
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

        course = self._course(self.settings, self._budget(self.settings))
        run = self.runs.find(course.recipe.digest) or 0
        plan = Plan(self.rows, run, self.settings.evolve, course, lambda planned: None)
        left = plan.planned.attempts - plan.planned.done
        if sample:
            self._must_write()
        first = [attempt for _ in range(min(sample or _SAMPLED_TASKS, left)) if (attempt := plan.take()) is not None]
        if sample:
            control = Control(concurrency=self.settings.evolve.concurrency)
            replies: list[list[Reply]] = []
            async with aclosing(evolve.evolve_these(first, run, course, control)) as events:
                async for event in events:
                    if isinstance(event, Evolved):
                        kept = [self._replies.find(key) for key in event.made.replies]
                        replies.append([Reply.decode(raw) for raw in kept if raw is not None])
            known = estimate.measured(replies)
            assumptions: tuple[str, ...] = ("the attempts left are like those sampled",)
        else:
            known, assumptions = estimate.assumed(
                [attempt.parent for attempt in first], course, self.settings.evolve.concurrency
            )
        if self.settings.evolve.target:
            assumptions += ("the target is not reached before the end of the plan",)
        table = prices.load(self.settings.prices)
        models = {role: self.settings.model_for(role) for role in course.recipe.roles}
        return estimate.extrapolated(
            known,
            left,
            self.settings.evolve.concurrency,
            models,
            {role: table.price(model.base_url, model.model) for role, model in models.items()},
            sampled=len(known) if sample else 0,
            assumptions=assumptions,
        )

    async def difficulty(self) -> dict[int, Difficulty]:
        """Difficulty by round of what was evolved and not rejected; round 0: the seed tasks. Counted in a thread."""
        from studio.methods.difficulty import Difficulty, of_task

        def count() -> dict[int, Difficulty]:
            found: dict[int, Difficulty] = {}
            with closing(Database(self.folder / DATABASE_FILE, writable=False)) as database:
                rows = Rows(database)
                for chosen in (Filter(seed=True, generated=False, type="sft"), Filter(generated=True, type="sft")):
                    for stored in rows.each(replace(chosen, statuses=("accepted", "pending"))):
                        if stored.generated and stored.root is None:
                            continue  # Made by another method.
                        round = stored.round or 0
                        found[round] = found.get(round, Difficulty()) + of_task(prompt_text(stored.row))
            return found

        return await asyncio.to_thread(count)

    def change_settings(self, settings: Settings) -> None:
        """Go by other settings from the next request on, in what runs too. No file is written: studio.toml is yours.

        A run that goes on with other settings stays the same run, also when it is started again with either; what is
        started afresh with others is another.
        Raises StudioError when the settings cannot be used; then those so far stay.
        """
        # Nothing runs: the settings are tried all the same.
        self._course(settings, self._budget(settings))
        try:
            for go_by in self._running:
                go_by(settings)
        except StudioError:
            for go_by in self._running:
                go_by(self.settings)
            raise
        self.settings = settings

    def _evolved(self, row_id: int) -> tuple[StoredRow, int, int, int]:
        """What an evolved row grew from, its run, round and seed task."""
        stored = self.rows.get(row_id)
        parent = None if stored is None or stored.parent is None else self.rows.get(stored.parent)
        if stored is None or parent is None or stored.run is None or stored.round is None or stored.root is None:
            raise ProjectError(f"#{row_id} was not evolved from another row.")
        return parent, stored.run, stored.round, stored.root

    def _budget(self, settings: Settings) -> Budget:
        from studio.llm.budget import Budget

        return Budget(settings.budget)

    def _course(self, settings: Settings, budget: Budget) -> Course:
        from studio.jobs.evolve_recipe import Course

        return Course(settings, self._roles(settings, budget), self.folder)

    def _roles(self, settings: Settings, budget: Budget) -> Roles:
        """The models of these settings, one set for the whole session."""
        from studio.llm import prices
        from studio.llm.choice import Models

        # Each job has its own number of lanes; the endpoints take what the largest one sends.
        jobs = (settings.evolve, settings.self_instruct, settings.probe, settings.position)
        most = max(job.concurrency for job in jobs)
        if self._models is None:
            self._models = Models(settings, most)
        self._models.change(settings, most)
        return self._models.roles(self._replies, budget, prices.load(settings.prices))

    def _keep(self, event: Event) -> Event:
        """Store the row that an attempt made. Its replies are on disk, so that it could be made again from them."""
        if not isinstance(event, Evolved):
            return event
        with self._project.database.transaction(durable=False):
            row_id = self.rows.add_generated(event.made)
        self.compare(row_id)
        return replace(event, row_id=row_id)


def _next_operation(beside: list[StoredRow]) -> Operation:
    """The operation after the last one used, skipping those used before while there are others."""
    from studio.methods.evol_prompts import OPERATIONS

    used = [stored.operation for stored in beside]
    last = OPERATIONS.index(used[-1]) if used[-1] in OPERATIONS else -1
    ahead = [OPERATIONS[(last + step) % len(OPERATIONS)] for step in range(1, len(OPERATIONS) + 1)]
    return next((name for name in ahead if name not in used), ahead[0])
