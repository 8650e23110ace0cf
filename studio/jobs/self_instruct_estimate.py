"""What a run of Self-Instruct will take, before it starts: from what it has made so far, or from assumptions.

An attempt of the estimate is an instruction that stands in the end, with its share of all that was asked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from studio.alpaca.rows import Sft
from studio.jobs.estimate import Request, foreseen, speed_of
from studio.jobs.self_instruct import messages_of
from studio.jobs.self_instruct_recipe import Course
from studio.jobs.task_pool import TaskPool, shown
from studio.llm.chat import Message, Reply
from studio.methods.self_instruct import alpaca_variant, bootstrap, classification, instances
from studio.settings import Role
from studio.store.draws import Draw, Draws
from studio.store.rows import Rows

MEASURED = 30
"""Requests for instructions that an estimate looks at, the first ones of the run."""
_ASSUMED = 20
# Of a list's new instructions three quarters, of these nine tenths get an instance; tokens of each.
_NEW, _ANSWERED = 0.75, 0.9
_IN_A_LIST = {"paper": 7, "alpaca": 17}
_TOKENS = {"paper": 25, "alpaca": 110}
_VERDICT, _INSTANCES = 2, 150

Known = tuple[list[list[Request]], int, tuple[str, ...]]
"""One list for each instruction that stands, how many were measured, and what is assumed."""


def measured(rows: Rows, draws: Draws, run: int, find: Callable[[str], bytes | None]) -> Known | None:
    """What the run's first requests took, and brought; None before it brought anything. find: a reply by its key."""
    found: list[Request] = []
    standing = 0

    def add(role: Role, key: str) -> None:
        if (raw := find(key)) is not None:
            reply = Reply.decode(raw)
            found.append(Request(role, reply.usage, reply.seconds))

    for key in draws.replies(run, MEASURED):
        add("teacher", key)
    for stored in rows.page(draws.tasks(run, MEASURED)):
        standing += bool(isinstance(stored.row, Sft) and stored.row.output)
        for key in (stored.replies or "").split()[1:]:
            add("answerer", key)
    if not standing:
        return None
    return _shared(found, standing), standing, (f"the rest goes as the first {standing} instructions did",)


def assumed(rows: Rows, pool: TaskPool, course: Course, concurrency: int) -> Known:
    """What such a run may take."""
    models: dict[Role, str] = {"teacher": course.recipe.teacher.model, "answerer": course.recipe.answerer.model}

    def request(role: Role, messages: Sequence[Message], said: int) -> Request:
        return foreseen(role, messages, said, models[role], concurrency)

    variant, seed = course.recipe.variant, course.recipe.seed
    alpaca = variant == "alpaca"
    found = []
    for number in range(_ASSUMED):
        ids = (
            alpaca_variant.draw(pool.human, seed=seed, request=number)
            if alpaca
            else bootstrap.draw(pool.human, pool.machine, seed=seed, request=number)
        )
        draw = Draw(number + 1, shown(rows, ids, whole=alpaca))
        found.append(request("teacher", messages_of(draw, course), _IN_A_LIST[variant] * _TOKENS[variant]))
    new = round(_ASSUMED * _IN_A_LIST[variant] * _NEW)
    said: tuple[str, ...] = (
        f"a reply has {_IN_A_LIST[variant]} instructions of {_TOKENS[variant]} tokens, {_NEW:.0%} of them new",
        *dict.fromkeys(speed_of(model).words for model in models.values()),
    )
    if alpaca:
        return _shared(found, new), 0, said
    task = draw.shown[0].instruction
    found += new * [
        request("answerer", classification.messages(course.answerer, task), _VERDICT),
        request("answerer", instances.messages(course.answerer, task, classification=False), _INSTANCES),
    ]
    said += (f"{_ANSWERED:.0%} of the new ones get an instance, in {_INSTANCES} tokens",)
    return _shared(found, round(new * _ANSWERED)), 0, said


def _shared(requests: list[Request], standing: int) -> list[list[Request]]:
    """The requests as those of so many instructions."""
    return [requests[place::standing] for place in range(standing)]
