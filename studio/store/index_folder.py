"""The duplicate index on disk: arrays in files of their own, mapped into memory when it is opened.

Everything in there can be made anew from the rows; the folder may be deleted at any time. A note beside the arrays says
which search they are of, and which there are: an index of another search, or one that lost a part, is none.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from studio.store.pairs import Search

if TYPE_CHECKING:
    import numpy as np

    Arrays = Mapping[str, np.ndarray[Any, Any]]

FOLDER = "index"
_NOTE = "search.json"
_Kinds: TypeAlias = dict[str, dict[str, tuple[str, tuple[int, ...]]]]


class _Note(msgspec.Struct):
    """search: see `_named`. arrays: by group and name, what numbers they are of and how many."""

    search: str
    arrays: _Kinds


def write(project: Path, groups: Mapping[str, Arrays], search: Search) -> None:
    """Put these groups of arrays in place of those that are there. Raises OSError; then no index is left."""
    import numpy as np

    fresh, folder = project / f".{FOLDER}-{os.getpid()}", project / FOLDER
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        for group, arrays in groups.items():
            (fresh / group).mkdir(parents=True)
            for name, values in arrays.items():
                np.save(fresh / group / f"{name}.npy", values, allow_pickle=False)
        if groups:
            (fresh / _NOTE).write_bytes(msgspec.json.encode(_Note(_named(search), _kinds(groups))))
            fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def read(project: Path, search: Search) -> dict[str, Arrays]:
    """The groups of arrays of this search, mapped; none where they are another's, or a part is missing or damaged."""
    import numpy as np

    folder = project / FOLDER
    try:
        note = msgspec.json.decode((folder / _NOTE).read_bytes(), type=_Note)
        groups: dict[str, Arrays] = {
            group: {name: np.load(folder / group / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in arrays}
            for group, arrays in note.arrays.items()
        }
    except (OSError, EOFError, ValueError, msgspec.MsgspecError):
        return {}
    return groups if note.search == _named(search) and note.arrays == _kinds(groups) else {}


def _named(search: Search) -> str:
    """A name of the search that no other search of the project has, unless it found the same rows."""
    return f"{search.at}, {search.method} of {search.field} from {search.floor}, {search.rows} rows, {search.changes}"


def _kinds(groups: Mapping[str, Arrays]) -> _Kinds:
    return {
        group: {name: (values.dtype.str, values.shape) for name, values in arrays.items()}
        for group, arrays in groups.items()
    }
