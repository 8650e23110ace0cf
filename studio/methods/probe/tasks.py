"""The questions of a probe, after Lost in the Middle (Liu et al. 2023, arXiv 2307.03172).

kv          a JSON object of UUID pairs (75, 140 or 300 in the paper); which value has this key?
documents   "Document [1](Title: ...) ..." as often as there are documents (10, 20 or 30 in the paper), one of which
            holds the answer; then the question

A sample is asked once for each position: as in the paper, everything stays as it is, and only what is asked for moves.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from studio.methods.probe import facts
from studio.methods.probe.curve import positions
from studio.methods.templates import Profile, PromptSet
from studio.settings import ProbeTask
from studio.text.tokens import Language

KEYS: dict[Profile, int] = {"standard": 75, "small": 25}
"""Pairs unless a person says otherwise, by profile: the paper's smallest number, and what 2,048 tokens hold (with a
vocabulary that has a token for each digit)."""

_DOCUMENT = {"en": "Document [{number}](Title: {title}) {text}", "zh": "文档 [{number}]（标题：{title}）{text}"}


class Setup(msgspec.Struct, frozen=True):
    """What a probe asks. size: pairs or documents in each prompt. positions: how many of the answer, evenly spread.

    samples: questions at each position. The same setup gives the same questions.
    """

    task: ProbeTask
    size: int
    positions: int
    samples: int
    language: Language
    seed: int

    @property
    def indices(self) -> tuple[int, ...]:
        """The positions, from 0."""
        return positions(self.size, self.positions)

    @property
    def questions(self) -> int:
        """How many there are in all."""
        return self.positions * self.samples


class Question(msgspec.Struct, frozen=True):
    """One question. context: the pairs or documents, the one that holds the answer at index (from 0)."""

    sample: int
    index: int
    context: str
    asked: str
    answer: str


def questions(setup: Setup) -> Iterator[Question]:
    """Every question of a probe: each sample at all positions, then the next one."""
    for sample in range(setup.samples):
        yield from of_sample(setup, sample)


@lru_cache(maxsize=16)
def of_sample(setup: Setup, sample: int) -> tuple[Question, ...]:
    """The questions of one sample, in the order of the positions."""
    luck = random.Random(f"{setup.seed}/{sample}/{setup.task}/{setup.size}/{setup.language}")
    return tuple((_pairs if setup.task == "kv" else _documents)(setup, sample, luck))


def messages(prompts: PromptSet, setup: Setup, question: Question) -> tuple[tuple[str, str], ...]:
    """A question as (role, content) turns."""
    return prompts.turns(setup.task, context=question.context, asked=question.asked)


def _pairs(setup: Setup, sample: int, luck: random.Random) -> Iterator[Question]:
    drawn: dict[str, str] = {}
    while len(drawn) < setup.size:
        drawn[_uuid(luck)] = _uuid(luck)
    key, *others = drawn
    for index in setup.indices:
        keys = [*others[:index], key, *others[index:]]
        lines = ",\n ".join(f'"{one}": "{drawn[one]}"' for one in keys)
        yield Question(sample, index, f"{{{lines}}}", key, drawn[key])


def _documents(setup: Setup, sample: int, luck: random.Random) -> Iterator[Question]:
    puzzle = facts.draw(setup.language, luck, setup.size)
    for index in setup.indices:
        shown = [*puzzle.others[:index], puzzle.gold, *puzzle.others[index:]]
        lines = (
            _DOCUMENT[setup.language].format(number=number, title=one.title, text=one.text)
            for number, one in enumerate(shown, start=1)
        )
        yield Question(sample, index, "\n".join(lines), puzzle.question, puzzle.answer)


def _uuid(luck: random.Random) -> str:
    return str(uuid.UUID(int=luck.getrandbits(128), version=4))
