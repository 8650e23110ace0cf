"""The balance of a task pool: what is in it by kind, language, length and beginning, and what is missing. Pure.

Self-Instruct (arXiv 2212.10560) starts from 175 seed tasks, 26 of them classification, 50 with an empty input, and
draws its pool as a wheel of verbs with their objects. The model writes what it is shown, so a pool shows beforehand
what the dataset will be.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from studio.text.tokens import HAN, Language, language, tokenize, units

PAPER_TASKS, PAPER_CLASSIFICATION, PAPER_NO_INPUT = 175, 26, 50
"""Of the paper's pool."""

Kind = Literal["classification", "with input", "open"]
KINDS: tuple[Kind, ...] = ("classification", "with input", "open")
"""Each task is one of them: classification, with or without input; else with an input; else open."""
_NAMED = {"classification": "classification task", "with input": "task with an input", "open": "open task"}
LANGUAGES: dict[Language, str] = {"en": "English", "zh": "Chinese"}

CLASSES = (0, 8, 16, 32, 64, 128, 256)
"""The most tokens of each class of lengths; the last class is longer than all of them."""
SHOWN = 8
"""In-context examples of a request."""

# How it begins is near its beginning; politeness is no task.
_PROBE = 160
_POLITE = re.compile(r"(?:please\s+|could you\s+|can you\s+)+|(?:请你?|麻烦你?|帮我|你需要|你的任务是)+", re.IGNORECASE)
_ASKING = (
    *("为什么", "是什么", "什么是", "怎么样", "如何", "怎么", "怎样", "哪些", "哪个", "多少", "一个", "一家", "某"),
    *("给定", "根据", "下面", "以下", "下列", "假设"),
)
_LIGHT_WORDS = """
a an the this that these those following given some any each every all both one two three four five six seven eight
nine ten me us you him her them it its my your our their his in into to of for from with and or at on by about as
whether if how why what when where which who is are do does did can a new short simple brief long good
"""
_LIGHT = frozenset(_LIGHT_WORDS.split())
_HAN_RUN = re.compile(f"[{HAN}]+")


class SeedTask(NamedTuple):
    """A task of the pool. classification: whether it is one; known: said, not guessed."""

    instruction: str
    input: str
    output: str
    tags: tuple[str, ...]
    classification: bool
    known: bool


class Balance(msgspec.Struct, frozen=True):
    """A task pool in numbers.

    kinds: tasks by language and kind. guessed: tasks whose being a classification task is a guess. no_input,
    no_output: tasks without them. instructions, outputs: tasks by class of length (as in `CLASSES`, and one more).
    beginnings: by language, the first words of instructions with how often each opening goes on; the most frequent
    first. missing: what the pool lacks, in words.
    """

    tasks: int
    kinds: dict[Language, dict[Kind, int]]
    guessed: int
    no_input: int
    no_output: int
    instructions: list[int]
    outputs: list[int]
    tags: dict[str, int]
    beginnings: dict[Language, dict[str, dict[str, int]]]
    missing: list[str]

    def of_kind(self, kind: Kind) -> int:
        """Tasks of a kind in all languages."""
        return sum(kinds[kind] for kinds in self.kinds.values())

    def of_language(self, language: Language) -> int:
        return sum(self.kinds[language].values())


class Census:
    """Counts a pool task by task."""

    def __init__(self) -> None:
        self._kinds: Counter[tuple[Language, Kind]] = Counter()
        self._tags: Counter[str] = Counter()
        self._beginnings: Counter[tuple[Language, str, str]] = Counter()
        self._lengths = {"instruction": [0] * (len(CLASSES) + 1), "output": [0] * (len(CLASSES) + 1)}
        self._guessed = self._no_input = 0

    def add(self, task: SeedTask, spoken: Language | None = None) -> None:
        """Count a task. spoken: its language where that is known already."""
        spoken = spoken or language_of(task)
        self._kinds[spoken, kind_of(task)] += 1
        self._guessed += not task.known
        self._no_input += not task.input.strip()
        self._tags.update(task.tags)
        self._lengths["instruction"][class_of(units(task.instruction))] += 1
        self._lengths["output"][class_of(units(task.output))] += 1
        self._beginnings[(spoken, *beginning(task.instruction))] += 1

    def balance(self) -> Balance:
        """The pool so far."""
        kinds: dict[Language, dict[Kind, int]] = {
            spoken: {kind: self._kinds[spoken, kind] for kind in KINDS} for spoken in LANGUAGES
        }
        no_output = self._lengths["output"][0]
        return Balance(
            tasks=sum(self._kinds.values()),
            kinds=kinds,
            guessed=self._guessed,
            no_input=self._no_input,
            no_output=no_output,
            instructions=self._lengths["instruction"],
            outputs=self._lengths["output"],
            tags=dict(self._tags.most_common()),
            beginnings={spoken: _nested(self._beginnings, spoken) for spoken in LANGUAGES},
            missing=missing(kinds),
        )


