"""The task pool on its stage: hints about single seed tasks, its balance, what a request would show of it."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import aclosing

from studio.alpaca.rows import Sft
from studio.errors import StudioError, UsageError
from studio.jobs.events import HintsFound, PoolCounted, Progressed
from studio.methods.self_instruct.seed_tasks import HINTS, Hint, hints, next_mark
from studio.store.rows import StoredRow
from studio.tui.details.pool import balance_lines, seed_lines
from studio.tui.ink import Line
from studio.tui.screens.stage import StageScreen

# A pool of up to this many seed tasks is surveyed after each decision; a larger one on request.
_AT_ONCE = 2000
_BEAT = 1.0


class PoolPart:
    """The task pool, and hints about its seed tasks. Surveys that take long run in a thread.

    progress: of the survey. hints_came: called when the hints that a view is narrowed to are known for the first time.
    """

    def __init__(self, screen: StageScreen, hints_came: Callable[[], object]) -> None:
        self._screen, self._session, self._hints_came = screen, screen.session, hints_came
        # The hint that the view is narrowed to; "yes": rows with any hint, "": all rows.
        self._hint = ""
        self._pool: PoolCounted | None = None
        self.hints: dict[int, tuple[Hint, ...]] | None = None
        # The value of `session.changes` when the last survey of the pool began.
        self._looked: tuple[int, int] | None = None
        self._then: Callable[[PoolCounted], None] | None = None
        self.progress = ""

    # -- hints about rows ------------------------------------------------------------------------

    def asked(self, typed: str) -> tuple[str, str]:
        """The hint that a typed filter asks for ("" for none), and the filter's other words. Raises UsageError."""
        words = typed.split()
        asked = [word.removeprefix("hint:") for word in words if word.startswith("hint:")]
        if asked and asked[-1] not in ("yes", *HINTS):
            known = ", ".join(HINTS)
            raise UsageError(f"There is no hint {asked[-1]!r}.", hint=f"hint:yes, or one of {known}.")
        return asked[-1] if asked else "", " ".join(word for word in words if not word.startswith("hint:"))

    def narrow(self, hint: str) -> None:
        """Narrow the view to rows with this hint; "yes": rows with any hint, "": all rows."""
        self._hint = hint
        if hint:
            self.look()

    @property
    def narrows(self) -> bool:
        """Whether the view is narrowed to a hint."""
        return bool(self._hint)

    @property
    def waiting(self) -> bool:
        """Whether the view is narrowed to hints that are not known yet."""
        return self.narrows and self.hints is None

    def lets_through(self, ids: Sequence[int]) -> Sequence[int]:
        """Those of the rows that have the hint that the view is narrowed to."""
        if not self._hint:
            return ids
        found = self.hints or {}
        return array("q", (row for row in ids if any(self._hint in ("yes", one.rule) for one in found.get(row, ()))))

    def lines(self, row: StoredRow, width: int) -> list[Line]:
        """A row's details, with what speaks against it as a seed task."""
        known = (self.hints or {}).get(row.id, ())
        found = hints(row.row) if isinstance(row.row, Sft) else ()
        repeats = tuple(hint for hint in known if hint.rule == "near-duplicate")
        origin, near = self._session.rows.origin(row), self._session.neighbours.words(row.id)
        compared = self.hints is not None or self._few
        return seed_lines(row, origin, (*found, *repeats), width, compared=compared, near=near)

    # -- the task pool ---------------------------------------------------------------------------

    @property
    def _few(self) -> bool:
        return sum(count.n for count in self._session.rows.counts() if count.seed) <= _AT_ONCE

    def look_again(self) -> None:
        """Survey the pool again after a change of rows, if it is small."""
        if self._few:
            self.look()

    def look(self, then: Callable[[PoolCounted], None] | None = None) -> None:
        """Survey the pool in a thread unless nothing has changed since the last time. then: called with the result."""
        self._then = then or self._then
        if self._looked != self._session.project.changes:
            self._looked, self._pool = self._session.project.changes, None
            self.progress = "looking at the seed tasks" if then or self._hint else ""
            self._screen.run_worker(self._survey(), exclusive=True, group="pool")
        elif self._pool is not None:
            self._counted(self._pool)

    async def _survey(self) -> None:
        told = time.monotonic()
        try:
            async with aclosing(self._session.runs.survey_pool()) as events:
                async for event in events:
                    if isinstance(event, PoolCounted):
                        self._counted(event)
                    elif isinstance(event, HintsFound):
                        self._hinted(event)
                    elif isinstance(event, Progressed) and time.monotonic() - told >= _BEAT:
                        told = time.monotonic()
                        self.progress = f"{event.unit} {event.done:,}/{event.total:,}"
                        self._screen.show_header()
        except StudioError as error:
            self._looked = self._then = None
            self._screen.studio.complain(error)
        self.progress = ""
        self._screen.show_header()

    def _counted(self, pool: PoolCounted) -> None:
        self._pool = pool
        then, self._then = self._then, None
        if then is not None and self._screen.is_current:
            then(pool)

    def _hinted(self, event: HintsFound) -> None:
        first, self.hints = self.hints is None, event.hints
        if self._hint and first:
            self._hints_came()
        self._screen.show_detail()

    def command_pool(self) -> None:
        from studio.tui.dialogs.questions import Help

        def show(pool: PoolCounted) -> None:
            self._screen.app.push_screen(Help(lambda width: balance_lines(pool.balance, width)))

        self.look(show)

    def command_draw(self) -> None:
        self.look(self._draw)

    def _draw(self, pool: PoolCounted) -> None:
        from studio.tui.dialogs.pool import Draw

        if any(map(len, pool.seeds.values())):
            self._screen.app.push_screen(Draw(self._session, pool))
        else:
            self._screen.app.notify("The task pool is empty: t puts a row into it.")

    def command_classify(self) -> None:
        row = self._screen.selected_row()
        if row is None or not isinstance(row.row, Sft):
            self._screen.app.notify("Only sft rows are seed tasks.")
            return
        self._session.rows.classify(row.id, next_mark(row.row.instruction, row.tags, row.extras))
        self._screen.decided()
