"""By what a run of Evol-Instruct goes: models, prompts, sampling, weights. Its digest is the run's identity."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import msgspec

from studio.errors import UsageError
from studio.jobs.recipes import LANGUAGES, Canonical, profile_of, prompts_of
from studio.llm.choice import Roles
from studio.methods.evol_instruct import EQUAL, SHORT_ANSWER
from studio.methods.evol_prompts import FILES, OPERATIONS
from studio.methods.templates import Language, Profile, PromptSet
from studio.settings import EvolveSettings, Operation, Role, Settings

ROLES: tuple[Role, ...] = get_args(Role)


class Sampling(msgspec.Struct, frozen=True):
    """How one kind of request is sampled; max_tokens bounds the answer."""

    temperature: float
    top_p: float
    max_tokens: int


class Asked(msgspec.Struct, frozen=True):
    """How one role is asked. prompts: digests of its prompt sets, by language."""

    model: str
    profile: Profile
    sampling: dict[Language, Sampling]
    prompts: dict[Language, str]


class Recipe(Canonical, frozen=True, omit_defaults=True):
    """Everything that decides what a run produces, save the pool and how far it goes. weights: {} for equal ones."""

    seed: int
    roles: dict[Role, Asked]
    weights: dict[Operation, float] = msgspec.field(default_factory=dict)
    short_answer: int = SHORT_ANSWER
    thinking: str = "drop"


class Course:
    """By what a run goes at this moment: recipe, prompts, models. A change counts from the next request on."""

    def __init__(self, settings: Settings, models: Roles, folder: Path) -> None:
        """folder: the project's. Raises StudioError when the settings or a prompt file cannot be used."""
        self.change(settings, models, folder)

    def change(self, settings: Settings, models: Roles, folder: Path) -> None:
        """Go by other settings; by those so far when these raise StudioError."""
        profiles = {role: profile_of(role, settings, models) for role in ROLES}
        prompts = {
            role: prompts_of(FILES, settings.evolve.prompts, profile, folder) for role, profile in profiles.items()
        }
        roles = {
            role: Asked(
                getattr(models, role).model,
                profiles[role],
                _sampling(role, profiles[role], settings.evolve),
                {language: prompts[role][language].digest for language in LANGUAGES},
            )
            for role in ROLES
        }
        weights = _weights(settings.evolve)
        self.recipe = Recipe(
            settings.evolve.seed, roles, weights, settings.evolve.short_answer, settings.model.thinking
        )
        self.prompts: Mapping[Role, Mapping[Language, PromptSet]] = prompts
        self.models = models


# A model of 135M parameters wanders off at the authors' temperature of 1 and never stops by itself.
_SMALL: dict[Role, dict[Language, Sampling]] = {
    "teacher": {"en": Sampling(0.7, 0.95, 120), "zh": Sampling(0.2, 0.95, 120)},
    "answerer": dict.fromkeys(LANGUAGES, Sampling(0.2, 0.95, 200)),
    "judge": dict.fromkeys(LANGUAGES, Sampling(0.0, 1.0, 24)),
}


def _sampling(role: Role, profile: Profile, evolving: EvolveSettings) -> dict[Language, Sampling]:
    if profile == "small":
        return _SMALL[role]
    # One verdict is asked for, so it is sampled without chance; a model that thinks first needs room for that.
    judging = Sampling(0.0, 1.0, evolving.max_tokens)
    asked = Sampling(evolving.temperature, evolving.top_p, evolving.max_tokens)
    return dict.fromkeys(LANGUAGES, judging if role == "judge" else asked)


def _weights(evolving: EvolveSettings) -> dict[Operation, float]:
    """The weights the settings mean; {} for the paper's."""
    chosen = evolving.operations or OPERATIONS
    weights = {name: evolving.weights.get(name, 1.0) if name in chosen else 0.0 for name in OPERATIONS}
    if not any(weights.values()):
        raise UsageError(
            "No operation of Evol-Instruct is left to draw.", hint="Give one of [evolve] operations a weight above 0."
        )
    return {} if weights == EQUAL else weights
