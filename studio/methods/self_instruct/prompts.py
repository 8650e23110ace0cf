"""The prompt files of Self-Instruct: self_instruct.en.toml and self_instruct.zh.toml in `studio/methods/prompts`.

Each holds a template for each name in `NAMES`, for both profiles, and the demonstrations that both profiles show
before the last three questions.
"""

from __future__ import annotations

import msgspec

from studio.methods.prompt_files import PromptFiles
from studio.methods.templates import Profile, PromptSet, Template

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


def _read(content: _PromptFile) -> dict[Profile, dict[str, Template]]:
    profiles: dict[Profile, _Profile] = {"standard": content.standard, "small": content.small}
    return {
        profile: {name: _template(getattr(found, name), content.demonstrations, name) for name in NAMES}
        for profile, found in profiles.items()
    }


def _template(section: _Section, demonstrations: _Demonstrations, name: str) -> Template:
    """The section's own example turns, then the demonstrations, each asked in the words of the prompt."""
    shown: tuple[tuple[str, str], ...] = getattr(demonstrations, name, ())
    asked = [(section.prompt.replace("{instruction}", instruction), reply) for instruction, reply in shown]
    return Template(system=section.system, examples=(*section.examples, *asked), prompt=section.prompt)


FILES = PromptFiles("self_instruct", _PromptFile, _read, FIELDS, OPTIONAL)
"""self_instruct.en.toml and self_instruct.zh.toml."""


def fill(prompts: PromptSet, name: str, **fields: str) -> tuple[tuple[str, str], ...]:
    """The (role, content) turns of a template; fields that it does not have are left out."""
    template = prompts.templates[name]
    turns = template.messages(**{field: fields[field] for field in template.fields})
    return tuple((turn["role"], turn["content"]) for turn in turns)
