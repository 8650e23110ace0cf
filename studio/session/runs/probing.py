"""Probing a model: which positions of its input it reads well, and what was found before."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from msgspec.structs import replace

from studio.jobs.events import Event
from studio.session.endpoints import Endpoints
from studio.session.project import OpenProject

if TYPE_CHECKING:
    from studio.jobs.probe_estimate import Foretold
    from studio.jobs.probe_recipe import Course
    from studio.jobs.runs.control import Control
    from studio.llm.budget import Budget
    from studio.llm.chat import Request
    from studio.store.probes import Probe, Probes


class Probing:
    """An open project to probe models in."""

    def __init__(self, project: OpenProject, endpoints: Endpoints) -> None:
        self._project, self._endpoints = project, endpoints

    async def probe(self, control: Control) -> AsyncGenerator[Event, None]:
        """Ask the model of [model] what [probe] says, and keep which answers were right.

        ProbeBegun, Planned, then what lanes say, Probed, and ProbeEnded once each position has an answer. Raises
        UsageError, before anything is asked, when the prompts do not fit the model's context.
        """
        from studio.jobs import probe
        from studio.jobs.probe_events import ProbeBegun, Probed, ProbeEnded

        self._project.must_write()
        budget = self._endpoints.spend()
        course = self._probe_course(budget)
        room = await self._probe_room(course)
        recipe, probes, database = course.recipe, self._probes(), self._project.database
        with database.transaction():
            number = probes.open(recipe.digest, recipe.model, recipe.setup, recipe.encode())
        control.concurrency = self._project.settings.probe.concurrency
        yield ProbeBegun(recipe.model, recipe.setup, room)
        async with aclosing(probe.probe(course, control)) as events:
            async for event in events:
                if isinstance(event, Probed):
                    # The reply is on disk, so that it could be judged again.
                    with database.transaction(durable=False):
                        probes.keep(number, event.sample, event.index, correct=event.right, reply=event.reply)
                yield event
        found = probes.get(number)
        assert found is not None
        stopped = control.stopping and found.curve.asked < recipe.setup.questions
        if not stopped and all(point.asked for point in found.curve.points):
            with database.transaction():
                probes.end(number)
            yield ProbeEnded(replace(found, ended=True))

    async def estimate_probe(self) -> Foretold:
        """What `probe` would take with the settings as they are, answered questions left out; nothing is asked.

        Raises UsageError when the prompts do not fit the model's context.
        """
        from studio.jobs import probe_estimate
        from studio.jobs.evolve_recipe import ROLES
        from studio.llm import prices

        course = self._probe_course(self._endpoints.budget(self._project.settings))
        room = await self._probe_room(course)
        table = prices.load(self._project.settings.prices)
        models = {role: self._project.settings.model_for(role) for role in ROLES}
        known = {role: table.price(model.base_url, model.model) for role, model in models.items()}
        left, lanes = self._unanswered(course), self._project.settings.probe.concurrency
        return probe_estimate.foretold(course, left, room, lanes, models, known)

    def probes(self) -> list[Probe]:
        """Every probe: those that ended, newest first, then those that were stopped, newest first."""
        return self._probes().all()

    def newest_probe(self, model: str | None = None) -> Probe | None:
        """The probe that ended last, of this model (as its endpoint calls it) or of any."""
        return self._probes().newest(model)

    def _probes(self) -> Probes:
        # What it needs takes as long to import as the rest of the store, and most sessions never probe.
        from studio.store.probes import Probes

        return Probes(self._project.database)

    def _probe_course(self, budget: Budget) -> Course:
        from studio.jobs.probe_recipe import Course

        return Course(
            self._project.settings, self._endpoints.roles(self._project.settings, budget), self._project.folder
        )

    async def _probe_room(self, course: Course) -> tuple[int, int] | None:
        """Tokens of the longest prompt that is left to ask, and tokens it may have. Raises UsageError."""
        from studio.jobs.probe_recipe import Estimated, room

        assert self._endpoints.models is not None
        given = self._project.settings.probe.context
        ruler = self._endpoints.models.ruler("teacher") or (Estimated(given) if given else None)
        return await room(course, self._unanswered(course), ruler)

    def _unanswered(self, course: Course) -> Iterator[Request]:
        """The requests of a probe that the ledger has no reply to."""
        from studio.methods.probe.tasks import questions

        requests = map(course.request, questions(course.setup))
        return (request for request in requests if self._project.replies.find(request.key()) is None)
