"""Stage 2: the task pool evolves live; what comes out is reviewed while it runs."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from studio.errors import ProjectError, StudioError
from studio.jobs.events import AttemptFailed, Event, Evolved
from studio.jobs.self_instruct_tally import InstructionTally
from studio.jobs.tally import Tally
from studio.methods.evol_prompts import OPERATIONS
from studio.session import Session
from studio.settings import Operation
from studio.store.filters import Filter
from studio.tui import evolve_settings
from studio.tui.commands import Stage
from studio.tui.dialogs.settings_form import SettingsForm
from studio.tui.entries import SHORT
from studio.tui.ink import Line, Span
from studio.tui.jobs import LASTING
from studio.tui.screens.run_stage import Run, RunStage

_REMEMBERED = "evolve.settings"


class EvolveScreen(RunStage):
    """Counts and lanes with streamed text above, generated rows below, one row's text and family tree under them."""

    stage: ClassVar[Stage] = "evolve"
    JOBS = ("evolve", "self-instruct")
    BASE = Filter(generated=True)
    EMPTY = "Nothing made yet."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        # What the files say, without what was changed here.
        self._files = session.settings

    def restore(self, place: dict[str, object]) -> None:
        super().restore(place)
        if kept := self.session.project.recall(_REMEMBERED):
            try:
                texts = evolve_settings.remembered(self._files, kept)
                self.session.runs.change_settings(evolve_settings.chosen(self._files, texts))
            except StudioError as error:
                self.studio.complain(error)

    def idle_lines(self) -> list[Line]:
        pool = f"{self.session.rows.stats()['seeds']:,} seed tasks in the pool"
        evolves, instructs = self.key("start"), self.key("self-instruct")
        told = f"{evolves} evolves them (Evol-Instruct)   {instructs} writes new ones like them (Self-Instruct)"
        return [[Span(pool, " bold"), Span(f"   {self.session.runs.model_name}", "muted")], [Span(told, "muted")]]

    # -- runs ------------------------------------------------------------------------------------

    def command_start(self) -> None:
        async def tally() -> Tally:
            return Tally(await self.session.runs.difficulty())

        session = self.session
        if self._run is not None and self.running:
            self.start(self._run)
        else:
            self.start(
                Run(
                    "evolve", "evolving", "start", session.runs.estimate, tally, session.runs.evolve,
                    lambda: session.settings.evolve.concurrency,
                )
            )  # fmt: skip

    def command_self_instruct(self) -> None:
        async def tally() -> InstructionTally:
            return InstructionTally()

        session = self.session
        self.start(
            Run(
                "self-instruct", "writing tasks", "self-instruct", session.runs.estimate_self_instruct, tally,
                session.runs.self_instruct, lambda: session.settings.self_instruct.concurrency,
            )
        )  # fmt: skip

    # -- settings and re-rolls -------------------------------------------------------------------

    def command_settings(self) -> None:
        labels = {choice.name: choice.label for choice in evolve_settings.CHOICES}
        typed = evolve_settings.texts(self.session.settings)
        told = "Enter takes it from the next request on; studio.toml stays. Esc cancels"
        self.app.push_screen(SettingsForm(labels, typed, self._apply, "Settings of this project's runs", told))

    def _apply(self, typed: dict[str, str]) -> None:
        """Raises StudioError when that cannot be."""
        self.session.runs.change_settings(evolve_settings.chosen(self._files, typed))
        self.session.project.remember(_REMEMBERED, evolve_settings.to_remember(self._files, typed))
        self._show_board()

    def command_reroll(self) -> None:
        from studio.tui.dialogs.palette import Offer, Palette

        row = self.current
        if row is None:
            return
        if row.parent is None:
            raise ProjectError(f"#{row.id} was not evolved from another row.", hint="Only those can be re-rolled.")
        last = OPERATIONS.index(row.operation) if row.operation in OPERATIONS else -1
        offers = [
            Offer(SHORT[name], "", "as before" if name == row.operation else "", partial(self._reroll, row.id, name))
            for name in (*OPERATIONS[last + 1 :], *OPERATIONS[: last + 1])
        ]
        told = f"#{row.id} once more, by which operation? ↑ ↓ choose, Enter does it, Esc closes"
        self.app.push_screen(Palette(offers, told), lambda offer: offer.run() if offer else None)

    def _reroll(self, row_id: int, operation: Operation) -> None:
        name = f"re-roll #{row_id}"
        self.studio.jobs.start(name, self.session.runs.reroll(row_id, operation), partial(self._rerolled, row_id))

    def _rerolled(self, row_id: int, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Evolved):
                made = event.made
                fate = f"eliminated: {made.rule}" if made.rule else "pending"
                operation = SHORT.get(made.operation or "", "")
                self.app.notify(f"#{event.row_id} stands beside #{row_id}, by {operation}: {fate}")
                self.reload_view()
            elif isinstance(event, AttemptFailed):
                self.app.notify(event.message, title=f"#{row_id} is not re-rolled", severity="error", timeout=LASTING)
