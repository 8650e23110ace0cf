"""Prompts as values: templates of requests, filled in for one of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Literal

import msgspec

Language = Literal["en", "zh"]
Profile = Literal["standard", "small"]

FIELD = re.compile(r"\{([a-z_]+)\}")
"""An open field in a prompt."""


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
        return frozenset(FIELD.findall(self.prompt))

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
    """The templates of a method in one language and profile, by name."""

    language: Language
    profile: Profile
    templates: Mapping[str, Template]

    def turns(self, name: str, **fields: str) -> tuple[tuple[str, str], ...]:
        """The (role, content) turns of a template with every field filled in, as `Template.messages` gives them."""
        return tuple((turn["role"], turn["content"]) for turn in self.templates[name].messages(**fields))

    @property
    def digest(self) -> str:
        """16 hex digits (BLAKE2b) that change with any word of the prompts; a run records them."""
        return hashlib.blake2b(msgspec.json.encode(self, order="sorted"), digest_size=8).hexdigest()


def _fill(prompt: str, fields: Mapping[str, str]) -> str:
    return FIELD.sub(lambda found: fields[found[1]], prompt)
