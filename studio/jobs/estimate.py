"""What a run will take, before it starts: requests, tokens, money, time.

From attempts that were really asked, or from assumptions that the estimate states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from studio.alpaca.lengths import estimate_tokens
from studio.jobs.evolve import STEPS
from studio.jobs.evolve_plan import Task
from studio.jobs.evolve_recipe import Course
from studio.llm.chat import Reply, Usage
from studio.llm.prices import Price, cost
from studio.methods import evol_instruct
from studio.methods.evol_prompts import OPERATIONS
from studio.settings import ModelSettings, Role
from studio.text.tokens import language

_ROLES: tuple[Role, ...] = tuple(STEPS)
# Tokens of an answer where nothing is known yet, and how fast they come.
_ANSWER = {"standard": 300, "small": 120}
_GROWTH, _VERDICT, _SPEED = 40, 8, 40.0


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


def assumed(tasks: Sequence[Task], course: Course) -> tuple[list[list[Request]], tuple[str, ...]]:
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
        requests = []
        for role in _ROLES:
            prompt = sum(estimate_tokens(content) + 5 for _, content in texts[role])
            requests.append(Request(role, Usage(prompt, said[role]), said[role] / _SPEED))
        found.append(requests)
    answer = _ANSWER[course.recipe.roles["answerer"].profile]
    return found, (
        "no attempt is eliminated before its three requests",
        f"an evolution adds {_GROWTH} tokens, an answer has {answer}, a verdict {_VERDICT}",
        f"each request gets {_SPEED:g} tokens a second",
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
