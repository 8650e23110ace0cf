"""The duplicate index on disk: arrays in files of their own, mapped into memory when it is opened.

Everything in there can be made anew from the rows; the folder may be deleted at any time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Arrays = Mapping[str, np.ndarray[Any, Any]]

FOLDER = "index"


def write(project: Path, groups: Mapping[str, Arrays]) -> None:
    """Put these groups of arrays in place of those that are there. Raises OSError; then no index is left."""
    import numpy as np

    fresh, folder = project / f".{FOLDER}-{os.getpid()}", project / FOLDER
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        for group, arrays in groups.items():
            (fresh / group).mkdir(parents=True)
            for name, values in arrays.items():
                np.save(fresh / group / f"{name}.npy", values, allow_pickle=False)
        shutil.rmtree(folder, ignore_errors=True)
        if groups:
            fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def read(project: Path) -> dict[str, Arrays]:
    """The groups of arrays that are there, mapped; none where something is missing or no array."""
    import numpy as np

    try:
        return {
            group.name: {
                file.stem: np.load(file, mmap_mode="r", allow_pickle=False) for file in sorted(group.glob("*.npy"))
            }
            for group in sorted((project / FOLDER).iterdir())
        }
    except (OSError, ValueError):
        return {}
