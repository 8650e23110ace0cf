"""Evolving a row's parent once more: a new row beside it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from studio.errors import ProjectError
from studio.jobs.events import Event
from studio.session.project import OpenProject
from studio.session.runs.methods import MethodRuns
from studio.settings import Operation
from studio.store.rows import StoredRow

if TYPE_CHECKING:
    from studio.jobs.runs.control import Control

METHOD = "evol-instruct"


class Rerolling:
    """An open project to evolve rows anew in."""

    def __init__(self, project: OpenProject, methods: MethodRuns) -> None:
        self._project, self._methods = project, methods

    async def reroll(
        self, row_id: int, operation: Operation | None = None, control: Control | None = None
    ) -> AsyncGenerator[Event, None]:
        """Evolve an evolved row's parent once more, with this operation or the next one.

        Its Ended event has the new row's id. Raises ProjectError when the row was not evolved.
        """
        from studio.jobs.runs.control import Control
        from studio.methods.evol_instruct.method import again

        self._project.must_write()
        stored, beside = self._evolved(row_id)
        control = control or Control()
        course, _ = await self._methods.opened(METHOD, control, spends=False)
        # Beside the rows of the run that made it, whatever the settings are now.
        course.id = course.look.run = stored.run or 0
        task = again(stored, stored.parent or 0, operation or _next_operation(beside), beside[-1].variant + 1)
        async with aclosing(self._methods.once(course, [task], control)) as events:
            async for event in events:
                yield event

    def _evolved(self, row_id: int) -> tuple[StoredRow, list[StoredRow]]:
        """A row that was evolved from another one, and what its run made in its place so far."""
        stored = self._project.rows.get(row_id)
        if (
            stored is None
            or None in (stored.parent, stored.run, stored.round, stored.root)
            or self._project.rows.get(stored.parent or 0) is None
        ):
            raise ProjectError(f"#{row_id} was not evolved from another row.")
        return stored, self._project.rows.variants(stored.run or 0, stored.round or 0, stored.root or 0)


def _next_operation(beside: list[StoredRow]) -> Operation:
    """The operation after the last one used, skipping those used before while there are others."""
    from studio.methods.evol_instruct.prompts import OPERATIONS

    used = [stored.operation for stored in beside]
    last = OPERATIONS.index(used[-1]) if used[-1] in OPERATIONS else -1
    ahead = [OPERATIONS[(last + step) % len(OPERATIONS)] for step in range(1, len(OPERATIONS) + 1)]
    return next((name for name in ahead if name not in used), ahead[0])
