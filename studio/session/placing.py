"""Where gold segments stand: looking, marking, placing."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Callable, Container, Iterable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from studio.alpaca.rows import encode
from studio.errors import ProjectError, UsageError
from studio.jobs.events import Event
from studio.session.journal import DecisionJournal
from studio.session.placed import PlacingStep, digest
from studio.session.project import OpenProject
from studio.settings import PositionSettings, Strategy
from studio.store import decisions
from studio.store.rows import PLACEMENT, StoredRow

if TYPE_CHECKING:
    from studio.curate.placing.arranging import Arranged
    from studio.curate.placing.deciles import Position
    from studio.curate.placing.plans import Plan
    from studio.curate.segments.context import Context
    from studio.curate.segments.guards import Guard
    from studio.jobs.placement.entries import Entry, Survey
    from studio.jobs.placement.rows import Asked
    from studio.methods.probe.curve import Curve


class Placing:
    """The segments of an open project's rows. newest_curve: what `inverse` goes by, when there is one."""

    def __init__(
        self, project: OpenProject, journal: DecisionJournal, newest_curve: Callable[[], Curve | None]
    ) -> None:
        self._project, self._journal, self._newest_curve = project, journal, newest_curve

    def context_of(self, stored: StoredRow) -> Context | None:
        """A row's segments as they stand now; None when it has none."""
        from studio.curate.segments.context import context_of
        from studio.jobs.placement.originals import known_gold

        return context_of(stored.row, known_gold(stored), self._project.pattern)

    async def survey_segments(self, ids: Sequence[int] | None = None) -> AsyncGenerator[Event, None]:
        """Which rows have segments, which one is gold, what keeps them where they are; ends with SegmentsSurveyed.

        ids: only these rows.
        """
        from studio.jobs.placement import survey as placement_survey

        pattern = self._project.pattern
        async for event in self._project.reading(lambda store: placement_survey.survey(store.rows, pattern, ids)):
            yield event

    def survey_entry(self, row_id: int) -> Entry | None:
        """What a survey says of one row; None when it has no segments, or is rejected."""
        from studio.jobs.placement.survey import entry_of

        stored = self._project.rows.get(row_id)
        if stored is None or stored.status == "rejected":
            return None
        return entry_of(stored, self._project.pattern, self._project.rows.parents_of(PLACEMENT))

    async def foresee(
        self, survey: Survey, chosen: PositionSettings, only: Container[int] | None = None
    ) -> AsyncGenerator[Event, None]:
        """Where gold would go, were every row placed so that can be, or only these rows: PlacesForeseen."""
        from studio.jobs.placement import survey as placement_survey
        from studio.jobs.threads import in_thread

        weighted = self.weighted(chosen)
        async with aclosing(in_thread(placement_survey.foresee(survey, weighted, only))) as events:
            async for event in events:
                yield event

    def weighted(self, chosen: PositionSettings) -> PositionSettings:
        """The settings with what `inverse` goes by where they have no weights: the newest probe, if there is one."""
        from studio.methods.probe.curve import weights_by_decile

        curve = self._newest_curve() if chosen.strategy == "inverse" and not chosen.weights else None
        return msgspec.structs.replace(chosen, weights=weights_by_decile(curve)) if curve else chosen

    def mark_gold(self, row_id: int, gold: int | None) -> None:
        """Say which segment (from 0) of the row holds the answer; None says nothing of it any more."""
        self._journal.decide_on(row_id, "gold", {"gold": gold, "gold_why": None})

    async def place(
        self,
        chosen: PositionSettings | None = None,
        only: Iterable[int] | None = None,
        *,
        standing: Iterable[Position] | None = None,
        dry_run: bool = False,
    ) -> AsyncGenerator[Event, None]:
        """Move gold segments, or make variants, as one undoable step; ends with Placed.

        chosen: how, [position] by default. only: these rows; standing: where gold stands in the others, who knows it
        already. Each RowsPlaced is on disk when it is passed on; with dry_run nothing is. Raises UsageError for what
        does not go together.
        """
        from studio.jobs.placement import placements
        from studio.jobs.placement.events import PlacementLaidOut, RowsPlaced

        if not dry_run:
            self._project.must_write()
        settings = self.weighted(chosen or self._project.settings.position)
        asked = self._asked(settings, only, standing)
        step = PlacingStep(self._project, settings)
        async for event in self._project.reading(lambda store: placements.place(store.rows, asked)):
            if isinstance(event, PlacementLaidOut):
                step.rows = event.rows
            elif isinstance(event, RowsPlaced) and not dry_run and not step.keep(event):
                # It was undone while it ran: then it ends here.
                return
            yield event

    def foresee_row(self, stored: StoredRow, chosen: PositionSettings, target: int | None) -> Arranged | Guard | None:
        """What would become of a row, were its gold segment put at target; distractors left out.

        target: None where the strategy names no place. None is returned for a row that would stay as it is.
        """
        from studio.curate.placing.arranging import Arranged, Wish
        from studio.curate.placing.placement import arranged, rotated, shuffled
        from studio.curate.placing.refinding import surely_arranged
        from studio.curate.segments.context import context_of
        from studio.jobs.placement.originals import original

        found = original(stored)
        context = context_of(found.row, found.known, self._project.pattern)
        if context is None or context.guard is not None:
            return None if context is None else context.guard
        count, gold = len(context.segments), context.gold.place
        if target is not None and gold is not None:
            order = arranged(count, gold, max(0, min(target, count - 1)))
        elif target is not None and context.segments.kind == "constraints":
            order = rotated(count, target)
        elif chosen.strategy in ("shuffle", "original"):
            order = shuffled(count, chosen.seed, stored.id) if chosen.strategy == "shuffle" else tuple(range(count))
        else:
            return None
        wish = Wish(chosen.strategy, chosen.seed, chosen.question, chosen.locate_first)
        if chosen.strategy == "original":
            wish = Wish("original", chosen.seed)
        made = surely_arranged(found.row, context, order, wish, pattern=self._project.pattern)
        return made if not isinstance(made, Arranged) or made.row != stored.row else None

    def place_one(self, row_id: int, target: int | None, chosen: PositionSettings | None = None) -> bool:
        """Place one row, its gold segment at target, and keep what an earlier placing did to question and output.

        chosen: how; then nothing else is kept. Returns whether anything changed. Raises ProjectError when it cannot be.
        """
        from studio.curate.placing.arranging import Arranged
        from studio.jobs.placement.originals import original

        self._project.must_write()
        stored = self._project.rows.get(row_id)
        context = self.context_of(stored) if stored else None
        if stored is None or context is None:
            raise ProjectError(f"#{row_id} has no segments.")
        found = original(stored)
        if chosen is None:
            if context.gold.place is None:
                raise ProjectError(f"#{row_id} has no gold segment.", hint="Mark the one that holds the answer first.")
            if found.plan is not None and found.plan.distractors:
                raise ProjectError(
                    f"#{row_id} has distractors from other rows.", hint="Place it anew, or undo that first."
                )
            chosen = self._as_before(found.plan, target, len(context.segments))
        made = self.foresee_row(stored, chosen, target)
        if made is None:
            return False
        if not isinstance(made, Arranged):
            raise ProjectError(f"#{row_id} stays as it is: {made}.")
        back = made.row == found.row
        after = {
            "body": encode(made.row).decode(),
            "gold": None if found.known is None else made.plan.gold,
            "placement": None if back else made.plan.encode(),
        }
        change = decisions.change(stored, after)
        where = "" if made.plan.gold is None else f", gold at {made.plan.gold + 1} of {len(made.plan.order)}"
        self._journal.decide("place", f"place #{row_id} ({chosen.strategy}{where})", [change])
        return True

    def _as_before(self, plan: Plan | None, target: int | None, count: int) -> PositionSettings:
        """The settings by which a row is moved by hand: its question and output stay as they were placed."""
        strategy: Strategy = "head" if not target else "tail" if target >= count - 1 else "middle"
        settings = msgspec.structs.replace(
            self._project.settings.position, strategy=strategy, variants=0, distractors=0
        )
        if plan is None:
            return msgspec.structs.replace(settings, question="as-is", locate_first=False)
        return msgspec.structs.replace(settings, question=plan.question, locate_first=plan.locate_first)

    def _asked(
        self, settings: PositionSettings, only: Iterable[int] | None, standing: Iterable[Position] | None
    ) -> Asked:
        from studio.curate.placing.arranging import Wish
        from studio.curate.placing.placement import VARIED
        from studio.curate.segments.shapes import custom
        from studio.jobs.placement.rows import Asked

        weights = settings.weights
        if weights and (len(weights) != 10 or not any(weights) or not all(math.isfinite(one) for one in weights)):
            raise UsageError(
                f"[position] weights is {', '.join(f'{one:g}' for one in weights)}.",
                hint="Give ten finite numbers, one for each tenth of the context, not all of them 0.",
            )
        if settings.strategy == "inverse" and not settings.weights:
            raise UsageError(
                "inverse goes by how well a model reads each position, which has not been measured.",
                hint="Run `studio probe DIR` (b in Position), or give ten weights.",
            )
        if settings.variants and settings.strategy not in VARIED:
            raise UsageError(
                f"{settings.strategy} would give every variant of a row the same order.",
                hint=f"Variants go with {', '.join(sorted(VARIED))}.",
            )
        run = self._project.runs.find(digest(settings))
        return Asked(
            Wish(settings.strategy, settings.seed, settings.question, settings.locate_first),
            sure=settings.sure,
            pattern=custom.compiled(settings.pattern),
            weights=weights,
            variants=settings.variants,
            distractors=settings.distractors,
            only=None if only is None else self._known(only),
            made=self._variants_of(run) if run else {},
            varied=self._project.rows.parents_of(PLACEMENT),
            standing=None if standing is None else tuple(standing),
        )

    def _known(self, only: Iterable[int]) -> frozenset[int]:
        """Raises UsageError for a row that there is not."""
        ids, last = frozenset(only), self._project.rows.last_id()
        # No row is ever deleted, so the ids there are have no gaps.
        if unknown := [row_id for row_id in ids if not 0 < row_id <= last]:
            raise UsageError(f"There is no row #{min(unknown)}.")
        return ids

    def _variants_of(self, run: int) -> dict[int, set[int]]:
        made: dict[int, set[int]] = {}
        for parent, number in self._project.rows.made_of(run):
            made.setdefault(parent, set()).add(number)
        return made
