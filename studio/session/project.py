"""The open project: what every part of a session shares."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from typing import Any

import orjson

from studio.errors import LockedError
from studio.jobs.events import Event, Events
from studio.jobs.threads import reading
from studio.settings import Settings
from studio.store.intake import give_up_unfinished
from studio.store.journal import Journal, Target
from studio.store.pairs import Pairs
from studio.store.project import DATABASE_FILE, Project
from studio.store.reader import Reader
from studio.store.replies import Replies
from studio.store.rows import Rows
from studio.store.runs import Runs


class OpenProject:
    """A project's folder, settings, tables and journal, and whether we may write there."""

    def __init__(self, project: Project, settings: Settings) -> None:
        self._project = project
        self.folder, self.database, self.settings = project.folder, project.database, settings
        self.rows = Rows(project.database)
        self.pairs = Pairs(project.database)
        self.runs = Runs(project.database)
        self.replies = Replies(project.database)
        self.journal = Journal(project.database, self.apply)
        if project.writable:
            give_up_unfinished(project.database)

    def close(self) -> None:
        """Release the lock. What was decided is on disk already."""
        self._project.close()

    @property
    def name(self) -> str:
        return self.settings.project.name or self.folder.resolve().name

    @property
    def writable(self) -> bool:
        return self._project.writable

    @property
    def holder(self) -> str:
        """Who writes in the project when we may not."""
        return self._project.holder

    @property
    def changes(self) -> tuple[int, int]:
        """Something that differs once any row or decision has been added."""
        return (self.journal.last_entry(), self.rows.last_id())

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """The person's own expression for segments. Raises UsageError."""
        from studio.curate.segments.shapes import custom

        return custom.compiled(self.settings.position.pattern)

    def touched_since(self, earlier: tuple[int, int]) -> list[range]:
        """The rows decided on or brought in since `changes` was this; some may come more than once."""
        entry, last = earlier
        return [*self.journal.rows_since(entry), range(last + 1, self.rows.last_id() + 1)]

    def recall(self, key: str) -> Any:
        """What a front end remembered (which stage, row and filter were shown), or None."""
        found = self.database.get_meta(key)
        return None if found is None else orjson.loads(found)

    def remember(self, key: str, value: Any) -> None:
        """Keep a front end's small state over restarts. Nothing happens in a read-only session."""
        if self.writable:
            self.database.set_meta(key, orjson.dumps(value))

    def must_write(self) -> None:
        """Raises LockedError when we may not write."""
        if not self.writable:
            raise LockedError(
                f"{self.folder} is open for reading only; {self.holder} is writing in it.",
                hint="Close it there, and open it here again.",
            )

    def apply(self, target: Target, first: int, last: int, fields: dict[str, Any]) -> None:
        """Write the fields of a change to its table; the journal calls it."""
        if target == "row":
            self.rows.change(first, last, fields)
        else:
            self.pairs.change(first, fields["verdict"])

    def reading(self, job: Callable[[Reader], Events]) -> AsyncGenerator[Event, None]:
        """Run a job that only reads, in a thread."""
        return reading(self.folder / DATABASE_FILE, job)
