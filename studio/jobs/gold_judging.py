"""Asking a model which segment is gold, row by row through the lanes. What was answered is never asked again."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing

from studio.alpaca.rows import encode
from studio.curate.segments.context import answer_of, context_of, question_of
from studio.jobs.events import Event, LaneStarted, Planned
from studio.jobs.placement.events import GoldJudged
from studio.jobs.runs import lanes
from studio.jobs.runs.control import Control
from studio.jobs.runs.lanes import Lane, Outcome
from studio.llm.chat import ChatModel, Request
from studio.methods import gold_judge
from studio.methods.templates import Language, PromptSet
from studio.store.rows import StoredRow
from studio.text.tokens import language

STEP = "judging"
# The verdict is short; a model that thinks first needs room for that.
_MOST_TOKENS, _SMALL_TOKENS = 2048, 60

Get = Callable[[int], StoredRow | None]


class Asking:
    """Who is asked, with which prompts. Row by row, as lanes.Attempts."""

    def __init__(
        self, ids: Sequence[int], get: Get, model: ChatModel, prompts: Mapping[Language, PromptSet],
        pattern: re.Pattern[str] | None,
    ) -> None:  # fmt: skip
        self.total = len(ids)
        self.model = model
        self.prompts = prompts
        self.pattern = pattern
        self._get = get
        self._left = list(ids)[::-1]

    def take(self) -> StoredRow | None:
        """The next row that is still there to be asked about."""
        while self._left:
            stored = self._get(self._left.pop())
            if stored is not None and stored.status != "rejected":
                return stored
        return None

    def ended(self, attempt: StoredRow, outcome: Outcome) -> None:
        if outcome == "returned":
            self._left.append(attempt.id)


async def judge(asking: Asking, control: Control) -> AsyncGenerator[Event, None]:
    """Planned, then what lanes say, and GoldJudged for each row that was answered. Raises what `lanes.run` raises."""
    yield Planned(asking.total, 0)

    async def work(lane: Lane, stored: StoredRow) -> None:
        judged = await _ask(lane, stored, asking)
        if judged is not None:
            await lane.hand_over(judged)

    async with aclosing(lanes.run(asking, work, control)) as events:
        async for event in events:
            yield event


async def _ask(lane: Lane, stored: StoredRow, asking: Asking) -> GoldJudged | None:
    """The verdict on one row; None when it has no segments any more."""
    context = context_of(stored.row, None, asking.pattern)
    if context is None:
        return None
    bodies = [
        f"{label.strip()} {body.strip()}".strip()
        for label, body in zip(context.segments.labels, context.segments.bodies, strict=True)
    ]
    question = question_of(stored.row, context.field, context.segments)
    prompts = asking.prompts[language(f"{question}\n{answer_of(stored.row)}")]
    small = prompts.profile == "small"
    request = Request(
        model=asking.model.model,
        messages=gold_judge.messages(prompts, bodies, question, answer_of(stored.row)),
        temperature=0.0,
        top_p=1.0,
        max_tokens=_SMALL_TOKENS if small else _MOST_TOKENS,
        stop=("\n\n",) if small else (),
    )
    reply = await lane.ask(asking.model, request, LaneStarted(lane.number, STEP, question, stored.id))
    verdict = gold_judge.read(reply.text, bodies)
    return GoldJudged(
        lane.number,
        stored.id,
        encode(stored.row).decode(),
        verdict.place,
        verdict.confidence,
        verdict.evidence,
        (lane.usage.prompt_tokens, lane.usage.completion_tokens),
        lane.seconds,
        lane.replayed,
    )
