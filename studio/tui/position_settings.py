"""How rows are placed, as texts that the Position screen has typed over, and back; studio.toml is not touched.

What was chosen is remembered beside what the files said then: whoever changes the file afterwards has said it last.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from studio.errors import UsageError
from studio.settings import PositionSettings, Question
from studio.tui.evolve_settings import Choice

QUESTIONS: tuple[Question, ...] = get_args(Question)

CHOICES: tuple[Choice, ...] = (
    Choice("variants", "variants of each row", "whole"),
    Choice("distractors", "distractors", "whole"),
    Choice("question", "question", "text"),
    Choice("locate_first", "locate first", "text"),
    Choice("sure", "sure from", "number"),
    Choice("seed", "seed", "whole"),
    Choice("weights", "weights of inverse", "text"),
)
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
    return {choice.name: _text(getattr(settings, choice.name)) for choice in CHOICES}


def chosen(typed: dict[str, str]) -> dict[str, Any]:
    """What was typed, as settings. Raises UsageError that names the line and its cure."""
    return {
        "variants": _whole(typed, "variants"),
        "distractors": _whole(typed, "distractors"),
        "question": _question(typed["question"].strip()),
        "locate_first": _yes(typed["locate_first"].strip().casefold()),
        "sure": _share(typed["sure"]),
        "seed": _whole(typed, "seed"),
        "weights": _weights(typed["weights"]),
    }


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


def _text(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ",".join(f"{weight:g}" for weight in value)
        case float():
            return f"{value:g}"
    return str(value)


def _whole(typed: dict[str, str], name: str) -> int:
    text = typed[name].strip()
    if not text.isdecimal():
        raise UsageError(f"{name}: {text!r} does not do.", hint="Write a whole number, 0 or more.")
    return int(text)


def _question(typed: str) -> Question:
    for name in QUESTIONS:
        if typed and name.startswith(typed):
            return name
    raise UsageError(f"question: {typed!r} does not do.", hint=f"Write one of {', '.join(QUESTIONS)}.")


def _yes(typed: str) -> bool:
    if typed[:1] not in ("y", "n", "是", "否"):
        raise UsageError(f"locate first: {typed!r} does not do.", hint="Write yes or no.")
    return typed[0] in "y是"


def _share(typed: str) -> float:
    try:
        value = float(typed)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"sure: {typed!r} does not do.", hint="Write a number from 0 to 1.")
    return value


def _weights(typed: str) -> tuple[float, ...]:
    parts = [part for part in typed.replace(",", " ").split() if part]
    try:
        found = tuple(float(part) for part in parts)
    except ValueError:
        found = (-1.0,)
    if found and (len(found) != 10 or not all(weight >= 0 for weight in found) or not any(found)):
        raise UsageError(
            "weights: ten numbers, one for each tenth of the context.", hint="Example: 1,1,2,3,4,4,3,2,1,1; or nothing."
        )
    return found
