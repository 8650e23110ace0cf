"""Asking a judge which segment of a row is gold."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING

from studio.alpaca.rows import encode
from studio.jobs.events import Event, Progressed
from studio.session.journal import count_of
from studio.session.project import OpenProject
from studio.session.runs.methods import MethodRuns
from studio.session.steps import Step
from studio.store import decisions

if TYPE_CHECKING:
    from studio.jobs.runs.control import Control
    from studio.methods.asking import Change


class GoldJudging:
    """An open project to judge gold segments in."""

    def __init__(self, project: OpenProject, methods: MethodRuns) -> None:
        self._project, self._methods = project, methods

    async def judge_gold(
        self, control: Control, only: Iterable[int] | None = None, sure: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """Have the judge say which segment is gold, of rows of which no rule is sure, as one undoable step.

        Progressed, then what a run of a method says; the value of each result is the verdict. Rows that a guard keeps,
        that a person has marked or the judge has judged are not asked about. sure: from which confidence on, that of
        [position] by default. Raises StudioError when the judge cannot be asked.
        """
        from studio.jobs.placement import survey
        from studio.jobs.placement.events import SegmentsSurveyed
        from studio.methods.gold_judge import GoldJudge

        self._project.must_write()
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
        step = Step(self._project, "gold", lambda: f"the judge's gold of {count_of(len(ids))}")
        events = self._methods.run(GoldJudge(ids, pattern), control, lambda changes: self._apply(step, changes))
        async with aclosing(events) as said:
            async for event in said:
                yield event

    def _apply(self, step: Step, changes: tuple[Change, ...]) -> bool:
        """Store verdicts; False when the step was undone meanwhile."""
        made = []
        for change in changes:
            stored = self._project.rows.get(change.row)
            # Somebody may have edited or marked it meanwhile.
            if stored is not None and encode(stored.row).decode() == change.body and stored.gold is None:
                made.append(decisions.change(stored, dict(change.fields)))
        return step.take(made) if made else True
