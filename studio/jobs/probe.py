"""The position probe as a job: every question of a setup through the lanes, each reply judged as it comes.

The order is the setup's, and the ledger answers what was paid for: a probe that was stopped or killed is asked again
from the start, and pays for nothing twice.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from studio.errors import ModelError, RefusedError
from studio.jobs.events import Event, LaneStarted, Planned
from studio.jobs.probe_events import Probed
from studio.jobs.probe_recipe import Course
from studio.jobs.runs import lanes
from studio.jobs.runs.control import Control
from studio.jobs.runs.lanes import Lane, Outcome
from studio.methods.probe.judgement import is_right
from studio.methods.probe.tasks import Question, questions

METHOD = "probe"
"""The operation in events of lanes."""


async def probe(course: Course, control: Control) -> AsyncGenerator[Event, None]:
    """Planned, then LaneStarted, LaneText, Retried, Probed, AttemptFailed and Paused until all has been asked.

    Whoever consumes them stores each Probed before it passes it on. Raises what `lanes.run` raises.
    """
    yield Planned(course.setup.questions, 0)

    async def work(lane: Lane, question: Question) -> None:
        await lane.hand_over(await _ask(lane, question, course))

    async with aclosing(lanes.run(_Left(questions(course.setup)), work, control)) as events:
        async for event in events:
            yield event


class _Left:
    """The questions that are left, as lanes.Attempts. What fails waits for the next start."""

    def __init__(self, left: Iterator[Question]) -> None:
        self._left = left
        self._returned: list[Question] = []

    def take(self) -> Question | None:
        return self._returned.pop() if self._returned else next(self._left, None)

    def ended(self, attempt: Question, outcome: Outcome) -> None:
        if outcome == "returned":
            self._returned.append(attempt)


async def _ask(lane: Lane, question: Question, course: Course) -> Probed:
    started = LaneStarted(lane.number, "probing", question.asked, round=question.sample + 1, operation=METHOD)
    reply = await lane.ask(course.model, course.request(question), started)
    if reply.finish_reason == "length" and not reply.text.strip():
        raise ModelError(
            f"{course.model.name} thought for {course.recipe.max_tokens} tokens and said nothing.",
            hint="Give it --thinking-room, for example 2000 tokens, or take a model that answers at once.",
        )
    if reply.finish_reason == "content_filter":
        # Nothing that says whether the model had read the place.
        raise RefusedError("The endpoint's content filter cut an answer.", hint="Ask with another --seed.")
    return Probed(
        lane=lane.number,
        sample=question.sample,
        index=question.index,
        right=is_right(course.setup.task, reply.text, question.answer),
        said=reply.text,
        expected=question.answer,
        reply=lane.keys[0],
        tokens=(reply.usage.prompt_tokens, reply.usage.completion_tokens),
        seconds=reply.seconds,
        replayed=reply.replayed,
    )
