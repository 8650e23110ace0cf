"""By what a probe goes: model, prompts, questions. Its digest is the probe's identity."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from pathlib import Path

from studio.errors import UsageError
from studio.jobs.recipes import Canonical, estimated_tokens, profile_of, prompts_of
from studio.llm.chat import Message, Request, Ruler
from studio.llm.choice import Roles
from studio.methods.probe import tasks
from studio.methods.probe.prompts import FILES
from studio.methods.probe.tasks import Question, Setup
from studio.methods.templates import Profile, PromptSet
from studio.settings import ProbeSettings, Settings

MAX_TOKENS = 100
"""Of an answer (the paper's number)."""

MEASURED = 200
"""Prompts of which the tokens are counted, the longest in characters."""

FEWEST = 3
"""Pairs or documents: below it there is no middle."""


class Recipe(Canonical, frozen=True):
    """Everything that decides what a probe finds. prompts: their digest. max_tokens: of an answer."""

    model: str
    profile: Profile
    prompts: str
    setup: Setup
    max_tokens: int


class Course:
    """A probe of the teacher: the model that [model] names. What it is asked is fixed from the beginning."""

    def __init__(self, settings: Settings, models: Roles, folder: Path) -> None:
        """folder: the project's. Raises StudioError when the settings or a prompt file cannot be used."""
        chosen = settings.probe
        profile = profile_of("teacher", settings, models)
        self.model = models.teacher
        self.setup = setup_of(chosen, profile)
        self.prompts: PromptSet = prompts_of(FILES, chosen.prompts, profile, folder)[chosen.language]
        self.recipe = Recipe(
            self.model.model, profile, self.prompts.digest, self.setup, MAX_TOKENS + chosen.thinking_room
        )

    def request(self, question: Question) -> Request:
        """Ask a question. Nothing is left to chance: one sample at temperature 0, as in the paper."""
        return Request(
            model=self.model.model,
            messages=tasks.messages(self.prompts, self.setup, question),
            temperature=0.0,
            max_tokens=self.recipe.max_tokens,
            # Behind an empty line a small model begins something else.
            stop=("\n\n",) if self.recipe.profile == "small" else (),
        )


def setup_of(chosen: ProbeSettings, profile: Profile) -> Setup:
    """What the settings ask for. Raises UsageError when there are more positions than places for the answer."""
    size = chosen.documents if chosen.task == "documents" else chosen.keys or tasks.KEYS[profile]
    name = _name(chosen)
    if size < FEWEST:
        raise UsageError(f"A probe needs at least {FEWEST} {name}.", hint=f"Raise --{name}.")
    if chosen.positions > size:
        raise UsageError(
            f"{size} {name} have no {chosen.positions} positions.", hint=f"Raise --{name}, or lower --positions."
        )
    return Setup(chosen.task, size, chosen.positions, chosen.samples, chosen.language, chosen.seed)


class Estimated:
    """A ruler for a model whose context the person gave: the tokens are estimated."""

    def __init__(self, context: int) -> None:
        self.context = context

    async def count(self, messages: tuple[Message, ...]) -> int:
        return estimated_tokens(messages)


async def room(course: Course, requests: Iterable[Request], ruler: Ruler | None) -> tuple[int, int] | None:
    """Tokens of the longest of these prompts, and tokens that a prompt may have; None when nobody knows.

    Raises UsageError when the longest leaves no room for its answer: then nothing should be asked.
    """
    if ruler is None:
        return None
    longest = heapq.nlargest(MEASURED, (one.messages for one in requests), key=_characters)
    if not longest:
        return None
    # The first of equally long ones would do, but a UUID of many letters has fewer tokens than one of many digits.
    taken = max([await ruler.count(messages) for messages in longest])
    most = ruler.context - course.recipe.max_tokens
    if taken > most:
        setup = course.setup
        empty = await ruler.count(tasks.messages(course.prompts, setup, Question(0, 0, "", "", "")))
        # Shorter prompts vary more: three in a hundred are left for that.
        fitting = int(0.97 * (most - empty) * setup.size / max(1, taken - empty))
        name = "documents" if setup.task == "documents" else "keys"
        enough = fitting >= max(FEWEST, setup.positions)
        raise UsageError(
            f"{setup.size} {name} take {taken:,} tokens, and an answer up to {course.recipe.max_tokens:,}; "
            f"{course.model.name} holds {ruler.context:,} in all. Nothing was asked.",
            hint=f"About {fitting} fit: --{name} {fitting}" if enough else "Choose a model with a longer context.",
        )
    return taken, most


def _characters(messages: tuple[Message, ...]) -> int:
    return sum(len(content) for _, content in messages)


def _name(chosen: ProbeSettings) -> str:
    return "documents" if chosen.task == "documents" else "keys"
