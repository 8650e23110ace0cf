"""The prompts of a method for the model at hand: shipped ones, or the person's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from studio.errors import UsageError
from studio.llm.chat import ChatModel
from studio.llm.choice import is_small
from studio.methods.prompt_files import PromptFiles
from studio.methods.templates import Language, Profile, PromptSet
from studio.settings import Settings

LANGUAGES: tuple[Language, ...] = get_args(Language)


def profile_of(role: str, settings: Settings, model: ChatModel) -> Profile:
    """For which kind of model the prompts of a role are."""
    chosen = settings.model_for(role).profile
    if chosen == "auto":
        return "small" if is_small(model) else "standard"
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
