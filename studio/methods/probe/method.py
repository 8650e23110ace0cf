"""The position probe (Lost in the Middle, arXiv 2307.03172) as a method.

(sample, index)   the question of a sample whose answer stands at index; value: {"right": whether it was answered}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from studio.errors import ModelError, RefusedError, UsageError
from studio.methods.asking import Ask, Attempt, Key, Method, Result, Run, Sampling, Task
from studio.methods.probe import tasks
from studio.methods.probe.judgement import is_right
from studio.methods.probe.prompts import FILES
from studio.methods.probe.tasks import Setup
from studio.methods.templates import Profile
from studio.settings import ProbeSettings
from studio.text.tokens import Language

MAX_TOKENS = 100
"""Of an answer (the paper's number)."""
FEWEST = 3
"""Pairs or documents: below it there is no middle."""
# Tokens of an answer.
_ANSWER = {"kv": 40, "documents": 10}


class Probe(Method):
    """Asks the model of [model] questions whose answers stand at different places of the prompt."""

    name, title, doing, unit = "probe", "Position probe", "probing", "questions"
    needs, makes = "a model", "the curve of how well it reads head, middle and tail of its input"
    section, settings, prompts = "probe", ProbeSettings, FILES
    # A curve is of one model and one setup.
    steered = False

    def speaks(self, run: Run) -> tuple[Language, ...]:
        return (run.settings.language,)

    def open(self, run: Run) -> Setup:
        return setup_of(run.settings, run.profile("teacher"))

    def tasks(self, run: Run) -> Iterator[Task]:
        setup: Setup = run.state
        for sample in range(setup.samples):
            for index in setup.indices:
                yield Task((sample, index), round=sample + 1, operation=self.name)

    def total(self, run: Run, done: Callable[[Key], bool]) -> tuple[int, int]:
        setup: Setup = run.state
        return setup.questions, sum(done((sample, index)) for sample in range(setup.samples) for index in setup.indices)

    def assumes(self, run: Run) -> tuple[str, ...]:
        return (f"an answer has {_ANSWER[run.state.task]} tokens",)

    def attempt(self, task: Task, run: Run) -> Attempt:
        """Nothing is left to chance: one sample at temperature 0, as in the paper."""
        setup: Setup = run.state
        sample, index = task.key
        question = next(one for one in tasks.of_sample(setup, int(sample)) if one.index == index)
        most = MAX_TOKENS + run.settings.thinking_room
        # Behind an empty line a small model begins something else.
        stop = ("\n\n",) if run.profile("teacher") == "small" else ()
        turns = tasks.messages(run.prompts("teacher", setup.language), setup, question)
        sampling = Sampling(0.0, max_tokens=most, stop=stop)
        said = yield Ask("teacher", "probing", turns, sampling, question.asked, question.answer, _ANSWER[setup.task])
        if said.finish == "length" and not said.text.strip():
            raise ModelError(
                f"{said.by} thought for {most} tokens and said nothing.",
                hint="Give it --thinking-room, for example 2000 tokens, or take a model that answers at once.",
            )
        if said.finish == "content_filter":
            # Nothing that says whether the model had read the place.
            raise RefusedError("The endpoint's content filter cut an answer.", hint="Ask with another --seed.")
        right = is_right(setup.task, said.text, question.answer)
        return Result(value={"right": right}, counts={"right": int(right)})


def setup_of(chosen: ProbeSettings, profile: Profile) -> Setup:
    """What the settings ask for. Raises UsageError when there are more positions than places for the answer."""
    size = chosen.documents if chosen.task == "documents" else chosen.keys or tasks.KEYS[profile]
    name = named(chosen.task)
    if size < FEWEST:
        raise UsageError(f"A probe needs at least {FEWEST} {name}.", hint=f"Raise --{name}.")
    if chosen.positions > size:
        raise UsageError(
            f"{size} {name} have no {chosen.positions} positions.", hint=f"Raise --{name}, or lower --positions."
        )
    return Setup(chosen.task, size, chosen.positions, chosen.samples, chosen.language, chosen.seed)


def setup_told(settings: dict[str, Any], profile: Profile) -> Setup:
    """The setup of a run from what its identity tells of the settings."""
    known = {name: value for name, value in settings.items() if name in ProbeSettings.__struct_fields__}
    return setup_of(ProbeSettings(**known), profile)


def named(task: str) -> str:
    """What the places of the answer are called."""
    return "documents" if task == "documents" else "keys"


def too_long(setup: Setup, name: str, *, taken: int, empty: int, context: int, answer: int) -> UsageError:
    """Prompts of so many tokens leave no room for an answer in a model's context; empty: of a prompt without places."""
    # Shorter prompts vary more: three in a hundred are left for that.
    fitting = int(0.97 * (context - answer - empty) * setup.size / max(1, taken - empty))
    places = named(setup.task)
    enough = fitting >= max(FEWEST, setup.positions)
    return UsageError(
        f"{setup.size} {places} take {taken:,} tokens, and an answer up to {answer:,}; "
        f"{name} holds {context:,} in all. Nothing was asked.",
        hint=f"About {fitting} fit: --{places} {fitting}" if enough else "Choose a model with a longer context.",
    )
