"""Making an attempt: what a method's generator asks is asked of models, and what they say is sent back to it."""

from __future__ import annotations

import asyncio

from studio.errors import RefusedError
from studio.jobs.events import LaneStarted
from studio.jobs.runs.course import Course, Heard
from studio.jobs.runs.lanes import Lane
from studio.llm.chat import Reply, Request
from studio.methods.asking import Ask, Said, Task

VARIANTS = 1_000_000_000
"""Tells the samples of a task done once more from those of the plan's."""


async def attempt(lane: Lane, task: Task, course: Course) -> Heard:
    """Everything that one attempt asks, until it returns. Raises what `Lane.ask` raises, and what the method does.

    Only a refused request is thrown into the attempt, which may go on without it.
    """
    made, asked = course.method.attempt(task, course), list[str]()
    try:
        wanted = next(made)
        while True:
            asks = (wanted,) if isinstance(wanted, Ask) else wanted
            try:
                said = await _ask(lane, task, asks, course, asked)
            except RefusedError as error:
                wanted = made.throw(error)
            else:
                wanted = made.send(said[0] if isinstance(wanted, Ask) else said)
    except StopIteration as stop:
        return Heard(task, stop.value, tuple(asked), lane.usage, lane.seconds, lane.replayed)
    finally:
        made.close()


def request_of(ask: Ask, task: Task, course: Course) -> Request:
    """The request that an Ask means."""
    sampling = ask.sampling
    return Request(
        model=course.models[ask.role].model,
        messages=ask.messages,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        stop=sampling.stop,
        response_format=sampling.response_format,
        sample=ask.sample + task.variant * VARIANTS,
        presence_penalty=sampling.presence_penalty,
        frequency_penalty=sampling.frequency_penalty,
    )


async def _ask(lane: Lane, task: Task, asks: tuple[Ask, ...], course: Course, asked: list[str]) -> tuple[Said, ...]:
    """What was said, in the order of asks. All are awaited, then the first error by place is raised."""
    requests = [request_of(ask, task, course) for ask in asks]
    keys = [request.key() for request in requests]
    replies = await asyncio.gather(
        *(
            # The texts of several at once would mix in the lane.
            lane.ask(course.models[ask.role], request, _started(lane, ask, task), key=key, streams=len(asks) == 1)
            for ask, request, key in zip(asks, requests, keys, strict=True)
        ),
        return_exceptions=True,
    )
    whole: list[Reply] = []
    for reply in replies:
        if isinstance(reply, BaseException):
            raise reply
        whole.append(reply)
    asked += [f"{ask.role}:{key}" for ask, key in zip(asks, keys, strict=True)]
    return tuple(
        Said(
            reply.text,
            reply.finish_reason,
            reply.thinking,
            reply.usage.completion_tokens,
            course.models[ask.role].name,
        )
        for ask, reply in zip(asks, whole, strict=True)
    )


def _started(lane: Lane, ask: Ask, task: Task) -> LaneStarted:
    return LaneStarted(lane.number, ask.step, ask.about, task.row, task.round, ask.operation or task.operation)
