"""A project folder: studio.toml, studio.db, what imports set aside, exports.

my-project/
  studio.toml    settings, written once with comments, then the person's own
  studio.db      everything else
  index/         made from the rows, for finding duplicates at once; may be deleted at any time
  set_aside/     lines of imported files that could not be read, with the reason
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studio.errors import LockedError, ProjectError, UsageError
from studio.settings.commented import commented
from studio.store.database import Database
from studio.store.files.atomic import write
from studio.store.lock import WriterLock

SETTINGS_FILE = "studio.toml"
DATABASE_FILE = "studio.db"
SET_ASIDE = "set_aside"


class Project:
    """An open project folder. writable is False when somebody else holds the writer lock."""

    def __init__(self, folder: Path, database: Database, lock: WriterLock) -> None:
        self.folder = folder
        self.database = database
        self._lock = lock

    @property
    def writable(self) -> bool:
        return self.database.writable

    @property
    def holder(self) -> str:
        """Who writes here, in words."""
        return self._lock.holder() or "nobody"

    def close(self) -> None:
        self.database.close()
        self._lock.release()


def is_project(folder: Path) -> bool:
    """Whether the folder has a studio.toml, which is made last."""
    return (folder / SETTINGS_FILE).is_file()


def create(folder: Path, name: str = "", chosen: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """Make a new project folder; chosen: what studio.toml says other than the default, section by section.

    Raises UsageError if there is a project, or other files, already, ProjectError if the disk refuses.
    """
    if is_project(folder):
        raise UsageError(f"{folder} is a project already.", hint=f"Open it: studio {folder}")
    if folder.exists() and (not folder.is_dir() or any(_foreign(entry) for entry in folder.iterdir())):
        raise UsageError(f"{folder} exists and is not an empty folder.", hint="Name a new folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        Database(folder / DATABASE_FILE, writable=True).close()
        # Last, because it is what makes the folder a project: before it, creating can simply be tried again.
        text = commented({"project": {"name": name or folder.resolve().name}, **(chosen or {})})
        write(folder / SETTINGS_FILE, text.encode())
    except OSError as error:
        raise ProjectError(
            f"{folder} cannot be made: {error.strerror}.", hint="Choose a folder you may write in."
        ) from None


def _foreign(entry: Path) -> bool:
    """Whether a file is none that creating a project makes before it ends."""
    return not entry.name.startswith(DATABASE_FILE)


def open_project(folder: Path, *, read_only: bool = False, must_write: bool = False) -> Project:
    """Open a project; read-only when asked, or when somebody else is writing in it.

    Raises UsageError if folder is no project, LockedError if must_write and it is taken, ProjectError if it
    cannot be written or its database cannot be read.
    """
    if not is_project(folder):
        raise UsageError(f"{folder} is not a studio project.", hint=f"Make one: studio new {folder}")
    if not (folder / DATABASE_FILE).is_file():
        raise ProjectError(
            f"{folder} has lost its {DATABASE_FILE}, which holds every row.",
            hint=f"Put it back from a copy; to start anew, take {SETTINGS_FILE} away first.",
        )
    lock = WriterLock(folder / f".{DATABASE_FILE}.lock")
    try:
        writable = not read_only and lock.take()
    except OSError as error:
        if must_write:
            raise ProjectError(f"{folder} cannot be written: {error.strerror}. Nothing was changed.") from None
        writable = False
    if must_write and not writable:
        raise LockedError(
            f"{folder} is being written by {lock.holder() or 'another process'}.",
            hint="Close it there first. Nothing was changed.",
        )
    try:
        return Project(folder, Database(folder / DATABASE_FILE, writable=writable), lock)
    except ProjectError:
        lock.release()
        raise
