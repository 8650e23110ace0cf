"""What a run will take, before it starts: requests, tokens, money, time.

From attempts that were really asked, or from assumptions that the estimate states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from studio.alpaca.lengths import estimate_tokens
from studio.jobs.evolve import STEPS
from studio.jobs.evolve_plan import Task
from studio.jobs.evolve_recipe import Course
from studio.jobs.recipes import estimated_tokens
from studio.llm.chat import Message, Reply, Usage
from studio.llm.embedded.server import MODEL_ID
from studio.llm.prices import Price, cost
from studio.methods import evol_instruct
from studio.methods.evol_prompts import OPERATIONS
from studio.settings import ModelSettings, Role
from studio.text.tokens import language

_ROLES: tuple[Role, ...] = tuple(STEPS)
# Tokens of an answer where nothing is known yet.
_ANSWER = {"standard": 300, "small": 120}
_GROWTH, _VERDICT = 40, 8


class Speed(NamedTuple):
    """Tokens a second of prompts and of answers. alone: requests share a processor and wait for each other."""

    read: float
    write: float
    alone: bool

    @property
    def words(self) -> str:
        """What is assumed."""
        return f"{self.read:,g} tokens of a prompt are read in a second, {self.write:g} of an answer written"


# The embedded model's measured on one core of a small server; most others are faster.
_EMBEDDED, _SERVED = Speed(150.0, 20.0, alone=True), Speed(2_000.0, 40.0, alone=False)


def speed_of(model: str) -> Speed:
    """How fast a model of that name may be."""
    return _EMBEDDED if model == MODEL_ID else _SERVED


def foreseen(role: Role, messages: Sequence[Message], said: int, model: str, concurrency: int) -> Request:
    """A request as it may go. What stands before the last turn is the same in many requests, and counts as read."""
    prompts = [estimated_tokens([message]) for message in messages]
    speed = speed_of(model)
    seconds = prompts[-1] / speed.read + said / speed.write
    return Request(role, Usage(sum(prompts), said), seconds * concurrency if speed.alone else seconds)


class Request(msgspec.Struct, frozen=True):
    """One request as it was, or as it is assumed to be."""

    role: Role
    usage: Usage
    seconds: float


class Estimate(msgspec.Struct, frozen=True):
    """What the attempts that are left will take, replayed ones included: they cost nothing, so it is an upper bound.

    usd: None when a price is not known; prices names the models without one. seconds: at the concurrency and the limits
    of the settings. sampled: attempts it was measured on, 0 when it was assumed. assumptions: in words.
    """

    attempts: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    usd: float | None
    unpriced: tuple[str, ...]
    seconds: float
    sampled: int
    assumptions: tuple[str, ...]


def measured(attempts: Sequence[Sequence[Reply]]) -> list[list[Request]]:
    """Attempts as their replies tell them."""
    return [
        [Request(role, reply.usage, reply.seconds) for role, reply in zip(_ROLES, replies, strict=False)]
        for replies in attempts
    ]


def assumed(tasks: Sequence[Task], course: Course, concurrency: int) -> tuple[list[list[Request]], tuple[str, ...]]:
    """An attempt for each task as it may go, and what that assumes."""
    found = []
    for number, task in enumerate(tasks):
        spoken = language(task.text)
        texts = {
            "teacher": evol_instruct.evolving_messages(
                course.prompts["teacher"][spoken], OPERATIONS[number % len(OPERATIONS)], task.text
            ),
            "answerer": evol_instruct.answering_messages(course.prompts["answerer"][spoken], task.text),
            "judge": evol_instruct.judging_messages(course.prompts["judge"][spoken], task.text, task.text),
        }
        said = {
            "teacher": estimate_tokens(task.text) + _GROWTH,
            "answerer": _ANSWER[course.recipe.roles["answerer"].profile],
            "judge": _VERDICT,
        }
        models = course.recipe.roles
        found.append([foreseen(role, texts[role], said[role], models[role].model, concurrency) for role in _ROLES])
    answer = _ANSWER[course.recipe.roles["answerer"].profile]
    return found, (
        "no attempt is eliminated before its three requests",
        f"an evolution adds {_GROWTH} tokens, an answer has {answer}, a verdict {_VERDICT}",
        *dict.fromkeys(speed_of(asked.model).words for asked in course.recipe.roles.values()),
    )


def extrapolated(
    known: Sequence[Sequence[Request]],
    left: int,
    concurrency: int,
    models: Mapping[Role, ModelSettings],
    prices: Mapping[Role, Price | None],
    *,
    sampled: int,
    assumptions: tuple[str, ...],
) -> Estimate:
    """The attempts that are left, each like the mean of the known ones."""
    share = left / len(known) if known else 0.0
    flat = [request for attempt in known for request in attempt]
    by_role = {role: [request for request in flat if request.role == role] for role in _ROLES}
    tokens = {role: (_sum(by_role[role], "prompt_tokens"), _sum(by_role[role], "completion_tokens")) for role in _ROLES}
    unpriced = tuple(dict.fromkeys(models[role].model for role in _ROLES if prices[role] is None and by_role[role]))
    paid = [cost(price, request.usage) for request in flat if (price := prices[request.role]) is not None]
    seconds = share * sum(request.seconds for request in flat) / max(1, min(concurrency, left))
    shared: dict[ModelSettings, list[Role]] = {}
    for role in _ROLES:
        shared.setdefault(models[role], []).append(role)
    for model, roles in shared.items():
        endpoints = 1 + len(model.endpoints)
        if model.rpm:
            seconds = max(seconds, share * sum(len(by_role[role]) for role in roles) * 60 / model.rpm / endpoints)
        if model.tpm:
            seconds = max(seconds, share * sum(sum(tokens[role]) for role in roles) * 60 / model.tpm / endpoints)
    return Estimate(
        attempts=left,
        requests=round(share * len(flat)),
        prompt_tokens=round(share * sum(prompt for prompt, _ in tokens.values())),
        completion_tokens=round(share * sum(said for _, said in tokens.values())),
        usd=None if unpriced else share * sum(paid),
        unpriced=unpriced,
        seconds=seconds,
        sampled=sampled,
        assumptions=assumptions,
    )


def _sum(requests: Sequence[Request], name: str) -> int:
    return sum(getattr(request.usage, name) for request in requests)
