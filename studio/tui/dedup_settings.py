"""How duplicates are found and reviewed, as texts to type over, and back as settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from studio.errors import UsageError
from studio.settings import DedupSettings
from studio.settings.declared import Setting
from studio.settings.lines import Line, lines, text, values

_ORDER = Setting("order", "text", "border", label="order", choices=("border", "closest", "largest"))
_LINES = (*lines(DedupSettings), Line("order", "order", _ORDER))
LABELS = {line.name: line.label for line in _LINES}
EXPLAINED = """\
method   overlap: words in common, rare ones count more (templates do not). exact: the same words.
         rouge-l: the order of words, as Self-Instruct. minhash: overlap, of very large sets. semantic: meaning.
compare  prompt, instruction, output or row (all of it)
stays    first, longest, newest, best-score, human-first or most-complete
order    border (the least certain first), closest or largest"""


def texts(chosen: DedupSettings, order: str) -> dict[str, str]:
    """The settings as texts by name."""
    return {name: text(value) for name, value in msgspec.structs.asdict(chosen).items()} | {"order": order}


def chosen(typed: Mapping[str, str]) -> tuple[DedupSettings, Any]:
    """Settings and order as typed; the beginning of a name will do. Raises UsageError that names the line."""
    said = values(_LINES, typed)
    if 0 < said["threshold"] < 0.4:
        raise UsageError(f"threshold: {typed['threshold']!r} does not do.", hint="Write 0, or 0.4 to 1.")
    order = said.pop("order")
    return DedupSettings(**said), order
