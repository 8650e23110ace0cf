"""How rows are placed, as texts that the Position screen has typed over, and back; studio.toml is not touched.

A choice is remembered with the file's value at that time: when that value is changed later, the file counts again.
"""

from __future__ import annotations

from typing import Any

import msgspec

from studio.errors import UsageError
from studio.settings import PositionSettings
from studio.settings.lines import lines, text, values

CHOICES = lines(PositionSettings, "variants", "distractors", "question", "locate_first", "sure", "seed", "weights")
"""The lines of the form."""
TOLD = (
    "variants 0: the rows themselves are placed   locate first: yes or no\n"
    "question: as-is, before, after, both   weights: ten, head to tail\n"
    "Enter takes it from the next placing on; studio.toml stays. Esc cancels"
)
"""The hint below the form."""
_NAMES = ("strategy", *(choice.name for choice in CHOICES))


def texts(settings: PositionSettings) -> dict[str, str]:
    """The chosen settings as texts, by name."""
    return {choice.name: text(getattr(settings, choice.name)) for choice in CHOICES}


def chosen(typed: dict[str, str]) -> dict[str, Any]:
    """The typed texts as settings. Raises UsageError that names the line and its cure."""
    found = values(CHOICES, typed)
    if (weights := found["weights"]) and (len(weights) != 10 or not any(weights)):
        raise UsageError(
            "weights: ten numbers, one for each tenth of the context.", hint="Example: 1,1,2,3,4,4,3,2,1,1; or nothing."
        )
    return found


def to_remember(files: PositionSettings, settings: PositionSettings) -> dict[str, list[Any]]:
    """The chosen settings that differ from the files, each with the files' value."""
    said, now = msgspec.to_builtins(files), msgspec.to_builtins(settings)
    return {name: [said[name], now[name]] for name in _NAMES if said[name] != now[name]}


def remembered(files: PositionSettings, kept: Any) -> PositionSettings:
    """The files' settings with the remembered ones over them, except where a file has changed since."""
    said = msgspec.to_builtins(files)
    known = kept.items() if isinstance(kept, dict) else ()
    changes = {name: value for name, (before, value) in known if name in _NAMES and said[name] == before}
    try:
        return msgspec.convert({**said, **changes}, PositionSettings)
    except msgspec.ValidationError:
        return files
