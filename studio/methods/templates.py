"""Prompts as values: read from the TOML files in `studio/methods/prompts`, filled in for one request.

PromptFile                 evol_instruct.en.toml, evol_instruct.zh.toml
+-- standard               for capable models: one frame for in-depth evolving, four whole prompts
+-- small                  for models of some hundred million parameters: worked examples as turns
    -> PromptSet           one language and profile, eight templates by name
       -> Template         messages(instruction=...) -> chat messages
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from studio.errors import StudioError

Language = Literal["en", "zh"]
Profile = Literal["standard", "small"]

IN_DEPTH = ("add_constraints", "deepening", "concretizing", "increase_reasoning", "complicate_input")
"""The five in-depth operations of Evol-Instruct (arXiv 2304.12244)."""

OPERATIONS = (*IN_DEPTH, "in_breadth")
"""All six operations; the paper draws them with equal probability."""

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


class _Method(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    method: str


class _Prompt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prompt: str


class _Standard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    frame: str
    add_constraints: _Method
    deepening: _Method
    concretizing: _Method
    increase_reasoning: _Method
    complicate_input: _Method
    in_breadth: _Prompt
    answer: _Prompt
    judge: _Prompt


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


def parse(text: str, source: str, language: Language) -> dict[Profile, PromptSet]:
    """Both profiles of one prompt file. `source` is the file's name, for errors.

    Raises StudioError naming the file and the key when the TOML is broken, a key is missing, unknown
    or of the wrong type, or a prompt lacks a field it must have or has one that nobody fills.
    """
    try:
        content = msgspec.toml.decode(text, type=_PromptFile)
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


@cache
def _shipped(language: Language) -> dict[Profile, PromptSet]:
    source = f"evol_instruct.{language}.toml"
    return parse(files("studio.methods.prompts").joinpath(source).read_text("utf-8"), source, language)


def _standard(content: _Standard, source: str) -> dict[str, Template]:
    _check_fields(frozenset(_FIELD.findall(content.frame)), {"method", "instruction"}, source, "standard.frame")
    templates: dict[str, Template] = {}
    for name in NAMES:
        part: _Method | _Prompt = getattr(content, name)
        prompt = part.prompt if isinstance(part, _Prompt) else content.frame.replace("{method}", part.method)
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
        hint="Put the file back as it was installed.",
    )


def _fill(prompt: str, fields: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda found: fields[found[1]], prompt)
