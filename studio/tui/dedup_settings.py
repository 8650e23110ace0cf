"""How duplicates are found and reviewed, as texts to type over, and back as settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import msgspec

from studio.errors import UsageError
from studio.settings import DedupField, DedupMethod, DedupSettings, KeepRule

LABELS = {
    "method": "method",
    "field": "compare",
    "threshold": "threshold (0: its own)",
    "keep": "stays",
    "order": "order",
}
_KNOWN: dict[str, Sequence[str]] = {
    "method": get_args(DedupMethod),
    "field": get_args(DedupField),
    "keep": get_args(KeepRule),
    "order": ("border", "closest", "largest"),
}
EXPLAINED = """\
method   overlap: words in common, rare ones count more (templates do not). exact: the same words.
         rouge-l: the order of words, as Self-Instruct. minhash: overlap, of very large sets. semantic: meaning.
compare  prompt, instruction, output or row (all of it)
stays    first, longest, newest, best-score, human-first or most-complete
order    border (the least certain first), closest or largest"""


def texts(chosen: DedupSettings, order: str) -> dict[str, str]:
    """The settings as texts by name."""
    return {
        "method": chosen.method,
        "field": chosen.field,
        "threshold": f"{chosen.threshold:g}",
        "keep": chosen.keep,
        "order": order,
    }


def chosen(typed: Mapping[str, str]) -> tuple[DedupSettings, Any]:
    """Settings and order as typed; the beginning of a name will do. Raises UsageError that names the line."""
    said = {name: _one_of(LABELS[name], typed[name].strip(), known) for name, known in _KNOWN.items()}
    try:
        threshold = float(typed["threshold"])
    except ValueError:
        threshold = -1.0
    if not (threshold == 0 or 0.4 <= threshold <= 1):
        raise UsageError(f"threshold: {typed['threshold']!r} does not do.", hint="Write 0, or 0.4 to 1.")
    order = said.pop("order")
    return msgspec.convert({**said, "threshold": threshold}, DedupSettings), order


def _one_of(label: str, typed: str, known: Sequence[str]) -> str:
    for name in known:
        if typed and name.startswith(typed):
            return name
    raise UsageError(f"{label}: {typed!r} does not do.", hint=f"Write {', '.join(known[:-1])} or {known[-1]}.")
