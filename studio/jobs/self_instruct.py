"""Self-Instruct as a job: what one attempt asks, and how its reply is read. Judging is `candidates`, order is the plan.

A request for instructions is one request. An instruction that is new takes two more, whether it is a classification
task and then its instances; in the Alpaca variant it came with them. Each request goes by the course as it is then.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson

from studio.alpaca.rows import Sft
from studio.errors import ModelError
from studio.jobs.events import Event, LaneStarted
from studio.jobs.runs import lanes
from studio.jobs.runs.control import Control
from studio.jobs.runs.lanes import Lane
from studio.jobs.self_instruct_events import Answered, Candidate, Dropped, Listed, RanDry
from studio.jobs.self_instruct_plan import Answering, Attempt, Heard, Listing, Plan
from studio.jobs.self_instruct_recipe import METHOD, Course, Step
from studio.llm.chat import ChatModel, Reply, Request
from studio.methods.self_instruct import alpaca_variant, bootstrap, classification, instances
from studio.methods.self_instruct.rules import Rejection
from studio.store.draws import Draw, Shown


async def self_instruct(plan: Plan, control: Control) -> AsyncGenerator[Event, None]:
    """Planned (in instructions that stand), then LaneStarted, LaneText, Retried, Listed, Answered, AttemptFailed and
    Paused until the target is reached, then perhaps RanDry.

    Whoever consumes them stores each Listed and Answered before it passes it on (`candidates.Candidates.keep`). Raises
    what `lanes.run` raises; what was answered by then is kept.
    """
    yield plan.planned

    async def work(lane: Lane, attempt: Attempt) -> None:
        match attempt:
            case Listing(draw):
                plan.hold(await _heard(lane, draw, plan.course))
                await _read_in_turn(lane, plan)
            case Answering():
                await lane.hand_over(await _answered(lane, attempt, plan.course))
            case _:
                await _read_in_turn(lane, plan)

    attempts: lanes.Attempts[Attempt] = plan
    async with aclosing(lanes.run(attempts, work, control)) as events:
        async for event in events:
            yield event
    if plan.dry:
        yield RanDry(plan.dry)


def messages_of(draw: Draw, course: Course) -> tuple[tuple[str, str], ...]:
    """What the request for instructions says."""
    if course.recipe.variant == "alpaca":
        return alpaca_variant.messages(course.teacher, [_row(one) for one in draw.shown])
    return bootstrap.messages(course.teacher, [one.instruction for one in draw.shown])


async def _heard(lane: Lane, draw: Draw, course: Course) -> Heard:
    about = " ".join(f"#{one.row}" for one in draw.shown)
    started = _started(lane, "listing", about, draw.request)
    reply = await _ask(lane, *course.listing(messages_of(draw, course), draw.request), started)
    return Heard(draw, reply, lane.keys[0])


async def _read_in_turn(lane: Lane, plan: Plan) -> None:
    """Read the replies whose turn it is, unless another lane is at it: it goes on with those that come meanwhile."""
    if plan.reading:
        return
    plan.reading = True
    try:
        while (heard := plan.in_turn()) is not None:
            await lane.hand_over(_listed(lane.number, heard, plan.course))
    finally:
        plan.reading = False


def _listed(lane: int, heard: Heard, course: Course) -> Listed:
    reply = heard.reply
    whole: Rejection | None = None
    if course.recipe.variant == "alpaca":
        tasks = alpaca_variant.read(reply.text, finish_reason=_finish(reply))
        candidates = [Candidate(row) for row in tasks.rows]
        candidates += [Candidate(_text_row(one.text), *one.rejection) for one in tasks.dropped]
        if not candidates:
            whole = Rejection("unreadable", f"the reply: {reply.text[:80]!r}")
    else:
        found = bootstrap.read(reply.text, shown=len(heard.draw.shown), finish_reason=_finish(reply))
        candidates, whole = [Candidate(_text_row(text)) for text in found.instructions], found.rejection
    return Listed(
        lane=lane,
        request=heard.draw.request,
        candidates=tuple(candidates),
        reply=heard.key,
        tokens=(reply.usage.prompt_tokens, reply.usage.completion_tokens),
        seconds=reply.seconds,
        replayed=reply.replayed,
        rule=whole.rule if whole else None,
        evidence=whole.evidence if whole else None,
    )


async def _answered(lane: Lane, task: Answering, course: Course) -> Answered:
    text = task.instruction
    started = _started(lane, "classifying", text, task.request)
    reply = await _ask(lane, *course.classifying(classification.messages(course.answerer, text)), started)
    is_classification = classification.read(reply.text)
    messages = instances.messages(course.answerer, text, classification=is_classification)
    started = _started(lane, "answering", text, task.request)
    reply = await _ask(lane, *course.answering(messages, classification=is_classification), started)
    found = instances.read(reply.text, classification=is_classification)
    kept = instances.keep(text, found, finish_reason=_finish(reply))
    none = None if kept.rows else _without_instance(reply, kept)
    thoughts = reply.thinking if course.recipe.thinking != "drop" else ""
    return Answered(
        lane=lane.number,
        request=task.request,
        row_id=task.row,
        instruction=text,
        classification=is_classification,
        rows=kept.rows,
        dropped=tuple(
            Dropped(Sft(text, one.instance.input, one.instance.output), *one.rejection) for one in kept.dropped
        ),
        replies=tuple(lane.keys),
        tokens=(lane.usage.prompt_tokens, lane.usage.completion_tokens),
        seconds=lane.seconds,
        replayed=lane.replayed,
        rule=none.rule if none else None,
        evidence=none.evidence if none else None,
        extras=orjson.dumps({"thinking": thoughts}) if thoughts else None,
    )


async def _ask(lane: Lane, model: ChatModel, request: Request, started: LaneStarted) -> Reply:
    reply = await lane.ask(model, request, started)
    if reply.finish_reason == "length" and not reply.text.strip():
        raise ModelError(
            f"{model.name} thought for {request.max_tokens} tokens and said nothing, as the method gives it no more.",
            hint="Give it thinking_room in [self_instruct], for example 2000 tokens, or take a model that answers "
            "at once.",
        )
    return reply


def _started(lane: Lane, step: Step, about: str, request: int) -> LaneStarted:
    return LaneStarted(lane.number, step, about, round=request, operation=METHOD)


def _finish(reply: Reply) -> str:
    # A text that a filter cut is not whole either.
    return "length" if reply.finish_reason == "content_filter" else reply.finish_reason


def _without_instance(reply: Reply, kept: instances.Kept) -> Rejection:
    """Why an instruction is dropped that has no instance: the rule of the first one, and all that was said."""
    if not kept.dropped:
        return Rejection("unreadable", f"the reply: {reply.text[:80]!r}")
    reasons = [f"{one.rejection.rule}: {one.rejection.evidence}" for one in kept.dropped]
    return Rejection(kept.dropped[0].rejection.rule, "no instance is kept; " + "; ".join(reasons))


def _row(one: Shown) -> Sft:
    return Sft(one.instruction, one.input, one.output)


def _text_row(text: str) -> Sft:
    return Sft(instruction=text)
