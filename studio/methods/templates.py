"""Prompts as values: read from the TOML files in `studio/methods/prompts`, filled in for one request.

PromptFile                 evol_instruct.en.toml, evol_instruct.zh.toml
+-- standard               for capable models: one frame for in-depth evolving, three whole prompts
+-- small                  for models of some hundred million parameters: worked examples as turns
    -> PromptSet           one language and profile, eight templates by name
       -> Template         messages(instruction=...) -> chat messages

A person's own file of the same name holds any of its tables, each in place of the shipped one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

import msgspec

from studio.errors import StudioError
from studio.settings import Operation

Language = Literal["en", "zh"]
Profile = Literal["standard", "small"]

OPERATIONS: tuple[Operation, ...] = get_args(Operation)
"""All six operations; the paper draws them with equal probability."""

IN_DEPTH = OPERATIONS[:5]
"""The five in-depth operations of Evol-Instruct (arXiv 2304.12244)."""

NAMES = (*OPERATIONS, "answer", "judge")
"""Every template of a prompt set: the operations, the answer to a task, the comparison of two tasks."""

_FIELD = re.compile(r"\{([a-z_]+)\}")


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request to a chat model, with {name} fields left open in `prompt`.

    system: one instruction for the whole chat, or "" for none. examples: worked (user, assistant)
    turns that go before the prompt, sent as they are. prompt: the last user turn.
    """

    system: str
    examples: tuple[tuple[str, str], ...]
    prompt: str

    @property
    def fields(self) -> frozenset[str]:
        """Names of the open fields."""
        return frozenset(_FIELD.findall(self.prompt))

    def messages(self, **fields: str) -> list[dict[str, str]]:
        """The chat messages with every field filled in, as `role` and `content`.

        Field text goes in unchanged, braces included, and is not searched for fields again.
        Raises TypeError when the names given are not exactly the open fields.
        """
        if fields.keys() != self.fields:
            raise TypeError(f"this template takes {sorted(self.fields)}, not {sorted(fields)}")
        turns = [("system", self.system)] if self.system else []
        for question, reply in self.examples:
            turns += [("user", question), ("assistant", reply)]
        turns.append(("user", _fill(self.prompt, fields)))
        return [{"role": role, "content": content} for role, content in turns]


class PromptSet(msgspec.Struct, frozen=True):
    """The eight templates of one language and profile, keyed by the names in `NAMES`."""

    language: Language
    profile: Profile
    templates: Mapping[str, Template]

    @property
    def digest(self) -> str:
        """16 hex digits (BLAKE2b) that change with any word of the prompts; a run records them."""
        return hashlib.blake2b(msgspec.json.encode(self, order="sorted"), digest_size=8).hexdigest()


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A method that is put into the frame, or a whole prompt."""

    method: str = ""
    prompt: str = ""


class _Standard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    frame: str
    add_constraints: _Part
    deepening: _Part
    concretizing: _Part
    increase_reasoning: _Part
    complicate_input: _Part
    in_breadth: _Part
    answer: _Part
    judge: _Part


class _Small(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    add_constraints: Template
    deepening: Template
    concretizing: Template
    increase_reasoning: Template
    complicate_input: Template
    in_breadth: Template
    answer: Template
    judge: Template


class _PromptFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    standard: _Standard
    small: _Small


def load(language: Language, profile: Profile) -> PromptSet:
    """The Evol-Instruct prompts that ship with the studio, read once a process."""
    return _shipped(language)[profile]


def file_name(language: Language) -> str:
    """How a file with these prompts is called, the shipped one and a person's own."""
    return f"evol_instruct.{language}.toml"


def parse(text: str, source: str, language: Language, base: str = "") -> dict[Profile, PromptSet]:
    """Both profiles of one prompt file. source: the file's name, for errors. base: the text of a whole file
    that this one changes, each of its tables taking the place of the one with the same name.

    Raises StudioError naming the file and the key when the TOML is broken, a key is missing, unknown
    or of the wrong type, or a prompt lacks a field it must have or has one that nobody fills.
    """
    try:
        content = msgspec.convert(_merged(msgspec.toml.decode(base), msgspec.toml.decode(text)), _PromptFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _broken(source, str(error)) from error
    profiles: dict[Profile, dict[str, Template]] = {
        "standard": _standard(content.standard, source),
        "small": {name: getattr(content.small, name) for name in NAMES},
    }
    for profile, templates in profiles.items():
        for name, template in templates.items():
            _check_fields(template.fields, _expected(name), source, f"{profile}.{name}.prompt")
    return {profile: PromptSet(language, profile, found) for profile, found in profiles.items()}


def own(text: str, source: str, language: Language, profile: Profile) -> PromptSet:
    """The shipped prompts with what a person's own file changes. Raises StudioError as parse does."""
    return parse(text, source, language, base=_text(language))[profile]


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """base with each table of a profile that changes has in its place."""
    merged = dict(base)
    for profile, tables in changes.items():
        both = isinstance(tables, dict) and isinstance(base.get(profile), dict)
        merged[profile] = {**base[profile], **tables} if both else tables
    return merged


@cache
def _shipped(language: Language) -> dict[Profile, PromptSet]:
    return parse(_text(language), file_name(language), language)


def _text(language: Language) -> str:
    return files("studio.methods.prompts").joinpath(file_name(language)).read_text("utf-8")


def _standard(content: _Standard, source: str) -> dict[str, Template]:
    _check_fields(frozenset(_FIELD.findall(content.frame)), {"method", "instruction"}, source, "standard.frame")
    templates: dict[str, Template] = {}
    for name in NAMES:
        part: _Part = getattr(content, name)
        if bool(part.method) == bool(part.prompt) or (part.method and name not in IN_DEPTH):
            either = "either a method or a prompt" if name in IN_DEPTH else "a prompt"
            raise _broken(source, f"`standard.{name}` needs {either}")
        prompt = part.prompt or content.frame.replace("{method}", part.method)
        templates[name] = Template(system="", examples=(), prompt=prompt)
    return templates


def _expected(name: str) -> set[str]:
    return {"first", "second"} if name == "judge" else {"instruction"}


def _check_fields(found: frozenset[str], expected: set[str], source: str, key: str) -> None:
    if found != expected:
        raise _broken(source, f"`{key}` needs the fields {sorted(expected)} and has {sorted(found)}")


def _broken(source: str, reason: str) -> StudioError:
    return StudioError(
        f"The prompt file {source} cannot be used: {reason}.",
        title="Prompt file",
        hint="Mend it; the shipped files show how. Take your own file away to use those.",
    )


def _fill(prompt: str, fields: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda found: fields[found[1]], prompt)
