"""Stage 2: the task pool evolves live; what comes out is reviewed while it runs."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import work
from textual.app import ComposeResult

from studio.errors import StudioError
from studio.jobs.control import Control
from studio.jobs.estimate import Estimate
from studio.jobs.events import AttemptFailed, Event, Evolved, Paused
from studio.jobs.tally import Tally
from studio.methods.templates import OPERATIONS
from studio.session import Session
from studio.settings import Operation
from studio.store.filters import Filter
from studio.tui import evolve_settings
from studio.tui.commands import Stage, keys_of, shown_keys
from studio.tui.entries import SHORT
from studio.tui.funnel import Standing, estimate_words, full_lines, head_lines
from studio.tui.ink import Line, Span
from studio.tui.jobs import LASTING
from studio.tui.lanes import MOST, Lanes
from studio.tui.screens.evolve_dialogs import FunnelPage, SettingsForm
from studio.tui.screens.family_stage import FamilyStage
from studio.tui.widgets.page import Page

_REMEMBERED = "evolve.settings"


class EvolveScreen(FamilyStage):
    """Counts and lanes with streamed text above, generated rows below, one row's text and family tree under them."""

    stage: ClassVar[Stage] = "evolve"
    JOBS = ("evolve",)
    BASE = Filter(generated=True)
    EMPTY = "Nothing evolved yet: s starts."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.board = Page(id="lanes")
        # What the files say, without what was changed here.
        self._files = session.settings
        self._lanes = Lanes()
        self._lanes_shown = True
        self._tally: Tally | None = None
        self._foretold: Estimate | None = None
        self._control = Control()
        self._funnel: FunnelPage | None = None

    def above(self) -> ComposeResult:
        yield self.board

    def restore(self, place: dict[str, object]) -> None:
        super().restore(place)
        if kept := self.session.recall(_REMEMBERED):
            try:
                texts = evolve_settings.remembered(self._files, kept)
                self.session.change_settings(evolve_settings.chosen(self._files, texts))
            except StudioError as error:
                self.studio.complain(error)

    def on_screen_resume(self) -> None:
        self._control.streaming = True
        self._show_board()

    def on_screen_suspend(self) -> None:
        # A stream costs 0.1 ms a chunk: only lanes that somebody watches stream.
        self._control.streaming = False

    @property
    def running(self) -> bool:
        return self.studio.jobs.running("evolve")

    def title_note(self) -> str:
        # While rows come in every second, the lanes count them; here the total would only cost bytes.
        return super().title_note().split("/")[0] if self.running and not self._typed else super().title_note()

    # -- the run ---------------------------------------------------------------------------------

    def command_start(self) -> None:
        if self.running:
            self._control.resume()
            self._show_board()
        else:
            self._foretell()

    @work(exclusive=True, group="start")
    async def _foretell(self) -> None:
        """Say what the run would take, and start it; where it costs money, once that is allowed."""
        from studio.tui.screens.dialogs import Confirm

        try:
            self._foretold = await self.session.estimate()
            before = await self.session.difficulty()
        except StudioError as error:
            self.studio.complain(error, seconds=LASTING)
            return
        start = partial(self._start, Tally(before))
        if self._foretold.usd == 0:
            start()
            return
        cap = self.session.settings.budget.usd
        capped = f"It ends at ${cap:,.2f}." if cap else f"No cap on the money is set; {self._key('settings')} sets one."
        question = f"Start? {estimate_words(self._foretold)}.\n{capped}"
        self.app.push_screen(Confirm(question), lambda sure: start() if sure else None)

    def _start(self, tally: Tally) -> None:
        self._tally = tally
        self._lanes = Lanes()
        self._control = Control(streaming=True, attended=True)
        self.studio.jobs.start("evolve", self.session.evolve(self._control), self._seen, self._ended)
        self._show_board()

    def command_pause(self) -> None:
        if self.running:
            if self._control.paused:
                self._control.resume()
            else:
                self._control.pause()
            self._show_board()

    def command_stop(self) -> None:
        if self.running:
            if self._control.stopping:
                self._control.stop_now()
            else:
                self._control.stop()
            self._show_board()

    def _seen(self, events: list[Event]) -> None:
        assert self._tally is not None
        for event in events:
            self._tally.see(event)
            if isinstance(event, Paused):
                told = f"{event.reason}\n{self._key('start')} goes on"
                self.app.notify(told, title="Paused", severity="warning", timeout=LASTING)
        self._lanes.see(events)
        if self._funnel is not None and self._funnel.is_current:
            self._funnel.again()
        if self.is_current:
            self._show_board()
            if any(isinstance(event, Evolved) for event in events):
                self.reload_view()

    def _ended(self) -> None:
        if not self.is_attached or self._tally is None:
            return
        self._show_board()
        self.reload_view()
        tally = self._tally
        if tally.attempts and tally.done_before == tally.attempts:
            told = f"Nothing is left of this plan: {self._key('settings')} raises rounds or limit."
            self.app.notify(told, timeout=LASTING)
        for message, times in tally.failures.most_common(1):
            title = f"{tally.failed} attempts failed, {times} of them so; {self._key('start')} asks again"
            self.app.notify(message, title=title, severity="warning", timeout=LASTING)

    # -- counts, lanes, funnel -------------------------------------------------------------------

    def _show_board(self) -> None:
        lanes = min(self.session.settings.evolve.concurrency, MOST) if self.running and self._lanes_shown else 0
        if lanes > len(self._lanes):
            self._lanes.grow(lanes)
        # Two lines of counts, the lanes, and the rule below.
        self.board.styles.height = lanes + 3
        self.board.show(lambda width: self._board_lines(width, lanes), keep_place=True)

    def _board_lines(self, width: int, lanes: int) -> list[Line]:
        if self._tally is not None:
            return [*head_lines(self._standing(self._tally), width), *self._lanes.lines(width)[:lanes]]
        pool = f"{self.session.stats()['seeds']:,} seed tasks in the pool"
        return [
            [Span(pool, " bold"), Span(f"   {self.session.model_name}", "muted")],
            [Span(f"{self._key('start')} starts: each is rewritten, answered and judged (Evol-Instruct)", "muted")],
        ]

    def _standing(self, tally: Tally) -> Standing:
        control = self._control
        if not self.running:
            return Standing(tally, "done" if 0 < tally.attempts <= tally.ended else "stopped", 0.0, "")
        rate = self._lanes.rate or tally.tokens / max(tally.seconds, 1.0)
        if control.stopping:
            return Standing(tally, "stopping", rate, f"{self._key('stop')} again drops what is in flight")
        if control.paused:
            why = tally.paused_for or "what is in flight is finished and kept"
            return Standing(tally, "paused", rate, f"{self._key('start')} goes on: {why}")
        foretold = "" if self._foretold is None or tally.answered else estimate_words(self._foretold)
        return Standing(tally, "evolving", rate, foretold)

    def command_lanes(self) -> None:
        self._lanes_shown = not self._lanes_shown
        self._show_board()

    @work(exclusive=True, group="funnel")
    async def command_funnel(self) -> None:
        before = self._tally or Tally(await self.session.difficulty())

        def lines(width: int) -> list[Line]:
            return full_lines(self._standing(self._tally or before), self._foretold, self.session.spent, width)

        self._funnel = FunnelPage(lines)
        self.app.push_screen(self._funnel)

    # -- settings and re-rolls -------------------------------------------------------------------

    def command_settings(self) -> None:
        self.app.push_screen(SettingsForm(evolve_settings.texts(self.session.settings), self._apply))

    def _apply(self, typed: dict[str, str]) -> None:
        """Raises StudioError when that cannot be."""
        self.session.change_settings(evolve_settings.chosen(self._files, typed))
        self.session.remember(_REMEMBERED, evolve_settings.to_remember(self._files, typed))
        self._show_board()

    def command_reroll(self) -> None:
        from studio.tui.screens.palette import Offer, Palette

        row = self.current
        if row is None:
            return
        last = OPERATIONS.index(row.operation) if row.operation in OPERATIONS else -1
        offers = [
            Offer(SHORT[name], "", "as before" if name == row.operation else "", partial(self._reroll, row.id, name))
            for name in (*OPERATIONS[last + 1 :], *OPERATIONS[: last + 1])
        ]
        told = f"#{row.id} once more, by which operation? ↑ ↓ choose, Enter does it, Esc closes"
        self.app.push_screen(Palette(offers, told), lambda offer: offer.run() if offer else None)

    def _reroll(self, row_id: int, operation: Operation) -> None:
        name = f"re-roll #{row_id}"
        self.studio.jobs.start(name, self.session.reroll(row_id, operation), partial(self._rerolled, row_id))

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

    def _key(self, command: str) -> str:
        """The key of a command, as the person has it."""
        found = next(one for one in self._commands if one.id == command)
        return shown_keys(found).split(" ")[0] if keys_of(found.keys) else command
