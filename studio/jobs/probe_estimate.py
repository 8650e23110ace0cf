"""What a probe will take, before it starts. All of its prompts are known; only the answers are assumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from studio.jobs import estimate
from studio.jobs.estimate import Estimate
from studio.jobs.probe_recipe import Course, estimated_tokens
from studio.llm import chat
from studio.llm.chat import Usage
from studio.llm.choice import is_small
from studio.llm.prices import Price
from studio.methods.probe.tasks import Setup
from studio.settings import ModelSettings, ProbeTask, Role

# Tokens of an answer.
_ANSWER: dict[ProbeTask, int] = {"kv": 40, "documents": 10}


class _Speed(NamedTuple):
    """Tokens a second of prompts and of answers. alone: requests share a processor and wait for each other."""

    read: float
    write: float
    alone: bool


# Measured on one core of a small server; most others are faster.
_EMBEDDED, _SERVED = _Speed(150.0, 20.0, alone=True), _Speed(2_000.0, 40.0, alone=False)


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
    said, speed = _ANSWER[course.setup.task], _EMBEDDED if is_small(course.model) else _SERVED
    prompts = [estimated_tokens(one.messages) for one in left]
    known = [
        [estimate.Request("teacher", Usage(prompt, said), prompt / speed.read + said / speed.write)]
        for prompt in prompts
    ]
    found = estimate.extrapolated(
        known,
        len(known),
        1 if speed.alone else concurrency,
        models,
        prices,
        sampled=0,
        assumptions=(
            f"an answer has {said} tokens",
            f"{speed.read:,g} tokens of a prompt are read in a second, {speed.write:g} of an answer written",
        ),
    )
    return Foretold(course.recipe.model, course.setup, found, room)