def balance(tasks: Iterable[SeedTask]) -> Balance:
    """The balance of a pool."""
    census = Census()
    for task in tasks:
        census.add(task)
    return census.balance()


def language_of(task: SeedTask) -> Language:
    """The language of instruction and input together, by which the methods take a seed task."""
    return language("\n".join(part for part in (task.instruction, task.input) if part))


def kind_of(task: SeedTask) -> Kind:
    """Which of the three kinds a task is."""
    if task.classification:
        return "classification"
    return "with input" if task.input.strip() else "open"


def class_of(length: int) -> int:
    """The class that a length in tokens belongs to, from 0."""
    return bisect_left(CLASSES, length)


def class_names() -> list[str]:
    """The classes of lengths as people read them: "0", "1-8", ..., "257+"."""
    lows = [0, *(most + 1 for most in CLASSES)]
    return ["0", *(f"{low}-{most}" for low, most in zip(lows[1:], CLASSES[1:], strict=False)), f"{lows[-1]}+"]


def beginning(instruction: str) -> tuple[str, str]:
    """How an instruction begins, without politeness: its first word, and what that goes on to.

    English: the first word, for most tasks a verb, and the first word after it that carries content, which stands for
    the paper's verb and direct object (it had a parser for them). Chinese: the opening of one to three characters and
    the two characters after it; there is no parser for words either. "" where there is nothing.
    """
    text = instruction.strip()[:_PROBE]
    text = text[found.end() :] if (found := _POLITE.match(text)) else text
    if run := _HAN_RUN.match(text):
        opening = next((word for word in _ASKING if run[0].startswith(word)), run[0][:2])
        return opening, run[0][len(opening) : len(opening) + 2]
    first, *others = tokenize(text)[:24] or [""]
    return first, next((word for word in others if word not in _LIGHT), "")


def missing(kinds: dict[Language, dict[Kind, int]]) -> list[str]:
    """What a pool lacks, in words; for a language that has no task at all, only that."""
    tasks = sum(sum(counted.values()) for counted in kinds.values())
    if not tasks:
        return ["no seed task at all"]
    told = [f"only {tasks} of the {SHOWN} tasks that a request shows"] if tasks < SHOWN else []
    for spoken, name in LANGUAGES.items():
        counted = kinds[spoken]
        if not sum(counted.values()):
            told.append(f"no {name} task")
            continue
        for kind in KINDS:
            if not counted[kind]:
                about = {
                    "classification": "classification task",
                    "with input": "task with an input",
                    "open": "open task",
                }
                told.append(f"no {name} {about[kind]}")
    labelled = sum(counted["classification"] for counted in kinds.values())
    if labelled and labelled * PAPER_TASKS < tasks * PAPER_CLASSIFICATION / 2:
        told.append(f"few classification tasks: {share(labelled, tasks)}, the paper had "
                    f"{share(PAPER_CLASSIFICATION, PAPER_TASKS)}")  # fmt: skip
    return told


def share(n: int, of: int) -> str:
    """n of so many, in per cent; a share that rounds to nothing is "<1%"."""
    rounded = round(100 * n / of) if of else 0
    return "<1%" if n and not rounded else f"{rounded}%"


def _nested(beginnings: Counter[tuple[Language, str, str]], language: Language) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for (spoken, first, goes_on), n in beginnings.items():
        if spoken == language and first:
            found.setdefault(first, Counter())[goes_on] += n
    ordered = sorted(found.items(), key=lambda one: (-one[1].total(), one[0]))
    return {first: dict(sorted(following.items(), key=lambda one: (-one[1], one[0]))) for first, following in ordered}
