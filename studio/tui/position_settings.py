"""How rows are placed, as texts that the Position screen has typed over, and back; studio.toml is not touched.

What was chosen is remembered beside what the files said then: whoever changes the file afterwards has said it last.
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
"""What is said below them."""
_NAMES = ("strategy", *(choice.name for choice in CHOICES))


def texts(settings: PositionSettings) -> dict[str, str]:
    """What is chosen, as texts by name."""
    return {choice.name: text(getattr(settings, choice.name)) for choice in CHOICES}


def chosen(typed: dict[str, str]) -> dict[str, Any]:
    """What was typed, as settings. Raises UsageError that names the line and its cure."""
    found = values(CHOICES, typed)
    if (weights := found["weights"]) and (len(weights) != 10 or not any(weights)):
        raise UsageError(
            "weights: ten numbers, one for each tenth of the context.", hint="Example: 1,1,2,3,4,4,3,2,1,1; or nothing."
        )
    return found


def to_remember(files: PositionSettings, settings: PositionSettings) -> dict[str, list[Any]]:
    """What is chosen that differs from the files, each beside what they said."""
    said, now = msgspec.to_builtins(files), msgspec.to_builtins(settings)
    return {name: [said[name], now[name]] for name in _NAMES if said[name] != now[name]}


def remembered(files: PositionSettings, kept: Any) -> PositionSettings:
    """What the files say with what is remembered over it; what has changed in the files since counts."""
    said = msgspec.to_builtins(files)
    known = kept.items() if isinstance(kept, dict) else ()
    changes = {name: value for name, (before, value) in known if name in _NAMES and said[name] == before}
    try:
        return msgspec.convert({**said, **changes}, PositionSettings)
    except msgspec.ValidationError:
        return files
