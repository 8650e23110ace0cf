"""Seed tasks as Self-Instruct sees them: classification or not, and what speaks against one. Pure.

A task pool starts from what a person wrote. The paper's filters judge what the model writes; the same filters tell
which seed would not have come in by itself, and what the model will copy from it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

import orjson

from studio.alpaca.rows import Sft
from studio.methods.self_instruct import instances
from studio.methods.self_instruct.instances import Instance
from studio.methods.self_instruct.instructions import SELF_INSTRUCT, Filters, check_instruction, tidy
from studio.methods.self_instruct.rules import RULES
from studio.text.tokens import normalise

IS_CLASSIFICATION = "classification"
"""The tag by which a person says that a task is a classification task."""
NO_CLASSIFICATION = "no-classification"
"""The tag by which a person says that it is not."""

_ENGLISH = re.compile(
    r"\b(?:classify|categori[sz]e|label (?:the|this|these|each|every)|true or false|yes or no"
    r"|(?:decide|say|tell|determine|judge|state|check|indicate|identify|predict) (?:whether|if)"
    r"|which (?:category|class|label|genre|type of)|positive or negative|positive, negative"
    r"|(?:identify|detect|determine|predict) the (?:sentiment|intent|topic|genre|category|language|emotion|tone)"
    r"|what is the sentiment)\b|^(?:is|are|was|were|does|do|did|has|have|can) (?:the|this|these|it|they)\b[^?]*\?\s*$",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    "分类|归类|归为|归入|判断|判定|是否|属于(?:哪|什么|以下|下列)|哪一?[类种]|什么类[别型]|正面还是负面|积极还是消极"
    "|对还是错|打上?标签|贴上?标签|情感(?:倾向|极性|色彩)|分成以下"
)


class Classification(NamedTuple):
    """Whether a task is a classification task, with a limited set of answers.

    known: somebody said so, a person or the file; else it is a guess. why: in words.
    """

    answer: bool
    known: bool
    why: str


class Hint(NamedTuple):
    """What speaks against a seed task: a rule, and the words or numbers it rests on."""

    rule: str
    reason: str


HINTS: dict[str, str] = {
    **{
        rule: RULES[rule]
        for rule in (
            *("too-short", "too-long", "blacklisted", "asks-for-a-program", "starts-with-punctuation"),
            *("other-script", "no-output", "copies-input", "ends-with-colon"),
        )
    },
    "copies-instruction": "the output is the instruction",
    "near-duplicate": "its ROUGE-L with another seed task is above the threshold",
}
"""Every hint with its meaning."""


def classification(instruction: str, tags: Collection[str], extras: bytes | None) -> Classification:
    """What is known of a seed task, else a guess.

    A person's tag counts first, then `is_classification` beside the row, as in the paper's seed_tasks.jsonl.
    """
    if IS_CLASSIFICATION in tags:
        return Classification(True, True, f"tagged {IS_CLASSIFICATION}")
    if NO_CLASSIFICATION in tags:
        return Classification(False, True, f"tagged {NO_CLASSIFICATION}")
    if extras and b'"is_classification"' in extras:
        told = orjson.loads(extras).get("is_classification")
        if isinstance(told, bool):
            return Classification(told, True, "is_classification in the file")
    return guess(instruction)


def guess(instruction: str) -> Classification:
    """Whether the instruction asks for one of a few answers, by its wording."""
    found = _ENGLISH.search(instruction) or _CHINESE.search(instruction)
    if found:
        return Classification(True, False, f"it says “{found[0]}”")
    return Classification(False, False, "its words ask for no label")


def marked(tags: Collection[str], answer: bool | None) -> tuple[str, ...]:
    """The tags with a person's answer in place of an earlier one; None takes it away."""
    others = [tag for tag in tags if tag not in (IS_CLASSIFICATION, NO_CLASSIFICATION)]
    return (*others, *([] if answer is None else [IS_CLASSIFICATION if answer else NO_CLASSIFICATION]))


def next_mark(instruction: str, tags: Collection[str], extras: bytes | None) -> bool | None:
    """What to say of the task next when asked again and again: the guess is right, it is wrong, nothing."""
    unmarked = classification(instruction, marked(tags, None), extras)
    first = unmarked.answer != unmarked.known  # what is known need not be said again, so its opposite comes first
    now = True if IS_CLASSIFICATION in tags else False if NO_CLASSIFICATION in tags else None
    if now is None:
        return first
    return None if now != first or unmarked.known else not first


def hints(row: Sft, filters: Filters = SELF_INSTRUCT) -> tuple[Hint, ...]:
    """What speaks against the seed task by itself: at most one hint about the instruction, one about the instance."""
    found = [check_instruction(tidy(row.instruction), filters)]
    output = row.output.strip()
    if output and normalise(output) == normalise(row.instruction):
        said = [Hint("copies-instruction", f"both are {output[:80]!r}")]
    else:
        found.append(instances.check(Instance(row.input.strip(), output)))
        said = []
    return (*(Hint(*rejection) for rejection in found if rejection), *said)
