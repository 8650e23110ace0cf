"""Step 3 and 4: inputs and outputs of a task, and which of them are kept.

A classification task gets its labels first and an input for each (output-first): asked the other way round, models
write inputs of one label only. Other tasks get the input first.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from studio.alpaca.rows import Sft
from studio.methods.self_instruct.prompts import fill
from studio.methods.self_instruct.rules import Rejection
from studio.methods.templates import PromptSet

MOST = 5
"""Instances kept of a task."""
NO_INPUT = "<noinput>"
"""What the Alpaca variant writes for an empty input."""

_AROUND = r"[ \t]*(?:[#>*_]+[ \t]*)*"
_COLON = r"[ \t]*(?:\*\*)?[ \t]*[:：][ \t]*(?:\*\*)?"
_NUMBER = r"[ \t]*(?:\d+|[一二三四五六七八九十])?"


def _label(words: str) -> re.Pattern[str]:
    return re.compile(rf"^{_AROUND}(?:{words}){_NUMBER}{_COLON}", re.MULTILINE | re.IGNORECASE)


_EXAMPLE = re.compile(
    rf"^{_AROUND}(?:Example|示例|例子?|样例|实例)[ \t]*(?:\d+|[一二三四五六七八九十])"
    r"[ \t]*(?:\*\*)?[ \t]*[.．:：、)）]?(?:\*\*)?[ \t]*",
    re.MULTILINE | re.IGNORECASE,
)
_INPUT = _label("Input|输入")
_OUTPUT = _label("Output|输出")
_CLASS = _label("Class label|Label|类别标签|分类标签|类别|标签")
_NEXT_TASK = _label("Task|任务")
_INLINE_OUTPUT = re.compile(r"(?:Output|输出)[ \t]*[:：]", re.IGNORECASE)
_NO_INPUT = re.compile(
    r"(?:no[ _-]?input|none|n/a|无(?:输入)?|[<(（\[](?:no[ _-]?input|none|n/a|empty|无(?:输入)?|空)[>)）\]])[.。]?",
    re.IGNORECASE,
)


class Instance(NamedTuple):
    """One input (may be empty) and its output."""

    input: str
    output: str


class Dropped(NamedTuple):
    """An instance that is not kept, and why."""

    instance: Instance
    rejection: Rejection


class Kept(NamedTuple):
    """The instances of a task as rows, in the order they were written, and the others with their reasons."""

    rows: tuple[Sft, ...]
    dropped: tuple[Dropped, ...]


def messages(prompts: PromptSet, instruction: str, *, classification: bool) -> tuple[tuple[str, str], ...]:
    """Ask for instances of the task, output-first for a classification task; (role, content) turns."""
    return fill(prompts, "output_first" if classification else "input_first", instruction=instruction)


def read(reply: str, *, classification: bool) -> list[Instance]:
    """The instances in a reply, up to where the model goes on with another task; none in a reply without labels."""
    whole = _until_next_task(reply)
    return _output_first(whole) if classification else _input_first(whole)


def keep(instruction: str, instances: list[Instance], *, finish_reason: str) -> Kept:
    """The rows of a task: what the paper's post-processing leaves of its instances.

    finish_reason "length" drops the last instance, which is not whole.
    """
    dropped: list[Dropped] = []
    left: list[Instance] = []
    for number, instance in enumerate(instances, start=1):
        cut = finish_reason == "length" and number == len(instances)
        rejection = Rejection("cut-short", f"ends with {instance.output[-40:]!r}") if cut else check(instance)
        if rejection:
            dropped.append(Dropped(instance, rejection))
        elif instance in left:
            dropped.append(Dropped(instance, Rejection("repeated", f"instance {instances.index(instance) + 1}")))
        else:
            left.append(instance)
    conflict = _conflict(left)
    if conflict:
        dropped += [Dropped(instance, conflict) for instance in left]
        left = []
    over = Rejection("over-limit", f"more than {MOST} instances")
    dropped += [Dropped(instance, over) for instance in left[MOST:]]
    rows = tuple(Sft(instruction=instruction, input=given, output=output) for given, output in left[:MOST])
    return Kept(rows, tuple(dropped))


def check(instance: Instance) -> Rejection | None:
    """The filters on one instance by itself."""
    given, output = instance
    if not output:
        return Rejection("no-output", f"the input: {given[:80]!r}" if given else "neither input nor output")
    if given == output:
        return Rejection("copies-input", f"both are {given[:80]!r}")
    ending = next((text for text in (given, output) if text.endswith((":", "："))), None)
    return Rejection("ends-with-colon", f"ends with {ending[-40:]!r}") if ending else None


def given_input(text: str) -> str:
    """The input that a model wrote: empty for "<noinput>", "None", "无" and the like."""
    text = text.strip()
    return "" if _NO_INPUT.fullmatch(text) else text


def _conflict(instances: list[Instance]) -> Rejection | None:
    """The same input, not empty, with two outputs: at least one of them is wrong."""
    outputs: dict[str, str] = {}
    for given, output in instances:
        if given and outputs.setdefault(given, output) != output:
            return Rejection("conflicting-outputs", f"{given[:60]!r} has {outputs[given][:40]!r} and {output[:40]!r}")
    return None


def _input_first(text: str, output: re.Pattern[str] = _OUTPUT) -> list[Instance]:
    marks = list(_EXAMPLE.finditer(text))
    if not marks:
        return [_pair(text, output)] if output.search(text) or _INLINE_OUTPUT.search(text) else []
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    parts = [text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)]
    return [_pair(part, output) for part in parts if part.strip()]


def _pair(text: str, label: re.Pattern[str]) -> Instance:
    """Input and output of one example; without an output label all of it is the output."""
    mark = label.search(text) or _INLINE_OUTPUT.search(text)
    if mark is None:
        return Instance("", text.strip())
    output = text[mark.end() :]
    # Models that number nothing go straight on with the next input.
    again = _INPUT.search(output)
    return Instance(_input(text[: mark.start()]), (output[: again.start()] if again else output).strip())


def _input(text: str) -> str:
    """Text before an output, without the label "Input:"; other labels such as "Sentence:" are part of the task."""
    mark = _INPUT.match(text.strip())
    return given_input(text.strip()[mark.end() :] if mark else text)


def _output_first(text: str) -> list[Instance]:
    marks = list(_CLASS.finditer(text))
    if marks and _INPUT.search(text[: marks[0].start()]):
        # The model wrote the inputs first after all; taken as asked for, each label would get the next input.
        return _input_first(text, _CLASS)
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    instances = []
    for mark, end in zip(marks, ends, strict=False):
        label, _, given = _EXAMPLE.sub("", text[mark.end() : end]).strip().partition("\n")
        instances.append(Instance(_input(given), label.strip(" \t*")))
    return instances


def _until_next_task(reply: str) -> str:
    """The reply without a first line that repeats the task, and without tasks the model goes on with."""
    text = reply.strip()
    marks = list(_NEXT_TASK.finditer(text))
    if marks and marks[0].start() == 0:
        text = text[marks[0].end() :].partition("\n")[2]
        marks = list(_NEXT_TASK.finditer(text))
    return text[: marks[0].start()] if marks else text
