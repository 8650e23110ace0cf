"""The Alpaca variant (stanford_alpaca, generate_instruction.py): whole tasks, many in one request.

3 seed tasks are shown and the list runs to 20; each task comes with its input and output, so there is neither a
classification step nor a second request, and one instance a task. Tasks are judged by `instructions.check_instruction`
with `instructions.ALPACA`, and by ROUGE-L.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

from studio.alpaca.rows import Sft
from studio.methods.self_instruct import instances
from studio.methods.self_instruct.bootstrap import in_context
from studio.methods.self_instruct.instances import NO_INPUT, Instance
from studio.methods.self_instruct.instructions import tidy
from studio.methods.self_instruct.parameters import TASKS_PER_REQUEST
from studio.methods.self_instruct.prompts import fill
from studio.methods.self_instruct.rules import Rejection
from studio.methods.templates import Language, PromptSet

SHOWN = 3
"""Seed tasks in a request."""

T = TypeVar("T")

_LABELS: dict[Language, tuple[str, str, str]] = {
    "en": ("Instruction", "Input", "Output"),
    "zh": ("指令", "输入", "输出"),
}
_PART = re.compile(
    r"^[ \t]*(?:[#>*_]+[ \t]*)*(?:(?P<number>\d{1,3})[ \t]?[.．、)）:：][ \t]*)?(?:\*\*)?"
    r"(?P<name>Instruction|Input|Output|指令|输入|输出)[ \t]*(?:\*\*)?[:：](?:\*\*)?",
    re.MULTILINE | re.IGNORECASE,
)
_SEPARATOR = re.compile(r"^[ \t]*#{3,}[ \t]*$", re.MULTILINE)
_PARTS = {"instruction": 0, "指令": 0, "input": 1, "输入": 1, "output": 2, "输出": 2}


class Dropped(NamedTuple):
    """A task of a reply that is not used: its text as the model wrote it, and why."""

    text: str
    rejection: Rejection


class Tasks(NamedTuple):
    """What a reply brought: whole tasks, their instructions tidied, and what was dropped while reading."""

    rows: tuple[Sft, ...]
    dropped: tuple[Dropped, ...]


def draw(seeds: Sequence[T], *, seed: int, request: int) -> tuple[T, ...]:
    """The seed tasks that one request shows; machine-made ones are never shown. The same arguments, the same tasks.

    Raises ValueError when there is none.
    """
    if not seeds:
        raise ValueError("no seed task to draw from")
    return tuple(random.Random(f"{seed}/{request}").sample(seeds, min(SHOWN, len(seeds))))


def messages(prompts: PromptSet, shown: Sequence[Sft]) -> tuple[tuple[str, str], ...]:
    """Ask for the list of tasks to be continued; (role, content) turns."""
    instruction, given, output = _LABELS[prompts.language]
    blocks = [
        f"###\n{number}. {instruction}: {in_context(row.instruction)}\n{number}. {given}:\n{row.input or NO_INPUT}\n"
        f"{number}. {output}:\n{row.output}\n"
        for number, row in enumerate(shown, start=1)
    ]
    following = f"###\n{len(shown) + 1}. {instruction}:"
    return fill(prompts, "alpaca", tasks="".join(blocks) + following, count=str(TASKS_PER_REQUEST))


def read(reply: str, *, finish_reason: str) -> Tasks:
    """The tasks in a reply. Only the last one is dropped when the length limit cut it, as in the Alpaca code."""
    found = _blocks(reply)
    rows: list[Sft] = []
    dropped: list[Dropped] = []
    for place, block in enumerate(found, start=1):
        row = _row(block)
        if finish_reason == "length" and place == len(found):
            dropped.append(Dropped(block, Rejection("cut-short", f"ends with {block[-40:]!r}")))
        elif row is None:
            dropped.append(Dropped(block, Rejection("unreadable", "instruction, input and output are not all there")))
        elif rejection := instances.check(Instance(row.input, row.output)):
            dropped.append(Dropped(block, rejection))
        else:
            rows.append(row)
    return Tasks(tuple(rows), tuple(dropped))


def _blocks(reply: str) -> list[str]:
    """The text of each task, from its instruction's label to the next one's."""
    text = reply.strip()
    first = _PART.search(text)
    if first and _PARTS[first["name"].casefold()] > 0:
        # The prompt ends with the label of the first instruction, and the reply goes on from there.
        text = f"Instruction: {text}"
    starts = [mark.start() for mark in _PART.finditer(text) if _PARTS[mark["name"].casefold()] == 0]
    return [text[start:end].strip() for start, end in pairwise([*starts, len(text)])]


def _row(block: str) -> Sft | None:
    marks = list(_PART.finditer(block))
    number = next((mark["number"] for mark in marks if mark["number"]), None)
    # Labels without the task's number belong to its text, if the others have it: code has lines like "Input: 3".
    own = [marks[0], *(mark for mark in marks[1:] if mark["number"] == number)]
    parts = _parts(block, own) or _parts(block, marks)
    if not parts or not parts[0]:
        return None
    instruction, given, output = parts
    return Sft(instruction=tidy(instruction), input=instances.given_input(given), output=output)


def _parts(block: str, marks: list[re.Match[str]]) -> list[str] | None:
    """Instruction, input and output after the first label of each, or None when one is not there."""
    ends = [*(mark.start() for mark in marks[1:]), len(block)]
    texts: dict[int, str] = {}
    for mark, end in zip(marks, ends, strict=True):
        texts.setdefault(_PARTS[mark["name"].casefold()], _SEPARATOR.split(block[mark.end() : end])[0].strip())
    return [texts[part] for part in range(3)] if len(texts) == 3 else None
