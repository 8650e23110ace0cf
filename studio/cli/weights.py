"""`studio model fetch`."""

from __future__ import annotations

from pathlib import Path

from studio.cli.output import progress, tell
from studio.llm.embedded import weights


def fetch_weights() -> Path:
    """Have the embedded model's weights: at once if they are there, with a progress bar otherwise."""
    found = weights.find()
    if found is None:
        with progress("fetching") as meter:
            found = weights.fetch(lambda done, total: meter(done / 1e6, total / 1e6, "MB"))
        tell(f"weights fetched and verified: {found}")
    else:
        tell(f"weights are here: {found}")
    return found
