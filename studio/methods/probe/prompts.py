"""The prompt files of the probe: probe.en.toml and probe.zh.toml in `studio/methods/prompts`.

Each holds a template for both tasks and both profiles. The question comes last, as in the paper's plain prompts.
"""

from __future__ import annotations

import msgspec

from studio.methods.prompt_files import PromptFiles
from studio.methods.templates import Profile, Template

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


def _read(content: _PromptFile) -> dict[Profile, dict[str, Template]]:
    profiles: dict[Profile, _Profile] = {"standard": content.standard, "small": content.small}
    return {profile: {name: getattr(found, name) for name in NAMES} for profile, found in profiles.items()}


FILES = PromptFiles("probe", _PromptFile, _read, dict.fromkeys(NAMES, FIELDS))
"""probe.en.toml and probe.zh.toml."""
