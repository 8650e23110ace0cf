"""Asking a judge which segment of a row is gold."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING

from studio.alpaca.rows import encode
from studio.jobs.events import Event, Progressed
from studio.session.endpoints import Endpoints
from studio.session.journal import count_of
from studio.session.project import OpenProject
from studio.session.steps import Step
from studio.store import decisions

if TYPE_CHECKING:
    from studio.jobs.placement.events import GoldJudged
    from studio.jobs.runs.control import Control


class GoldJudging:
    """An open project to judge gold segments in."""

    def __init__(self, project: OpenProject, endpoints: Endpoints) -> None:
        self._project, self._endpoints = project, endpoints

    async def judge_gold(
        self, control: Control, only: Iterable[int] | None = None, sure: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """Have the judge say which segment is gold, of rows of which no rule is sure, as one undoable step.

        Progressed, Planned, what lanes say, GoldJudged. Rows that a guard keeps, that a person has marked or the judge
        has judged are not asked about. sure: from which confidence on, that of [position] by default. Raises
        StudioError when the judge cannot be asked.
        """
        from studio.jobs import gold_judging
        from studio.jobs.placement import survey
        from studio.jobs.placement.events import GoldJudged, SegmentsSurveyed
        from studio.jobs.recipes import profile_of, prompts_of
        from studio.methods import gold_judge

        self._project.must_write()
        budget = self._endpoints.spend()
        roles = self._endpoints.roles(self._project.settings, budget)
        profile = profile_of("judge", self._project.settings, roles)
        prompts = prompts_of(gold_judge.FILES, self._project.settings.position.prompts, profile, self._project.folder)
        wanted = None if only is None else frozenset(only)
        threshold = self._project.settings.position.sure if sure is None else sure
        pattern = self._project.pattern
        ids: list[int] = []
        async for event in self._project.reading(lambda store: survey.survey(store.rows, pattern, None)):
            if isinstance(event, SegmentsSurveyed):
                ids = [
                    entry.row_id
                    for entry in map(event.survey.at, range(len(event.survey)))
                    if entry.state(threshold) == "unsure"
                    and entry.by not in ("judge", "hand")
                    and (wanted is None or entry.row_id in wanted)
                ]
            elif isinstance(event, Progressed):
                yield event
        asking = gold_judging.Asking(ids, self._project.rows.get, roles.judge, prompts, pattern)
        control.concurrency = self._project.settings.position.concurrency
        step = Step(self._project, "gold", lambda: f"the judge's gold of {count_of(len(ids))}")
        async with aclosing(gold_judging.judge(asking, control)) as events:
            async for event in events:
                if isinstance(event, GoldJudged) and not self._keep(step, event):
                    return
                yield event

    def _keep(self, step: Step, event: GoldJudged) -> bool:
        """Store a verdict; False when the step was undone meanwhile."""
        from studio.jobs.placement.originals import GoldWhy

        stored = self._project.rows.get(event.row_id)
        if stored is None or encode(stored.row).decode() != event.body or stored.gold is not None:
            # Somebody has edited or marked it meanwhile.
            return True
        why = GoldWhy("judge", event.confidence, event.evidence).encode()
        return step.take([decisions.change(stored, {"gold": event.place, "gold_why": why})])
