"""Candidates of Self-Instruct: judged by the filters and the task pool, in the order they come, and stored.

Every candidate becomes a row. round: the number of the request that brought it, variant: its place in the reply times
`PLACES`. A new one is rejected as unanswered until its instances come; the first of these completes its row, the
others become rows beside it, whose parent it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from studio.alpaca.rows import Sft
from studio.curate.selecting.novelty import Near, NoveltyIndex
from studio.jobs.events import Event
from studio.jobs.self_instruct_events import Answered, Candidate, Listed
from studio.jobs.self_instruct_plan import Plan
from studio.jobs.self_instruct_recipe import INPUT_FIRST, OUTPUT_FIRST
from studio.methods.self_instruct.instructions import check_instruction
from studio.methods.self_instruct.rules import Rejection
from studio.store.database import Database
from studio.store.draws import ALPACA, BOOTSTRAP, UNANSWERED
from studio.store.rows import Generated, StoredRow

PLACES = 8
"""Numbers for the instances of one candidate: more than are kept."""
DECIDED = "decided-meanwhile"
"""What an answer is dropped for when the person decided about its row while it was asked for."""


class Candidates:
    """Stores what a run's events bring, and tells the plan."""

    def __init__(self, database: Database, plan: Plan) -> None:
        self._database = database
        self._plan = plan

    def keep(self, event: Event) -> Event:
        """The event with what became of it, once that is in the store; other events as they are.

        The replies are on disk, so that all of it could be made again from them.
        """
        match event:
            case Listed():
                with self._database.transaction(durable=False):
                    event = self._listed(event)
                self._plan.listed(event)
            case Answered():
                with self._database.transaction(durable=False):
                    event = self._answered(event)
                self._plan.answered(event)
        return event

    def _listed(self, event: Listed) -> Listed:
        plan = self._plan
        plan.draws.end(plan.run, event.request, event.reply, event.rule, event.evidence)
        judged = [self._candidate(event, place, one) for place, one in enumerate(event.candidates)]
        return replace(event, candidates=tuple(judged))

    def _candidate(self, event: Listed, place: int, candidate: Candidate) -> Candidate:
        plan = self._plan
        whole = plan.course.recipe.variant == "alpaca"
        instruction = candidate.row.instruction
        if candidate.rule is None:
            rejection = check_instruction(instruction, plan.course.filters) or self._repeats(instruction)
            if rejection is not None:
                candidate = replace(candidate, rule=rejection.rule, evidence=rejection.evidence)
            elif not whole:
                candidate = replace(candidate, rule=UNANSWERED, evidence="new; its input and output are still to come")
        made = Generated(
            type="sft",
            row=candidate.row,
            run=plan.run,
            root=None,
            round=event.request,
            parent=None,
            operation=ALPACA if whole else BOOTSTRAP,
            replies=(event.reply,),
            rule=candidate.rule,
            evidence=candidate.evidence,
            variant=place * PLACES,
        )
        row_id = plan.rows.add_generated(made)
        if candidate.rule in (None, UNANSWERED):
            plan.pool.add(row_id, instruction)
        return replace(candidate, row_id=row_id)

    def _repeats(self, instruction: str) -> Rejection | None:
        if repeated := self._plan.course.worked.like(instruction):
            task, score = repeated
            return Rejection("near-duplicate", f"ROUGE-L {score:.3f} with an example of the prompt, {task!r}")
        pool = self._plan.pool.novelty
        found = pool.check(instruction)
        return None if found.novel else Rejection("near-duplicate", _likeness(instruction, pool, found.nearest))

    def _answered(self, event: Answered) -> Answered:
        stored = self._plan.rows.get(event.row_id)
        if stored is None or not _waits(stored) or stored.row != Sft(event.instruction):
            return replace(event, rows=(), rule=DECIDED, evidence="you decided about it meanwhile")
        rows = event.rows or (Sft(event.instruction),)
        self._plan.rows.complete(stored.id, self._made(stored, event, rows[0], 0))
        ids = [stored.id]
        ids += [
            self._plan.rows.add_generated(self._made(stored, event, row, place))
            for place, row in enumerate(rows[1:], start=1)
        ]
        return event if event.rule else replace(event, row_ids=tuple(ids))

    def _made(self, stored: StoredRow, event: Answered, row: Sft, place: int) -> Generated:
        return Generated(
            type="sft",
            row=row,
            run=self._plan.run,
            root=None,
            round=event.request,
            parent=stored.id if place else None,
            operation=OUTPUT_FIRST if event.classification else INPUT_FIRST,
            replies=((stored.replies or ""), *event.replies),
            rule=event.rule,
            evidence=event.evidence,
            variant=stored.variant + place,
            extras=event.extras,
        )


def _waits(stored: StoredRow) -> bool:
    """Whether a row still is to get its instances."""
    return stored.operation == BOOTSTRAP and (stored.status != "rejected" or stored.rule == UNANSWERED)


def _likeness(instruction: str, pool: NoveltyIndex, nearest: Sequence[Near]) -> str:
    """The paper's evidence: the ten most similar with their scores, and the mean over the pool."""
    listed = ", ".join(f"#{near.row} {near.score:.3f}" for near in nearest)
    return (
        f"ROUGE-L {nearest[0].score:.3f} with #{nearest[0].row}; nearest: {listed}; mean {pool.mean(instruction):.3f}"
    )
