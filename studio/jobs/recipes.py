"""What the recipes of all methods have in common: a digest, and prompts for the model at hand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import msgspec

from studio.alpaca.lengths import estimate_tokens
from studio.errors import UsageError
from studio.llm.chat import Message
from studio.llm.choice import Roles, is_small
from studio.methods.prompt_files import PromptFiles
from studio.methods.templates import Language, Profile, PromptSet
from studio.settings import Role, Settings

LANGUAGES: tuple[Language, ...] = get_args(Language)


class Canonical(msgspec.Struct, frozen=True):
    """A recipe that is known by its digest."""

    def encode(self) -> str:
        """Canonical JSON: equal recipes give equal text."""
        return msgspec.json.encode(self, order="sorted").decode()

    @property
    def digest(self) -> str:
        return hashlib.blake2b(self.encode().encode(), digest_size=16).hexdigest()


def profile_of(role: Role, settings: Settings, models: Roles) -> Profile:
    """For which kind of model the prompts of a role are."""
    chosen = settings.model_for(role).profile
    if chosen == "auto":
        return "small" if is_small(getattr(models, role)) else "standard"
    return chosen


def prompts_of(method: PromptFiles[Any], setting: str, profile: Profile, folder: Path) -> dict[Language, PromptSet]:
    """The prompts of a profile: shipped, or the person's own in the folder that the setting names."""
    if not setting:
        return {language: method.load(language, profile) for language in LANGUAGES}
    place = folder / Path(setting).expanduser()
    files = {language: place / method.file_name(language) for language in LANGUAGES}
    if not any(file.is_file() for file in files.values()):
        names = " or ".join(file.name for file in files.values())
        raise UsageError(f"prompts: {place} holds no {names}.", hint="Put one there, or take the setting away.")
    return {
        language: method.own(_read(file), str(file), language, profile)
        if file.is_file()
        else method.load(language, profile)
        for language, file in files.items()
    }


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.") from None


def estimated_tokens(messages: Iterable[Message]) -> int:
    """About how many tokens a prompt has. Many vocabularies have a token for each digit, and UUIDs are full of them."""
    return sum(estimate_tokens(content) + sum(map(content.count, "0123456789")) + 5 for _, content in messages)
