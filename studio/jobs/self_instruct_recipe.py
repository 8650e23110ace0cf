"""By what a run of Self-Instruct goes: models, prompts, parameters, filters. Its digest is the run's identity."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import msgspec

from studio.curate.selecting.novelty import NoveltyIndex
from studio.errors import StudioError
from studio.jobs.recipes import Canonical, profile_of, prompts_of
from studio.llm.chat import ChatModel, Message, Request
from studio.llm.choice import Roles
from studio.methods.self_instruct import instructions, parameters
from studio.methods.self_instruct.instructions import Filters
from studio.methods.self_instruct.numbering import read_list
from studio.methods.self_instruct.parameters import Parameters
from studio.methods.self_instruct.prompts import FILES
from studio.methods.templates import Language, Profile, PromptSet
from studio.settings import SelfInstructSettings, Settings
from studio.text.tokens import normalise

METHOD = "self-instruct"
"""What every operation begins with."""
OUTPUT_FIRST = "self-instruct/output-first"
INPUT_FIRST = "self-instruct/input-first"
"""The operations of instructions whose instances were asked for; the others are in `store.draws`."""

Step = Literal["listing", "classifying", "answering"]
"""What a request is for: new instructions, whether one is a classification task, its inputs and outputs."""
STEPS: tuple[Step, ...] = get_args(Step)
"""In the order of a row's replies."""


class Asked(msgspec.Struct, frozen=True):
    """Who is asked, and with which prompts (their digest)."""

    model: str
    profile: Profile
    prompts: str


class Recipe(Canonical, frozen=True, omit_defaults=True):
    """Everything that decides what a run produces, save the pool and how far it goes.

    listing: the parameters of requests for instructions. added, allowed: what the person changed of the blacklist.
    """

    variant: Literal["paper", "alpaca"]
    language: Language
    seed: int
    batch: int
    threshold: float
    teacher: Asked
    answerer: Asked
    listing: Parameters
    added: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    room: int = 0
    thinking: str = "drop"


class Course:
    """By what a run goes at this moment. The teacher writes instructions, the answerer all the rest."""

    def __init__(self, settings: Settings, language: Language, models: Roles, folder: Path) -> None:
        """folder: the project's. Raises StudioError when the settings or a prompt file cannot be used."""
        self.language = language
        self.change(settings, models, folder)

    def change(self, settings: Settings, models: Roles, folder: Path) -> None:
        """Go by other settings; by those so far when these raise StudioError. The language stays."""
        chosen = settings.self_instruct
        profiles = profile_of("teacher", settings, models), profile_of("answerer", settings, models)
        teacher, answerer = (prompts_of(FILES, chosen.prompts, profile, folder)[self.language] for profile in profiles)
        self.recipe = Recipe(
            variant=chosen.variant,
            language=self.language,
            seed=chosen.seed,
            batch=chosen.batch,
            threshold=chosen.threshold,
            teacher=Asked(models.teacher.model, profiles[0], teacher.digest),
            answerer=Asked(models.answerer.model, profiles[1], answerer.digest),
            listing=_listing(chosen),
            added=chosen.blacklist,
            allowed=chosen.allowed,
            room=chosen.thinking_room,
            thinking=settings.model.thinking,
        )
        self.filters = _filters(chosen, self.language)
        self.worked = WorkedExamples(teacher, chosen.threshold)
        self.teacher: PromptSet = teacher
        self.answerer: PromptSet = answerer
        self.models = models

    def listing(self, messages: tuple[Message, ...], request: int) -> tuple[ChatModel, Request]:
        """Ask the teacher for more instructions. request: its number, which tells apart requests that show the same."""
        sample = self.recipe.seed * _REQUESTS + request
        return self._asked("teacher", messages, self.recipe.listing, sample)

    def classifying(self, messages: tuple[Message, ...]) -> tuple[ChatModel, Request]:
        """Ask the answerer whether an instruction is a classification task."""
        return self._asked("answerer", messages, parameters.CLASSIFICATION)

    def answering(self, messages: tuple[Message, ...], *, classification: bool) -> tuple[ChatModel, Request]:
        """Ask for inputs and outputs of an instruction."""
        sampling = parameters.instances(self.language, classification=classification)
        return self._asked("answerer", messages, sampling)

    def _asked(
        self, role: Literal["teacher", "answerer"], messages: tuple[Message, ...], sampling: Parameters, sample: int = 0
    ) -> tuple[ChatModel, Request]:
        model: ChatModel = getattr(self.models, role)
        asked: Asked = getattr(self.recipe, role)
        # A small model goes on as its examples do, so the paper's stops hold, and an empty line is where it strays.
        stop = tuple(dict.fromkeys((*sampling.stop, "\n\n"))) if asked.profile == "small" else sampling.chat_stop
        # A penalty of 0 is what endpoints do by themselves, and some know none.
        return model, Request(
            model=model.model,
            messages=messages,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens + self.recipe.room,
            stop=stop,
            sample=sample,
            presence_penalty=sampling.presence_penalty or None,
            frequency_penalty=sampling.frequency_penalty or None,
        )


class WorkedExamples:
    """The tasks that the prompt itself has as examples: small models write them again."""

    def __init__(self, prompts: PromptSet, threshold: float) -> None:
        turns = [turn for pair in prompts.templates["bootstrap"].examples for turn in pair]
        self._tasks = [entry.text for turn in turns for entry in read_list(turn, 1)]
        self._novelty = NoveltyIndex(threshold)
        for number, task in enumerate(self._tasks):
            self._novelty.add(number, task)

    def like(self, instruction: str) -> tuple[str, float] | None:
        """The example that the instruction repeats, and their ROUGE-L; None when it repeats none."""
        found = self._novelty.check(instruction)
        return None if found.novel else (self._tasks[found.nearest[0].row], found.nearest[0].score)


# More requests than a run has: tells the samples of two seeds apart.
_REQUESTS = 1_000_000


def nothing_to_show(language: str = "") -> StudioError:
    """No seed task to begin with."""
    return StudioError(
        "The task pool is empty: no row is a seed task" + (f" in {language!r}." if language else "."),
        title="Nothing to begin with",
        hint="Import seeds (studio import DIR FILE --seed), or mark rows as seeds in Seeds.",
    )


def _listing(chosen: SelfInstructSettings) -> Parameters:
    """The paper's parameters, with what the person says over them."""
    paper = parameters.ALPACA if chosen.variant == "alpaca" else parameters.BOOTSTRAP
    names = ("temperature", "top_p", "max_tokens", "presence_penalty")
    said = {name: value for name in names if (value := getattr(chosen, name)) is not None}
    return paper._replace(**said)


def _filters(chosen: SelfInstructSettings, language: Language) -> Filters:
    method = instructions.ALPACA if chosen.variant == "alpaca" else instructions.SELF_INSTRUCT
    allowed = {normalise(word) for word in chosen.allowed}
    listed = (word for word in method.blacklist if normalise(word) not in allowed)
    return method._replace(blacklist=(*listed, *chosen.blacklist), languages=(language,))
