"""All that asks models, and what it asks about: runs of methods, probes, judging, the task pool."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any

from studio.errors import StudioError
from studio.jobs.events import Event
from studio.methods import registry
from studio.session.endpoints import Endpoints
from studio.session.project import OpenProject
from studio.session.runs.evolving import Rerolling
from studio.session.runs.gold import GoldJudging
from studio.session.runs.methods import MethodRuns
from studio.session.runs.pool import Pool
from studio.session.runs.probing import Probing
from studio.settings import Settings
from studio.store.answers import Answers
from studio.store.rows import StoredRow

if TYPE_CHECKING:
    from studio.jobs.runs.control import Control
    from studio.jobs.runs.estimate import Estimate
    from studio.jobs.runs.tally import RunTally
    from studio.llm.budget import Spent
    from studio.methods.asking import Answer, Method


class Runs:
    """What runs in an open project. compare: holds a row that came against all others."""

    def __init__(self, project: OpenProject, endpoints: Endpoints, compare: Callable[[int], object]) -> None:
        self._project, self._endpoints = project, endpoints
        # What runs, each as a function that has it go by other settings.
        self._running: list[Callable[[Settings], None]] = []
        self._methods = MethodRuns(project, endpoints, compare, self._running)
        self.reroll = Rerolling(project, self._methods).reroll
        self.judge_gold = GoldJudging(project, self._methods).judge_gold
        probing = Probing(project, self._methods)
        self.probe, self.estimate_probe = probing.probe, probing.estimate
        self.probes, self.newest_probe, self.newest_curve = probing.all, probing.newest, probing.newest_curve
        pool = Pool(project)
        self.survey_pool, self.draw_examples, self.difficulty = pool.survey_pool, pool.draw_examples, pool.difficulty

    def run(self, name: str, control: Control) -> AsyncGenerator[Event, None]:
        """Run the method of that name, or go on with the run that the settings mean."""
        return self._methods.run(registry.get(name), control)

    def method(self, name: str) -> Method:
        """The method of that name. Raises StudioError when it cannot be had."""
        return registry.get(name)

    async def tally(self, name: str) -> RunTally:
        """What counts a start of the method, with what earlier ones made."""
        from studio.jobs.runs.tally import RunTally

        method = registry.get(name)
        return RunTally(method, await self.difficulty(name) if method.deepens else None)

    async def estimate(self, name: str, sample: int = 0) -> Estimate:
        """What a run of the method would take; see `MethodRuns.estimate`."""
        return await self._methods.estimate(registry.get(name), sample)

    def answers(self, run: int) -> list[Answer]:
        """What is kept of the tasks of a run, in the order in which they were written down."""
        return Answers(self._project.database).of(run)

    def steps(self, stored: StoredRow) -> tuple[str, ...]:
        """What the replies behind a row were asked for, in their order; () where nobody knows."""
        method = self._method_of(stored)
        return () if method is None else method.steps

    def shown(self, stored: StoredRow) -> list[dict[str, Any]]:
        """The rows that a model was shown when it made this one, each with its number and texts as they were then."""
        method = self._method_of(stored)
        key = None if method is None else method.shown_by(stored)
        answer = Answers(self._project.database).get(stored.run or 0, key) if key else None
        return list(answer.brief or ()) if answer else []

    def _method_of(self, stored: StoredRow) -> Method | None:
        """The method whose run made a row; None for other rows, and where its package is gone."""
        run = None if stored.run is None else self._project.runs.get(stored.run)
        try:
            return None if run is None else registry.get(run.method)
        except StudioError:
            return None

    @property
    def spent(self) -> Spent | None:
        """What the run has cost that was started last, None before any was."""
        return self._endpoints.spent

    @property
    def model_name(self) -> str:
        """The model that would answer, by name."""
        return (
            self._project.settings.model.model or "SmolLM2-135M-Instruct (embedded); a larger model writes better data"
        )

    @property
    def judge_name(self) -> str:
        """The model that would judge, by name."""
        return (
            self._project.settings.model_for("judge").model
            or "SmolLM2-135M-Instruct (embedded); a larger model judges better"
        )

    def change_settings(self, settings: Settings) -> None:
        """Go by other settings from the next request on, in what runs too. No file is written: studio.toml is yours.

        A run that goes on with other settings stays the same run, also when it is started again with either; what is
        started afresh with others is another.
        Raises StudioError when the settings cannot be used; then those so far stay.
        """
        # Nothing runs: the settings are tried all the same.
        self._endpoints.roles(("teacher", *settings.roles), settings, self._endpoints.budget(settings))
        try:
            for go_by in self._running:
                go_by(settings)
        except StudioError:
            for go_by in self._running:
                go_by(self._project.settings)
            raise
        self._project.settings = settings
