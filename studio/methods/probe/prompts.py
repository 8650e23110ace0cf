"""The prompt files of the probe: probe.en.toml and probe.zh.toml in `studio/methods/prompts`.

Each holds a template for both tasks and both profiles. The question comes last, as in the paper's plain prompts.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from studio.errors import StudioError
from studio.methods.templates import Language, Profile, PromptSet, Template

NAMES = ("kv", "documents")
"""Every template of a prompt set, by task."""

FIELDS = frozenset({"context", "asked"})
"""What each must have: the pairs or documents, and the key or question."""


class _Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kv: Template
    documents: Template


class _PromptFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    standard: _Profile
    small: _Profile


def file_name(language: Language) -> str:
    """How a file with these prompts is called, the shipped one and a person's own."""
    return f"probe.{language}.toml"


def load(language: Language, profile: Profile) -> PromptSet:
    """The probe's prompts that ship with the studio, read once a process."""
    return _shipped(language)[profile]


def own(text: str, source: str, language: Language, profile: Profile) -> PromptSet:
    """The shipped prompts with what a person's own file changes. Raises StudioError as parse does."""
    return parse(text, source, language, base=_text(language))[profile]


def parse(text: str, source: str, language: Language, base: str = "") -> dict[Profile, PromptSet]:
    """Both profiles of one prompt file. source: the file's name, for errors. base: the text of a whole file that this
    one changes: a table in a profile takes the place of the one with the same name.

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
        templates: dict[str, Template] = {name: getattr(sections, name) for name in NAMES}
        for name, template in templates.items():
            if template.fields != FIELDS:
                has = sorted(template.fields)
                raise _broken(source, f"`{profile}.{name}.prompt` needs the fields {sorted(FIELDS)} and has {has}")
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


def _broken(source: str, reason: str) -> StudioError:
    return StudioError(
        f"The prompt file {source} cannot be used: {reason}.",
        title="Prompt file",
        hint="Mend it; the shipped files show how. Take your own file away to use those.",
    )
