"""Evol-Instruct as a job: what one attempt asks, and the lanes that work through the plan.

An attempt rewrites its task, answers what came out, and has a judge compare it with its parent, as far as no
elimination rule ends it before. Each request goes by the course as it is at that moment.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson

from studio.alpaca.rows import Sft
from studio.jobs.events import Event, Evolved, LaneStarted
from studio.jobs.evolve_plan import Attempt, Plan
from studio.jobs.evolve_recipe import Course
from studio.jobs.runs import lanes
from studio.jobs.runs.control import Control
from studio.jobs.runs.lanes import Lane, Outcome
from studio.llm import thinking
from studio.llm.chat import ChatModel, Reply, Request
from studio.methods import evol_instruct
from studio.methods.evol_instruct import Elimination
from studio.methods.templates import PromptSet
from studio.settings import Role
from studio.store.rows import Generated
from studio.text.tokens import language

STEPS: dict[Role, str] = {"teacher": "evolving", "answerer": "answering", "judge": "judging"}
"""What each role is asked for, in the order of an attempt's requests."""

# Tells apart the samples of one question: rounds of a task, and rows made beside the plan's.
_ROUNDS, _VARIANTS = 1_000, 1_000_000_000


async def evolve(plan: Plan, control: Control) -> AsyncGenerator[Event, None]:
    """Planned, then LaneStarted, LaneText, Retried, Evolved, AttemptFailed and Paused until the plan is done.

    Raises what `lanes.run` raises; what was answered by then has been reported and is kept.
    """
    yield plan.planned

    async def work(lane: Lane, attempt: Attempt) -> None:
        evolved = await attempt_once(lane, attempt, plan.run, plan.course)
        await lane.hand_over(evolved)
        if evolved.made.rule is None:
            plan.kept()

    async with aclosing(lanes.run(plan, work, control)) as events:
        async for event in events:
            yield event


async def evolve_these(
    attempts: list[Attempt], run: int, course: Course, control: Control
) -> AsyncGenerator[Event, None]:
    """The events of these attempts and no others."""

    async def work(lane: Lane, attempt: Attempt) -> None:
        await lane.hand_over(await attempt_once(lane, attempt, run, course))

    async with aclosing(lanes.run(_Only(attempts), work, control)) as events:
        async for event in events:
            yield event


class _Only:
    """Attempts at hand, as lanes.Attempts."""

    def __init__(self, attempts: list[Attempt]) -> None:
        self._left = attempts[::-1]

    def take(self) -> Attempt | None:
        return self._left.pop() if self._left else None

    def ended(self, attempt: Attempt, outcome: Outcome) -> None:
        if outcome == "returned":
            self._left.append(attempt)


async def attempt_once(lane: Lane, attempt: Attempt, run: int, course: Course) -> Evolved:
    """Ask what one attempt takes. Raises what `Lane.ask` raises."""
    asking = _Asking(lane, attempt, course)
    evolved, answer, eliminated = await _evolve(asking, attempt, course)
    made = Generated(
        type="sft",
        row=Sft(instruction=evolved, input=attempt.parent.input, output=answer),
        run=run,
        root=attempt.root,
        round=attempt.round,
        parent=attempt.parent.id,
        operation=attempt.operation,
        replies=tuple(lane.keys),
        rule=eliminated.rule if eliminated else None,
        evidence=eliminated.evidence if eliminated else None,
        variant=attempt.variant,
        extras=asking.extras,
    )
    tokens = (lane.usage.prompt_tokens, lane.usage.completion_tokens)
    return Evolved(lane.number, made, tokens, lane.seconds, lane.replayed)


async def _evolve(asking: _Asking, attempt: Attempt, course: Course) -> tuple[str, str, Elimination | None]:
    """The evolved instruction, its answer ("" where none was asked for), and the rule that eliminates it."""
    parent = attempt.parent
    prompts = asking.prompts("teacher")
    sample = course.recipe.seed * _ROUNDS + attempt.round + attempt.variant * _VARIANTS
    messages = evol_instruct.evolving_messages(prompts, attempt.operation, parent.text)
    reply = await asking("teacher", messages, parent.text, sample)
    evolved = evol_instruct.read_evolved(reply.text)
    eliminated = _cut(reply) or evol_instruct.check_instruction(evolved, parent.text)
    if eliminated is not None:
        return evolved, "", eliminated
    asked = f"{evolved}\n{parent.input}" if parent.input else evolved
    reply = await asking("answerer", evol_instruct.answering_messages(asking.prompts("answerer"), asked), evolved)
    answer = asking.answer_of(reply)
    eliminated = evol_instruct.check_answer(reply.text, course.recipe.short_answer) or _cut(reply)
    if eliminated is not None:
        return evolved, answer, eliminated
    messages = evol_instruct.judging_messages(asking.prompts("judge"), parent.text, evolved)
    reply = await asking("judge", messages, evolved)
    return evolved, answer, evol_instruct.check_judgement(reply.text)


class _Asking:
    """The requests of one attempt, by role. extras: what the answer's thoughts leave beside the row."""

    def __init__(self, lane: Lane, attempt: Attempt, course: Course) -> None:
        self._lane, self._attempt, self._course = lane, attempt, course
        self._language = language(attempt.parent.text)
        self.extras: bytes | None = None

    def prompts(self, role: Role) -> PromptSet:
        return self._course.prompts[role][self._language]

    async def __call__(self, role: Role, messages: tuple[tuple[str, str], ...], shown: str, sample: int = 0) -> Reply:
        attempt = self._attempt
        model: ChatModel = getattr(self._course.models, role)
        sampling = self._course.recipe.roles[role].sampling[self._language]
        request = Request(
            model=model.model,
            messages=messages,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            sample=sample,
        )
        started = LaneStarted(self._lane.number, STEPS[role], shown, attempt.root, attempt.round, attempt.operation)
        return await self._lane.ask(model, request, started)

    def answer_of(self, reply: Reply) -> str:
        """The row's output, as the thinking setting says."""
        kind = self._course.recipe.thinking
        if kind == "keep" and reply.thinking:
            self.extras = orjson.dumps({"thinking": reply.thinking})
        answer = reply.text.strip()
        return thinking.attach(reply.thinking, answer) if kind == "attach" else answer


def _cut(reply: Reply) -> Elimination | None:
    if reply.finish_reason == "length":
        return Elimination("cut-short", f"the model stopped after {reply.usage.completion_tokens} tokens")
    if reply.finish_reason == "content_filter":
        return Elimination("cut-short", "the endpoint's content filter cut the text")
    return None
