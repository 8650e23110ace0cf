"""All that asks models, and what it asks about: runs of methods, probes, judging, the task pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from studio.errors import StudioError
from studio.session.endpoints import Endpoints
from studio.session.project import OpenProject
from studio.session.runs.evolving import Evolving
from studio.session.runs.gold import GoldJudging
from studio.session.runs.instructing import Instructing
from studio.session.runs.pool import Pool
from studio.session.runs.probing import Probing
from studio.settings import Settings

if TYPE_CHECKING:
    from studio.llm.budget import Spent


class Runs:
    """What runs in an open project. compare: holds a row that came against all others."""

    def __init__(self, project: OpenProject, endpoints: Endpoints, compare: Callable[[int], object]) -> None:
        self._project, self._endpoints = project, endpoints
        # What runs, each as a function that has it go by other settings.
        self._running: list[Callable[[Settings], None]] = []
        self._evolving = Evolving(project, endpoints, compare, self._running)
        self.evolve, self.reroll, self.estimate = self._evolving.evolve, self._evolving.reroll, self._evolving.estimate
        instructing = Instructing(project, endpoints, compare, self._running)
        self.self_instruct, self.shown = instructing.self_instruct, instructing.shown
        self.estimate_self_instruct = instructing.estimate_self_instruct
        probing = Probing(project, endpoints)
        self.probe, self.estimate_probe = probing.probe, probing.estimate_probe
        self.probes, self.newest_probe = probing.probes, probing.newest_probe
        self.judge_gold = GoldJudging(project, endpoints).judge_gold
        pool = Pool(project)
        self.survey_pool, self.draw_examples, self.difficulty = pool.survey_pool, pool.draw_examples, pool.difficulty

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
        self._evolving.course(settings, self._endpoints.budget(settings))
        try:
            for go_by in self._running:
                go_by(settings)
        except StudioError:
            for go_by in self._running:
                go_by(self._project.settings)
            raise
        self._project.settings = settings
