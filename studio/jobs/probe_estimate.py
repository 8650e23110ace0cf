"""What a probe will take, before it starts. All of its prompts are known; only the answers are assumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from studio.jobs import estimate
from studio.jobs.estimate import Estimate
from studio.jobs.probe_recipe import Course
from studio.llm import chat
from studio.llm.prices import Price
from studio.methods.probe.tasks import Setup
from studio.settings import ModelSettings, ProbeTask, Role

# Tokens of an answer.
_ANSWER: dict[ProbeTask, int] = {"kv": 40, "documents": 10}


class Foretold(msgspec.Struct, frozen=True):
    """A probe that has not been asked. room: as in `ProbeBegun`."""

    model: str
    setup: Setup
    estimate: Estimate
    room: tuple[int, int] | None


def foretold(
    course: Course,
    left: Iterable[chat.Request],
    room: tuple[int, int] | None,
    concurrency: int,
    models: Mapping[Role, ModelSettings],
    prices: Mapping[Role, Price | None],
) -> Foretold:
    """What the requests that are left will take."""
    said, name = _ANSWER[course.setup.task], course.recipe.model
    known = [[estimate.foreseen("teacher", one.messages, said, name, concurrency)] for one in left]
    found = estimate.extrapolated(
        known,
        len(known),
        concurrency,
        models,
        prices,
        sampled=0,
        assumptions=(f"an answer has {said} tokens", estimate.speed_of(name).words),
    )
    return Foretold(course.recipe.model, course.setup, found, room)
