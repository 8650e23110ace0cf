"""`studio explain`."""

from __future__ import annotations

import sys

from studio.alpaca.explain import explain
from studio.cli.output import say, show_json, tell
from studio.errors import UsageError


def run(text: str, as_json: bool) -> int:
    """Say what each known error in the text means and how to cure it; 1 when none is known."""
    if not text:
        if sys.stdin.isatty():
            raise UsageError("What did the trainer say?", hint='studio explain "Cannot find valid samples"')
        text = sys.stdin.read()
    if not text.strip():
        raise UsageError("There is no text to explain.", hint='studio explain "Cannot find valid samples"')
    found = explain(text)
    if as_json:
        show_json([{"said": one.said, "meaning": one.meaning, "cure": one.cure} for one in found])
    for one in found if not as_json else ():
        say(f"{one.said}\n  {one.meaning}\n  Cure: {one.cure}")
    if not found:
        tell("This error is not known here. `studio check FILE` looks at the data itself.")
    return 0 if found else 1
