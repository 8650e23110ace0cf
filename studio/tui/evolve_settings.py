"""The settings of a run that the Evolve screen changes in place: as texts to type over, and back as settings.

studio.toml is not touched. What was chosen is remembered beside what the files said then: whoever changes the file
afterwards has said it last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec.structs import replace

from studio.errors import UsageError
from studio.methods.evol_prompts import OPERATIONS
from studio.settings import (
    BudgetSettings,
    EvolveSettings,
    ModelSettings,
    RoleSettings,
    SelfInstructSettings,
    Settings,
)
from studio.settings.lines import Line, lines, text, values

Texts = Mapping[str, str]

CHOICES: tuple[Line, ...] = (
    *lines(EvolveSettings, "rounds", "limit", "target", "concurrency", "temperature", section="evolve"),
    *lines(SelfInstructSettings, section="self_instruct"),
    *lines(BudgetSettings, section="budget"),
    *lines(EvolveSettings, "weights"),
    *lines(ModelSettings, section="model", before="teacher: "),
    *lines(RoleSettings, section="answerer", before="answerer: "),
    *lines(RoleSettings, section="judge", before="judge: "),
)
"""The lines of the form: each is named section.setting, the weight of an operation weights.NAME."""


def texts(settings: Settings) -> dict[str, str]:
    """What the settings say, as texts by name."""
    return {choice.name: _text(settings, choice.name) for choice in CHOICES}


def chosen(files: Settings, typed: Texts) -> Settings:
    """What the files say with what was typed over it. Raises UsageError that names the line and its cure."""
    read = values(CHOICES, typed)
    given = {name: value for name, value in read.items() if typed[name] != _text(files, name)}
    sections: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        section, _, setting = name.partition(".")
        sections.setdefault(section, {})[setting] = value
    if "weights" in sections:
        weights = {name: read[f"weights.{name}"] for name in OPERATIONS}
        if not any(weights.values()):
            raise UsageError("No operation is left to draw.", hint="Give one of them a weight above 0.")
        sections.setdefault("evolve", {}).update(operations=(), weights=weights)
        del sections["weights"]
    changed = replace(
        files,
        evolve=replace(files.evolve, **sections.get("evolve", {})),
        self_instruct=replace(files.self_instruct, **sections.get("self_instruct", {})),
        budget=replace(files.budget, **sections.get("budget", {})),
        model=_model(files.model, sections.get("model", {})),
        answerer=_model(files.answerer, sections.get("answerer", {})),
        judge=_model(files.judge, sections.get("judge", {})),
    )
    if changed.model.model and not changed.model.base_url:
        raise UsageError(
            f"Where is the model {changed.model.model}?",
            hint="Fill in the teacher's base_url, or empty its model: then the embedded one answers.",
        )
    for role in ("teacher", "answerer", "judge"):
        said = changed.model_for(role)
        if said.base_url and not said.model:
            raise UsageError(f"Which model of {said.base_url} is the {role}?", hint="Fill in its model.")
    return changed


def to_remember(files: Settings, typed: Texts) -> dict[str, list[str]]:
    """What was typed that differs from the files, each beside what they said."""
    said = texts(files)
    return {name: [said[name], last] for name, last in typed.items() if last != said[name]}


def remembered(files: Settings, kept: Any) -> dict[str, str]:
    """The texts of the files with what is remembered over them; what has changed in the files since counts."""
    said = texts(files)
    known = kept.items() if isinstance(kept, dict) else ()
    return said | {name: last for name, (before, last) in known if said.get(name) == before}


def _text(settings: Settings, name: str) -> str:
    section, _, setting = name.partition(".")
    if section == "weights":
        evolving = settings.evolve
        drawn = not evolving.operations or setting in evolving.operations
        weight = next((weight for name, weight in evolving.weights.items() if name == setting), 1.0)
        return text(weight if drawn else 0.0)
    return text(getattr(getattr(settings, section), setting))


_Model = TypeVar("_Model", ModelSettings, RoleSettings)


def _model(files: _Model, given: dict[str, Any]) -> _Model:
    """A key, more endpoints and limits belong to the address they were written for."""
    elsewhere = "base_url" in given
    own: dict[str, Any] = {"api_key_env": "", "endpoints": (), "rpm": 0, "tpm": 0} if elsewhere else {}
    return replace(files, **(own | given))
