"""What a run will take, before it starts: requests, tokens, money, time.

The attempts that are left are made with the answers that the method finds likely, asking nobody; or some are really
asked, or have been by the run so far, and the others are assumed to be like them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from studio.alpaca.lengths import estimate_tokens
from studio.jobs.runs.asking import request_of
from studio.jobs.runs.course import Course, Heard
from studio.llm.chat import Message, Reply, Usage
from studio.llm.embedded.server import MODEL_ID
from studio.llm.prices import Price, cost
from studio.methods.asking import Ask, Key, Said, Task
from studio.settings import ModelSettings

LOOKED_AT = 64
"""Tasks whose requests are made up for an estimate; the others are taken to be like them."""
MEASURED = 200
"""Replies of a role that an estimate looks at, the first ones of the run; the others are taken to be like them."""
_MOST_ASKS = 10_000


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


def estimated_tokens(messages: Iterable[Message]) -> int:
    """About how many tokens a prompt has. Many vocabularies have a token for each digit, and UUIDs are full of them."""
    return sum(estimate_tokens(content) + sum(map(content.count, "0123456789")) + 5 for _, content in messages)


class Requested(msgspec.Struct, frozen=True):
    """One request as it was, or as it is assumed to be. weight: how many such requests it stands for."""

    role: str
    usage: Usage
    seconds: float
    weight: float = 1.0


class Estimate(msgspec.Struct, frozen=True):
    """What the attempts that are left will take, replayed ones included: they cost nothing, so it is an upper bound.

    usd: None when a price is not known; unpriced names the models without one. seconds: at the concurrency and the
    limits of the settings. sampled: attempts it was measured on, 0 when it was assumed. assumptions: in words.
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


def assumed(course: Course, done: Callable[[Key], bool]) -> tuple[list[Requested], tuple[str, ...]]:
    """The requests of all tasks that are left, as they may go, and what that assumes."""
    left = [(task, weight) for task, weight in course.method.foreseen(course) if not done(task.key)]
    seen = left[:LOOKED_AT]
    scale = len(left) / len(seen) if seen else 0.0
    requests = [
        foreseen(ask, task, course, weight * scale) for task, weight in seen for ask in _likely_asks(task, course)
    ]
    models = dict.fromkeys(course.models[role].model for role in course.method.roles)
    speeds = dict.fromkeys(speed_of(model).words for model in models)
    return requests, (*course.method.assumes(course), *speeds)


def measured(heard: Sequence[Heard], find: Callable[[str], bytes | None], weight: float) -> list[Requested]:
    """The requests of attempts as they went. find: a reply by its key in the ledger. weight: of each attempt."""
    return _as_they_went([asked for one in heard for asked in one.asked], find, weight)


def gone_so_far(
    asked: Iterable[str], find: Callable[[str], bytes | None], weight: float, usual: str
) -> list[Requested]:
    """The requests of a run as they went so far, each with this weight. asked: "role:key"; usual: the role of those
    that were written down without one.
    """
    by_role: dict[str, list[str]] = defaultdict(list)
    for one in asked:
        role, _, key = one.rpartition(":")
        by_role[role or usual].append(f"{role or usual}:{key}")
    found = []
    for requests in by_role.values():
        seen = requests[:MEASURED]
        found += _as_they_went(seen, find, weight * len(requests) / len(seen))
    return found


def foreseen(ask: Ask, task: Task, course: Course, weight: float) -> Requested:
    """A request as it may go. What stands before the last turn is the same in many requests, and counts as read."""
    request = request_of(ask, task, course)
    prompts = [estimated_tokens([message]) for message in request.messages]
    speed = speed_of(request.model)
    seconds = prompts[-1] / speed.read + ask.length / speed.write
    return Requested(ask.role, Usage(sum(prompts), ask.length), seconds * (course.lanes if speed.alone else 1), weight)


def told(
    requests: Sequence[Requested],
    left: int,
    concurrency: int,
    models: Mapping[str, ModelSettings],
    prices: Mapping[str, Price | None],
    *,
    sampled: int,
    assumptions: tuple[str, ...],
) -> Estimate:
    """The estimate that these requests of the attempts that are left come to. models, prices: by role."""
    asked = tuple(models)
    by_role = {role: [one for one in requests if one.role == role] for role in asked}
    tokens = {role: (_sum(by_role[role], "prompt_tokens"), _sum(by_role[role], "completion_tokens")) for role in asked}
    unpriced = tuple(dict.fromkeys(models[role].model for role in asked if prices[role] is None and by_role[role]))
    paid = [one.weight * cost(price, one.usage) for one in requests if (price := prices[one.role]) is not None]
    seconds = sum(one.weight * one.seconds for one in requests) / max(1, min(concurrency, left))
    shared: dict[ModelSettings, list[str]] = {}
    for role in asked:
        shared.setdefault(models[role], []).append(role)
    for model, roles in shared.items():
        endpoints = 1 + len(model.endpoints)
        if model.rpm:
            sent = sum(one.weight for role in roles for one in by_role[role])
            seconds = max(seconds, sent * 60 / model.rpm / endpoints)
        if model.tpm:
            seconds = max(seconds, sum(sum(tokens[role]) for role in roles) * 60 / model.tpm / endpoints)
    return Estimate(
        attempts=left,
        requests=round(sum(one.weight for one in requests)),
        prompt_tokens=round(sum(prompt for prompt, _ in tokens.values())),
        completion_tokens=round(sum(said for _, said in tokens.values())),
        usd=None if unpriced else sum(paid),
        unpriced=unpriced,
        seconds=seconds,
        sampled=sampled,
        assumptions=assumptions,
    )


def _as_they_went(asked: Iterable[str], find: Callable[[str], bytes | None], weight: float) -> list[Requested]:
    found = []
    for one in asked:
        role, _, key = one.rpartition(":")
        if (raw := find(key)) is not None:
            reply = Reply.decode(raw)
            found.append(Requested(role, reply.usage, reply.seconds, weight))
    return found


def _likely_asks(task: Task, course: Course) -> list[Ask]:
    """What an attempt asks when every answer is the likely one."""
    made, asks = course.method.attempt(task, course), list[Ask]()
    try:
        wanted = next(made)
        while len(asks) < _MOST_ASKS:
            several = (wanted,) if isinstance(wanted, Ask) else wanted
            asks += several
            said = tuple(Said(ask.likely, tokens=ask.length) for ask in several)
            wanted = made.send(said[0] if isinstance(wanted, Ask) else said)
    except StopIteration:
        pass
    made.close()
    return asks


def _sum(requests: Sequence[Requested], name: str) -> float:
    return sum(one.weight * float(getattr(one.usage, name)) for one in requests)
