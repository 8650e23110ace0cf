"""The settings of a run that the Evolve screen changes in place: as texts to type over, and back as settings.

studio.toml is not touched. What was chosen is remembered beside what the files said then: whoever changes the file
afterwards has said it last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from studio.errors import UsageError
from studio.methods.evol_prompts import OPERATIONS
from studio.settings import ModelSettings, RoleSettings, Settings

Kind = Literal["whole", "number", "address", "text"]
Texts = Mapping[str, str]


class Choice(NamedTuple):
    """One line of the form. name: section.setting, an operation's weight as weights.NAME. least, most: of numbers."""

    name: str
    label: str
    kind: Kind
    least: int = 0
    most: int = 0


CHOICES: tuple[Choice, ...] = (
    Choice("evolve.rounds", "rounds", "whole", 1),
    Choice("evolve.limit", "limit (0: none)", "whole"),
    Choice("evolve.target", "target (0: none)", "whole"),
    Choice("evolve.concurrency", "requests at once", "whole", 1, 1024),
    Choice("evolve.temperature", "temperature", "number"),
    Choice("self_instruct.target", "new tasks: target", "whole", 1),
    Choice("self_instruct.concurrency", "new tasks: at once", "whole", 1, 1024),
    Choice("budget.usd", "most USD (0: no cap)", "number"),
    *(Choice(f"weights.{name}", f"weight {name}", "number") for name in OPERATIONS),
    Choice("model.base_url", "teacher: base_url", "address"),
    Choice("model.model", "teacher: model", "text"),
    Choice("answerer.base_url", "answerer: base_url", "address"),
    Choice("answerer.model", "answerer: model", "text"),
    Choice("judge.base_url", "judge: base_url", "address"),
    Choice("judge.model", "judge: model", "text"),
)


def texts(settings: Settings) -> dict[str, str]:
    """What the settings say, as texts by name."""
    return {choice.name: _text(settings, choice.name) for choice in CHOICES}


def chosen(files: Settings, typed: Texts) -> Settings:
    """What the files say with what was typed over it. Raises UsageError that names the line and its cure."""
    values: dict[str, Any] = {choice.name: _value(choice, typed[choice.name]) for choice in CHOICES}
    given = {name: value for name, value in values.items() if typed[name] != _text(files, name)}
    sections: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        section, _, setting = name.partition(".")
        sections.setdefault(section, {})[setting] = value
    if "weights" in sections:
        weights = {name: values[f"weights.{name}"] for name in OPERATIONS}
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
    return {name: [said[name], text] for name, text in typed.items() if text != said[name]}


def remembered(files: Settings, kept: Any) -> dict[str, str]:
    """The texts of the files with what is remembered over them; what has changed in the files since counts."""
    said = texts(files)
    known = kept.items() if isinstance(kept, dict) else ()
    return said | {name: text for name, (before, text) in known if said.get(name) == before}


def _text(settings: Settings, name: str) -> str:
    section, _, setting = name.partition(".")
    if section == "weights":
        evolving = settings.evolve
        drawn = not evolving.operations or setting in evolving.operations
        weight = next((weight for name, weight in evolving.weights.items() if name == setting), 1.0)
        return f"{weight if drawn else 0.0:g}"
    value = getattr(getattr(settings, section), setting)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _value(choice: Choice, typed: str) -> Any:
    typed = typed.strip()
    if choice.kind == "text":
        return typed
    if choice.kind == "address":
        if typed and (urlsplit(typed).scheme not in ("http", "https") or not urlsplit(typed).netloc):
            raise UsageError(
                f"{choice.label}: {typed!r} is no address.", hint="Write one like http://127.0.0.1:8000/v1, or nothing."
            )
        return typed
    try:
        value = int(typed) if choice.kind == "whole" else float(typed)
    except ValueError:
        value = -1
    # A float may be nan, which is not above anything.
    if not (value >= choice.least and value <= (choice.most or 1e15)):
        kind = "a whole number" if choice.kind == "whole" else "a number"
        most = f" and at most {choice.most}" if choice.most else ""
        raise UsageError(
            f"{choice.label}: {typed!r} does not do.", hint=f"Write {kind}, at least {choice.least}{most}."
        )
    return value


_Model = TypeVar("_Model", ModelSettings, RoleSettings)


def _model(files: _Model, given: dict[str, Any]) -> _Model:
    """A key, more endpoints and limits belong to the address they were written for."""
    elsewhere = "base_url" in given
    own: dict[str, Any] = {"api_key_env": "", "endpoints": (), "rpm": 0, "tpm": 0} if elsewhere else {}
    return replace(files, **(own | given))
