"""The task pool on its stage: hints about single seed tasks, its balance, what a request would show of it."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import ClassVar

from textual import work

from studio.alpaca.rows import Sft
from studio.errors import StudioError, UsageError
from studio.jobs.events import HintsFound, PoolCounted, Progressed
from studio.methods.self_instruct.seed_tasks import HINTS, Hint, hints, next_mark
from studio.session import Session
from studio.store.filters import Filter, parse
from studio.store.rows import StoredRow
from studio.tui.details.pool import balance_lines, seed_lines
from studio.tui.ink import Line
from studio.tui.screens.rows_stage import RowsStage

# A pool this small is looked at again after each decision; a larger one when somebody asks.
_AT_ONCE = 2000
_BEAT = 1.0


class PoolStage(RowsStage):
    """A view of rows that knows the task pool. What takes long is looked at in a thread."""

    MORE: ClassVar[str] = ", hint:yes"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        # The hint that the view is narrowed to, "yes" for any, "" for rows with and without.
        self._hint = ""
        self._pool: PoolCounted | None = None
        self._hints: dict[int, tuple[Hint, ...]] | None = None
        # What `session.changes` was when the pool was last looked at, or is being looked at.
        self._looked: tuple[int, int] | None = None
        self._then: Callable[[PoolCounted], None] | None = None
        self._progress = ""
        # The row to show once the hints that a view is narrowed to are there.
        self._wanted = 1

    # -- the view --------------------------------------------------------------------------------

    def restore(self, place: dict[str, object]) -> None:
        super().restore(place)
        # After the first paint.
        self.call_after_refresh(self._look_again)

    def meant(self, typed: str) -> Filter:
        words = typed.split()
        asked = [word.removeprefix("hint:") for word in words if word.startswith("hint:")]
        if asked and asked[-1] not in ("yes", *HINTS):
            known = ", ".join(HINTS)
            raise UsageError(f"There is no hint {asked[-1]!r}.", hint=f"hint:yes, or one of {known}.")
        filter = parse(" ".join(word for word in words if not word.startswith("hint:")), self.BASE)
        self._hint = asked[-1] if asked else ""
        if self._hint:
            self._look()
        return filter

    def beginning(self, row_id: int, n: int) -> Sequence[int]:
        self._wanted = row_id
        return [] if self._hint else super().beginning(row_id, n)

    async def view(self) -> Sequence[int]:
        ids = await super().view()
        if not self._hint:
            return ids
        found = self._hints or {}
        return array("q", (row for row in ids if any(self._hint in ("yes", one.rule) for one in found.get(row, ()))))

    def nothing(self) -> str:
        return "Looking at the seed tasks…" if self._hint and self._hints is None else super().nothing()

    def refresh_view(self) -> None:
        super().refresh_view()
        self._look_again()

    def reload_view(self) -> None:
        super().reload_view()
        self._look_again()

    def lines(self, row: StoredRow, width: int) -> list[Line]:
        known = (self._hints or {}).get(row.id, ())
        found = hints(row.row) if isinstance(row.row, Sft) else ()
        repeats = tuple(hint for hint in known if hint.rule == "near-duplicate")
        compared = self._hints is not None or self._few
        near = self.session.neighbours.words(row.id)
        return seed_lines(row, self.session.rows.origin(row), (*found, *repeats), width, compared=compared, near=near)

    def title_note(self) -> str:
        return self._progress or super().title_note()

    # -- the task pool ---------------------------------------------------------------------------

    @property
    def _few(self) -> bool:
        return sum(count.n for count in self.session.rows.counts() if count.seed) <= _AT_ONCE

    def _look_again(self) -> None:
        if self._few:
            self._look()

    def _look(self, then: Callable[[PoolCounted], None] | None = None) -> None:
        """Look at the pool in a thread unless it is as it was; then is told its balance."""
        self._then = then or self._then
        if self._looked != self.session.project.changes:
            self._looked, self._pool = self.session.project.changes, None
            self._progress = "looking at the seed tasks" if then or self._hint else ""
            self._survey()
        elif self._pool is not None:
            self._counted(self._pool)

    @work(exclusive=True, group="pool")
    async def _survey(self) -> None:
        told = time.monotonic()
        try:
            async with aclosing(self.session.runs.survey_pool()) as events:
                async for event in events:
                    if isinstance(event, PoolCounted):
                        self._counted(event)
                    elif isinstance(event, HintsFound):
                        self._hinted(event)
                    elif isinstance(event, Progressed) and time.monotonic() - told >= _BEAT:
                        told = time.monotonic()
                        self._progress = f"{event.unit} {event.done:,}/{event.total:,}"
                        self.show_header()
        except StudioError as error:
            self._looked = self._then = None
            self.studio.complain(error)
        self._progress = ""
        self.show_header()

    def _counted(self, pool: PoolCounted) -> None:
        self._pool = pool
        then, self._then = self._then, None
        if then is not None and self.is_current:
            then(pool)

    def _hinted(self, event: HintsFound) -> None:
        first, self._hints = self._hints is None, event.hints
        if self._hint and first:
            self._load_view(self._wanted)
        self.show_detail()

    def command_pool(self) -> None:
        from studio.tui.dialogs.questions import Help

        def show(pool: PoolCounted) -> None:
            self.app.push_screen(Help(lambda width: balance_lines(pool.balance, width)))

        self._look(show)

    def command_draw(self) -> None:
        self._look(self._draw)

    def _draw(self, pool: PoolCounted) -> None:
        from studio.tui.dialogs.pool import Draw

        if any(map(len, pool.seeds.values())):
            self.app.push_screen(Draw(self.session, pool))
        else:
            self.app.notify("The task pool is empty: t puts a row into it.")

    def command_hints(self) -> None:
        others = [word for word in self._typed.split() if not word.startswith("hint:")]
        self._filtered(" ".join(others if self._hint else [*others, "hint:yes"]))

    def command_classify(self) -> None:
        row = self.current
        if row is None or not isinstance(row.row, Sft):
            self.app.notify("Only sft rows are seed tasks.")
            return
        self.session.rows.classify(row.id, next_mark(row.row.instruction, row.tags, row.extras))
        self.decided()
