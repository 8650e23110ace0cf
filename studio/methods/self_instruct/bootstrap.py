"""Step 1: tasks of the pool in a numbered list, which the model continues with new instructions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple, TypeVar

from studio.methods.self_instruct.instructions import tidy
from studio.methods.self_instruct.numbering import read_list
from studio.methods.self_instruct.parameters import LIST_LENGTH
from studio.methods.self_instruct.prompts import fill
from studio.methods.self_instruct.rules import Rejection
from studio.methods.templates import PromptSet

IN_CONTEXT = 8
"""In-context examples of a request."""
MACHINE_MADE = 2
"""How many of them at most were made by the model; the others are seed tasks."""

T = TypeVar("T")


class Continuation(NamedTuple):
    """What a reply brought: new instructions, tidied, or why the whole reply is not used."""

    instructions: tuple[str, ...]
    rejection: Rejection | None = None


def draw(human: Sequence[T], machine: Sequence[T], *, seed: int, request: int) -> tuple[T, ...]:
    """The in-context examples of one request, shuffled: 6 seed tasks and 2 machine-made ones.

    While there are fewer than 2 machine-made ones, seed tasks take their place: 8 in the first round. The same four
    arguments give the same examples, so machine is the pool as it stood when the request's batch began
    (`parameters.REQUESTS_PER_BATCH`), in the order of the row ids, not as answers happened to come in.
    Fewer seed tasks than asked for give fewer examples. Raises ValueError when there is no seed task.
    """
    if not human:
        raise ValueError("no seed task to draw from")
    luck = random.Random(f"{seed}/{request}")
    drawn = luck.sample(machine, min(MACHINE_MADE, len(machine)))
    drawn += luck.sample(human, min(IN_CONTEXT - len(drawn), len(human)))
    luck.shuffle(drawn)
    return tuple(drawn)


def messages(prompts: PromptSet, instructions: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Ask for the list of instructions to be continued up to the paper's length; (role, content) turns."""
    first = len(instructions) + 1
    shown = "\n".join(f"{number}. {in_context(text)}" for number, text in enumerate(instructions, start=1))
    return fill(prompts, "bootstrap", tasks=shown, first=str(first), last=str(LIST_LENGTH - 1))


def in_context(instruction: str) -> str:
    """An instruction as a prompt shows it: on one line, without a colon at the end."""
    return " ".join(instruction.split()).rstrip(":：")


def read(reply: str, *, shown: int, finish_reason: str) -> Continuation:
    """The new instructions in a reply to a list of `shown` examples, up to where the paper's list stops.

    A reply that its length limit cut before that is dropped whole, as in the paper.
    """
    entries = read_list(reply, shown + 1)
    wanted = list(takewhile(lambda entry: entry.number < LIST_LENGTH, entries))
    if finish_reason == "length" and len(wanted) == len(entries):
        return Continuation((), Rejection("cut-short", f"the reply ends with {reply[-40:]!r}"))
    if not wanted:
        return Continuation((), Rejection("unreadable", f"the reply: {reply[:80]!r}"))
    return Continuation(tuple(tidy(entry.text) for entry in wanted))
