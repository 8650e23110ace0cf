"""A stage where methods run: counts and lanes above the rows, start, pause, stop, the funnel."""

from __future__ import annotations

from functools import partial

from textual import work
from textual.app import ComposeResult

from studio.errors import StudioError
from studio.jobs.events import Ended, Event, Paused
from studio.jobs.runs.control import Control
from studio.jobs.runs.estimate import Estimate
from studio.jobs.runs.tally import RunTally
from studio.session import Session
from studio.tui.commands import keys_of, shown_keys
from studio.tui.details.funnel import Standing, estimate_words, full_lines, head_lines
from studio.tui.dialogs.funnel import FunnelPage
from studio.tui.ink import Line
from studio.tui.jobs import LASTING
from studio.tui.lanes import MOST, Lanes
from studio.tui.parts.family import FamilyPage
from studio.tui.screens.rows_stage import RowsStage
from studio.tui.widgets.page import Page


class RunStage(RowsStage):
    """One run of a method at a time, others wait; the page shows a row with its family tree. method: the name of the
    one that start goes on with.
    """

    method = "evol-instruct"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.board = Page(id="lanes")
        self.family = FamilyPage(self, self.lines, lambda row_id: row_id in self._entries.ids)
        self.parts = (self.family,)
        self._lanes = Lanes()
        self._lanes_shown = True
        # Of the run that goes on, or went on last.
        self._tally: RunTally | None = None
        self._foretold: Estimate | None = None
        self._control = Control()
        self._funnel: FunnelPage | None = None

    def above(self) -> ComposeResult:
        yield self.board

    def restore(self, place: dict[str, object]) -> None:
        self.family.restore(place)
        super().restore(place)

    def place(self) -> dict[str, object]:
        return {**super().place(), **self.family.place()}

    def show_detail(self) -> None:
        if row := self.current:
            self.family.show(row)
        else:
            super().show_detail()

    def on_screen_resume(self) -> None:
        self._control.streaming = True
        self._show_board()

    def on_screen_suspend(self) -> None:
        # A stream costs 0.1 ms a chunk: only lanes that somebody watches stream.
        self._control.streaming = False

    @property
    def running(self) -> bool:
        return self._tally is not None and self.studio.jobs.running(self._tally.method.name)

    def title_note(self) -> str:
        # While rows come in every second, the lanes count them; here the total would only cost bytes.
        return super().title_note().split("/")[0] if self.running and not self._typed else super().title_note()

    def idle_lines(self) -> list[Line]:
        """What stands above the rows before the first run."""
        return []

    # -- the run ---------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Start a method, or go on with it; where it costs money, after a question. While another one asks, it waits."""
        self.method = name
        if self.running and self._tally is not None and self._tally.method.name == name:
            self._control.resume()
            self._show_board()
        elif self.running or self.studio.jobs.waiting:
            self.studio.jobs.ask(name, partial(self._foretell, name))
            self._show_board()
        else:
            self._foretell(name)

    @work(exclusive=True, group="start")
    async def _foretell(self, name: str) -> None:
        from studio.tui.dialogs.questions import Confirm

        runs = self.session.runs
        try:
            foretold, tally = await runs.estimate(name), await runs.tally(name)
        except StudioError as error:
            self.studio.complain(error, seconds=LASTING)
            return
        begin = partial(self.studio.jobs.ask, name, partial(self._begin, tally, foretold))
        if foretold.usd == 0:
            begin()
            return
        cap = self.session.settings.budget.usd
        capped = f"It ends at ${cap:,.2f}." if cap else f"No cap on the money is set; {self.key('settings')} sets one."
        question = f"Start? {estimate_words(foretold, tally.method.unit)}.\n{capped}"
        self.app.push_screen(Confirm(question), lambda sure: begin() if sure else None)

    def _begin(self, tally: RunTally, foretold: Estimate) -> None:
        self._tally, self._foretold = tally, foretold
        self._lanes = Lanes()
        self._control = Control(streaming=self.is_current, attended=True)
        name = tally.method.name
        seen, ended = partial(self._seen, tally), partial(self._ended, tally)
        self.studio.jobs.start(name, self.session.runs.run(name, self._control), seen, ended)
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

    def _seen(self, tally: RunTally, events: list[Event]) -> None:
        for event in events:
            tally.see(event)
            if isinstance(event, Paused):
                told = f"{event.reason}\n{self.key('start')} in {self.stage.capitalize()} goes on"
                self.app.notify(told, title="Paused", severity="warning", timeout=LASTING)
        self._lanes.see(events)
        if self._funnel is not None and self._funnel.is_current:
            self._funnel.again()
        if self.is_current:
            self._show_board()
            if any(isinstance(event, Ended) for event in events):
                self.reload_view()

    def _ended(self, tally: RunTally) -> None:
        if not self.is_attached:
            return
        self._show_board()
        self.reload_view()
        if 0 < tally.attempts <= tally.ended and not tally.answered and not tally.failed:
            told = f"Nothing is left of this plan; {self.key('settings')} raises what it aims at."
            self.app.notify(told, timeout=LASTING)
        if tally.gave_up:
            self.app.notify(tally.gave_up, title="It has given up", severity="warning", timeout=LASTING)
        for message, times in tally.failures.most_common(1):
            title = f"{tally.failed} attempts failed, {times} of them so; {self.key('start')} asks again"
            self.app.notify(message, title=title, severity="warning", timeout=LASTING)

    # -- counts, lanes, funnel -------------------------------------------------------------------

    def _show_board(self) -> None:
        lanes = min(self._control.concurrency, MOST) if self.running and self._lanes_shown else 0
        if lanes > len(self._lanes):
            self._lanes.grow(lanes)
        # Two lines of counts, the lanes, and the rule below.
        self.board.styles.height = lanes + 3
        self.board.show(lambda width: self._board_lines(width, lanes), keep_place=True)

    def _board_lines(self, width: int, lanes: int) -> list[Line]:
        if self._tally is None:
            return self.idle_lines()
        return [*head_lines(self._standing(self._tally), width), *self._lanes.lines(width)[:lanes]]

    def _standing(self, tally: RunTally) -> Standing:
        control = self._control
        waiting = self.studio.jobs.waiting
        then = f"then: {', '.join(waiting)}" if waiting else ""
        if not self.running or tally is not self._tally:
            state = "done" if 0 < tally.attempts <= tally.ended else "stopped" if tally is self._tally else "idle"
            return Standing(tally, state, 0.0, then)
        rate = self._lanes.rate or tally.tokens / max(tally.seconds, 1.0)
        if control.stopping:
            return Standing(tally, "stopping", rate, f"{self.key('stop')} again drops what is in flight")
        if control.paused:
            why = tally.paused_for or "what is in flight is finished and kept"
            return Standing(tally, "paused", rate, f"{self.key('start')} goes on: {why}")
        unit = tally.method.unit
        foretold = "" if self._foretold is None or tally.answered else estimate_words(self._foretold, unit)
        return Standing(tally, tally.method.doing, rate, foretold or then)

    def command_lanes(self) -> None:
        self._lanes_shown = not self._lanes_shown
        self._show_board()

    @work(exclusive=True, group="funnel")
    async def command_funnel(self) -> None:
        before = self._tally or await self.session.runs.tally(self.method)

        def lines(width: int) -> list[Line]:
            return full_lines(self._standing(self._tally or before), self._foretold, self.session.runs.spent, width)

        self._funnel = FunnelPage(lines)
        self.app.push_screen(self._funnel)

    def key(self, command: str) -> str:
        """The key of a command, as the person has it."""
        found = next(one for one in self._commands if one.id == command)
        return shown_keys(found).split(" ")[0] if keys_of(found.keys) else command
