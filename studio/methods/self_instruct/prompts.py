"""The prompt files of Self-Instruct: self_instruct.en.toml and self_instruct.zh.toml in `studio/methods/prompts`.

Each holds a template for each name in `NAMES`, for both profiles, and the demonstrations that both profiles show
before the last three questions.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from studio.errors import StudioError
from studio.methods.templates import Language, Profile, PromptSet, Template

FIELDS: dict[str, frozenset[str]] = {
    "bootstrap": frozenset({"tasks", "first"}),
    "classification": frozenset({"instruction"}),
    "output_first": frozenset({"instruction"}),
    "input_first": frozenset({"instruction"}),
    "alpaca": frozenset({"tasks"}),
}
"""Every template of a prompt set, and the fields it must have."""

OPTIONAL = {"bootstrap": "last", "alpaca": "count"}
"""A field it may have besides: the number that the list of tasks runs to."""

NAMES = tuple(FIELDS)


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prompt: str
    system: str = ""
    examples: tuple[tuple[str, str], ...] = ()


class _Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bootstrap: _Section
    classification: _Section
    output_first: _Section
    input_first: _Section
    alpaca: _Section


class _Demonstrations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pairs of an instruction and the reply to it."""

    classification: tuple[tuple[str, str], ...]
    output_first: tuple[tuple[str, str], ...]
    input_first: tuple[tuple[str, str], ...]


class _PromptFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    demonstrations: _Demonstrations
    standard: _Profile
    small: _Profile


def file_name(language: Language) -> str:
    """How a file with these prompts is called, the shipped one and a person's own."""
    return f"self_instruct.{language}.toml"


def load(language: Language, profile: Profile) -> PromptSet:
    """The Self-Instruct prompts that ship with the studio, read once a process."""
    return _shipped(language)[profile]


def own(text: str, source: str, language: Language, profile: Profile) -> PromptSet:
    """The shipped prompts with what a person's own file changes. Raises StudioError as parse does."""
    return parse(text, source, language, base=_text(language))[profile]


def parse(text: str, source: str, language: Language, base: str = "") -> dict[Profile, PromptSet]:
    """Both profiles of one prompt file. source: the file's name, for errors. base: the text of a whole file that this
    one changes: a table in a profile, or one list of demonstrations, takes the place of the one with the same name.

    Raises StudioError naming the file and the key when the TOML is broken, a key is missing, unknown or of the wrong
    type, or a prompt lacks a field it must have or has one that nobody fills.
    """
    try:
        content = msgspec.convert(_merged(msgspec.toml.decode(base), msgspec.toml.decode(text)), _PromptFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _broken(source, str(error)) from error
    profiles: tuple[tuple[Profile, _Profile], ...] = (("standard", content.standard), ("small", content.small))
    sets: dict[Profile, PromptSet] = {}
    for profile, sections in profiles:
        templates = {name: _template(getattr(sections, name), content.demonstrations, name) for name in NAMES}
        for name, template in templates.items():
            if template.fields - {OPTIONAL.get(name)} != FIELDS[name]:
                key = f"{profile}.{name}.prompt"
                reason = f"`{key}` needs the fields {sorted(FIELDS[name])} and has {sorted(template.fields)}"
                raise _broken(source, reason)
        sets[profile] = PromptSet(language, profile, templates)
    return sets


@cache
def _shipped(language: Language) -> dict[Profile, PromptSet]:
    return parse(_text(language), file_name(language), language)


def _text(language: Language) -> str:
    return files("studio.methods.prompts").joinpath(file_name(language)).read_text("utf-8")


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, tables in changes.items():
        both = isinstance(tables, dict) and isinstance(base.get(name), dict)
        merged[name] = {**base[name], **tables} if both else tables
    return merged


def fill(prompts: PromptSet, name: str, **fields: str) -> tuple[tuple[str, str], ...]:
    """The (role, content) turns of a template; fields that it does not have are left out."""
    template = prompts.templates[name]
    turns = template.messages(**{field: fields[field] for field in template.fields})
    return tuple((turn["role"], turn["content"]) for turn in turns)


def _template(section: _Section, demonstrations: _Demonstrations, name: str) -> Template:
    """The section's own example turns, then the demonstrations, each asked in the words of the prompt."""
    shown: tuple[tuple[str, str], ...] = getattr(demonstrations, name, ())
    asked = [(section.prompt.replace("{instruction}", instruction), reply) for instruction, reply in shown]
    return Template(system=section.system, examples=(*section.examples, *asked), prompt=section.prompt)


def _broken(source: str, reason: str) -> StudioError:
    return StudioError(
        f"The prompt file {source} cannot be used: {reason}.",
        title="Prompt file",
        hint="Mend it; the shipped files show how. Take your own file away to use those.",
    )
