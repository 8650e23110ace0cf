"""Runs of methods: started, gone on with, estimated; every method in the one way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing, closing
from typing import TYPE_CHECKING

from studio.errors import UsageError
from studio.jobs.events import Event, GaveUp, Progressed, RunBegun
from studio.methods import identity, registry
from studio.session.endpoints import Endpoints
from studio.session.project import OpenProject
from studio.settings import Settings
from studio.store.answers import Answers
from studio.store.database import Database
from studio.store.look import ProjectLook
from studio.store.project import DATABASE_FILE
from studio.store.runs import Runs

if TYPE_CHECKING:
    from studio.jobs.runs.control import Control
    from studio.jobs.runs.course import Course, Heard
    from studio.jobs.runs.estimate import Estimate
    from studio.jobs.runs.keeper import Apply
    from studio.llm.budget import Budget
    from studio.llm.chat import Ruler
    from studio.methods.asking import Key, Method, Task

Compare = Callable[[int], object]


class MethodRuns:
    """An open project to run methods in. compare: holds a row that came against all others. running: what runs, each as
    a function that has it go by other settings.
    """

    def __init__(
        self,
        project: OpenProject,
        endpoints: Endpoints,
        compare: Compare,
        running: list[Callable[[Settings], None]],
    ) -> None:
        self._project, self._endpoints, self._compare, self._running = project, endpoints, compare, running
        self._answers = Answers(project.database)

    async def opened(self, method: Method | str, control: Control, *, spends: bool = True) -> tuple[Course, Budget]:
        """A start of the run that the settings mean, and what it may cost; its id is 0 when there is none yet.

        method: or its name. spends: `spent` tells of it from now on. What the store has of it is read in a thread.

        Raises StudioError when there is nothing to do, or a setting or prompt file cannot be used.
        """
        from studio.jobs.runs.course import Course

        method = registry.get(method) if isinstance(method, str) else method
        budget = self._endpoints.spend() if spends else self._endpoints.budget(self._project.settings)
        project, settings = self._project, self._project.settings
        seen = project.changes

        def touched() -> list[range]:
            nonlocal seen
            ranges, seen = project.touched_since(seen), project.changes
            return ranges

        models = self._endpoints.roles(method.roles, settings, budget)
        look = ProjectLook(project.database, 0, touched)
        course = Course(method, settings, models, project.folder, look, control, self._note)
        control.concurrency = course.settings.concurrency

        def read() -> int:
            with closing(Database(project.folder / DATABASE_FILE, writable=False)) as database:
                course.look = inner = ProjectLook(database, 0, touched)
                if method.keeps:
                    recipe = course.recipe(method.identity(course))
                    inner.run = course.id = Runs(database).find(identity.digest(recipe)) or 0
                course.state = method.open(course)
            return course.id

        look.run = await asyncio.to_thread(read)
        course.look = look
        return course, budget

    def ruler(self, role: str) -> Ruler | None:
        """What tells the length of a role's prompts, where somebody knows it."""
        models = self._endpoints.models
        return None if models is None else models.ruler(role)

    async def run(self, method: Method, control: Control, apply: Apply | None = None) -> AsyncGenerator[Event, None]:
        """Run a method, or go on with the run that the settings mean. apply: for methods that change rows.

        RunBegun, then what `jobs.runs.running.run` says, and perhaps GaveUp. Raises what it raises, and what `opened`
        does.
        """
        self._project.must_write()
        course, budget = await self.opened(method, control)
        async with aclosing(self.go_on(course, control, budget, apply)) as events:
            async for event in events:
                yield event

    async def go_on(
        self, course: Course, control: Control, budget: Budget, apply: Apply | None = None
    ) -> AsyncGenerator[Event, None]:
        """The events of a start that has been opened."""
        from studio.jobs.runs import running
        from studio.jobs.runs.keeper import Keeper
        from studio.jobs.runs.plan import Plan

        project, method = self._project, course.method
        self._adopt(course)
        done = self.done(course)
        plan = Plan(course, done, control.announce, project.journal.last_entry)
        keeper = Keeper(project.database, course, self._compare, apply or _nothing_changes)

        def go_by(settings: Settings) -> None:
            if method.steered:
                course.change(settings, self._endpoints.roles(method.roles, settings, budget))
                self._adopt(course)
                plan.renew()
            # What it may cost, and how many at once, changes no result.
            budget.caps = settings.budget
            control.concurrency = getattr(settings, method.section).concurrency

        self._running.append(go_by)
        try:
            yield RunBegun(method.name, course.id, course.models[method.roles[0]].model, method.says(course))
            async with aclosing(running.run(plan, course, keeper, control)) as events:
                async for event in events:
                    yield event
            if not control.stopping and (reason := method.gave_up(course)):
                yield GaveUp(reason)
        finally:
            self._running.remove(go_by)

    async def once(self, course: Course, tasks: list[Task], control: Control) -> AsyncGenerator[Event, None]:
        """The events of these tasks and no others, beside the plan; what they make is kept."""
        from studio.jobs.runs import running
        from studio.jobs.runs.keeper import Keeper

        keeper = Keeper(self._project.database, course, self._compare, _nothing_changes)
        async with aclosing(running.run_these(tasks, course, keeper.keep, control)) as events:
            async for event in events:
                yield event

    async def estimate(self, method: Method | str, sample: int = 0) -> Estimate:
        """What a run would take with the settings as they are.

        sample: so many attempts are really asked and kept in the ledger, so that a run does not pay for them again;
        0 asks nothing and assumes. An open-ended plan has no such attempts; what the run has made is the measure of it.
        Raises StudioError when there is nothing to do or a sampled attempt fails.
        """
        from studio.jobs.runs.control import Control

        method = registry.get(method) if isinstance(method, str) else method
        if sample and method.progress:
            raise UsageError(
                f"A run of {method.title} has no plan of which a part could be sampled.",
                hint="Run it with a low target first: what it makes is kept, and the next estimate is measured on it.",
            )
        course, _ = await self.opened(method, Control(), spends=False)
        if not sample:
            return self.foretold(course)
        self._project.must_write()
        done = self.done(course)
        attempts, made = course.method.total(course, done.__contains__)
        return self.foretold(course, await self._sampled(course, done, min(sample, max(0, attempts - made))))

    def foretold(self, course: Course, heard: Sequence[Heard] = (), done: set[Key] | None = None) -> Estimate:
        """What is left of a start that has been opened. heard: attempts that were really asked, to measure it by.

        done: the tasks that cost nothing any more, by default those whose answers the run keeps.
        """
        from studio.jobs.runs import estimate
        from studio.llm import prices

        settings, method = self._project.settings, course.method
        done = self.done(course) if done is None else done
        attempts, made = method.total(course, done.__contains__)
        left, sampled, find = max(0, attempts - made), len(heard), self._project.replies.find
        if heard:
            requests = estimate.measured(heard, find, left / sampled)
            assumptions: tuple[str, ...] = ("the attempts left are like those sampled",)
        elif method.progress and made and (asked := self._answers.requests(course.id)):
            every = [one for task in asked for one in task]
            sampled, requests = made, estimate.gone_so_far(every, find, left / made, method.roles[0])
            assumptions = (f"the rest goes as the first {made:,} {method.unit} did",)
        else:
            requests, assumptions = estimate.assumed(course, done.__contains__)
        table = prices.load(settings.prices)
        models = {role: settings.model_for(role) for role in method.roles}
        return estimate.told(
            requests,
            left,
            course.lanes,
            models,
            {role: table.price(model.base_url, model.model) for role, model in models.items()},
            sampled=sampled,
            assumptions=assumptions,
        )

    async def _sampled(self, course: Course, done: set[Key], size: int) -> list[Heard]:
        from studio.jobs.runs import running
        from studio.jobs.runs.control import Control

        heard: list[Heard] = []

        def keep(_lane: int, one: Heard) -> Event:
            heard.append(one)
            return Progressed(len(heard), size, "attempts sampled")

        left = (task for task, _ in course.method.foreseen(course) if task.key not in done)
        tasks = [task for task in left if task.after is None or task.after in done]
        async with aclosing(running.run_these(tasks[:size], course, keep, Control(concurrency=course.lanes))) as events:
            async for _event in events:
                pass
        return heard

    def done(self, course: Course) -> set[Key]:
        """The keys of the tasks that the run has done."""
        return self._answers.done(course.id) if course.method.keeps and course.id else set()

    def _adopt(self, course: Course) -> None:
        """Let the run be known by what it goes by now; a run that is new begins here."""
        if not course.method.keeps:
            return
        recipe = course.recipe(course.method.identity(course))
        with self._project.database.transaction():
            if course.id:
                self._project.runs.adopt(course.id, identity.digest(recipe), recipe)
            else:
                course.id = self._project.runs.open(course.method.name, identity.digest(recipe), recipe)
        course.look.run = course.id

    def _note(self, run: int, tasks: Iterable[Task]) -> None:
        with self._project.database.transaction(durable=False):
            self._answers.note(run, [(task.key, task.brief) for task in tasks])


def _nothing_changes(changes: object) -> bool:
    raise AssertionError("this method changes rows, and nobody said how")
