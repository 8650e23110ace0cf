"""The board above the rows: a run of a method with its counts and lanes, start, pause, stop, the funnel, what waits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from studio.errors import StudioError
from studio.jobs.events import Ended, Event, Paused
from studio.jobs.runs.control import Control
from studio.jobs.runs.estimate import Estimate
from studio.jobs.runs.tally import RunTally
from studio.methods import registry
from studio.methods.asking import Method
from studio.tui.details.funnel import Standing, estimate_words, full_lines, head_lines
from studio.tui.dialogs.funnel import FunnelPage
from studio.tui.ink import Line
from studio.tui.jobs import LASTING
from studio.tui.lanes import MOST, Lanes
from studio.tui.screens.rows_stage import RowsStage
from studio.tui.widgets.page import Page

_METHOD = "evolve.method"


def job_of(method: Method) -> str:
    """What a run of a method is called among the jobs: as its section, which is shorter than its name."""
    return method.section.replace("_", "-")


class RunBoard:
    """One run of a method at a time; others wait. method: the name of the one that start goes on with.

    idle: what stands there before the first run. key: the key of a command.
    """

    def __init__(self, screen: RowsStage, idle: Callable[[], list[Line]], key: Callable[[str], str]) -> None:
        self.method = "evol-instruct"
        self.page = Page(id="lanes")
        self._screen, self._session, self._idle, self._key = screen, screen.session, idle, key
        self._lanes = Lanes()
        self._lanes_shown = True
        # Of the run that goes on, or went on last.
        self._tally: RunTally | None = None
        self._foretold: Estimate | None = None
        self._control = Control()
        self._funnel: FunnelPage | None = None

    def restore(self) -> None:
        """Go on with the method that was started last."""
        if (name := self._session.project.recall(_METHOD)) in registry.entries():
            self.method = name

    @property
    def running(self) -> bool:
        return self._tally is not None and self._screen.studio.jobs.running(job_of(self._tally.method))

    def watched(self, yes: bool) -> None:
        """Whether somebody looks: a stream costs 0.1 ms a chunk, so only lanes that somebody watches stream."""
        self._control.streaming = yes
        if yes:
            self.show()

    def note(self) -> str:
        """How the method that start goes on with stands, in a word; "" when it did not run."""
        if self._tally is None or self._tally.method.name != self.method:
            return ""
        return self._standing(self._tally).state

    # -- the run ---------------------------------------------------------------------------------

    def command_start(self) -> None:
        self.start(self.method)

    def start(self, name: str) -> None:
        """Start a method, or go on with it; where it costs money, after a question. While another asks, it waits."""
        self.method = name
        self._session.project.remember(_METHOD, name)
        if self.running and self._tally is not None and self._tally.method.name == name:
            self._control.resume()
            self.show()
        else:
            self._screen.run_worker(self._foretell(name), exclusive=True, group="start")

    async def _foretell(self, name: str) -> None:
        from studio.tui.dialogs.questions import Confirm

        runs, screen = self._session.runs, self._screen
        try:
            foretold, tally = await runs.estimate(name), await runs.tally(name)
        except StudioError as error:
            screen.studio.complain(error, seconds=LASTING)
            return

        def begin() -> None:
            screen.studio.jobs.ask(job_of(tally.method), partial(self._begin, tally, foretold))
            self.show()

        if foretold.usd == 0:
            begin()
            return
        cap = self._session.settings.budget.usd
        capped = f"It ends at ${cap:,.2f}." if cap else f"No cap on the money is set; {self._key('settings')} sets one."
        question = f"Start? {estimate_words(foretold, tally.method.unit)}.\n{capped}"
        screen.app.push_screen(Confirm(question), lambda sure: begin() if sure else None)

    def _begin(self, tally: RunTally, foretold: Estimate) -> None:
        self._tally, self._foretold = tally, foretold
        self._lanes = Lanes()
        self._control = Control(streaming=self._screen.is_current, attended=True)
        events = self._session.runs.run(tally.method.name, self._control)
        seen, ended = partial(self._seen, tally), partial(self._ended, tally)
        self._screen.studio.jobs.start(job_of(tally.method), events, seen, ended)
        self.show()

    def command_pause(self) -> None:
        if self.running:
            if self._control.paused:
                self._control.resume()
            else:
                self._control.pause()
            self.show()

    def command_stop(self) -> None:
        if self.running:
            if self._control.stopping:
                self._control.stop_now()
            else:
                self._control.stop()
            self.show()

    def _seen(self, tally: RunTally, events: list[Event]) -> None:
        for event in events:
            tally.see(event)
            if isinstance(event, Paused):
                told = f"{event.reason}\n{self._key('start')} in {self._screen.stage.capitalize()} goes on"
                self._screen.app.notify(told, title="Paused", severity="warning", timeout=LASTING)
        self._lanes.see(events)
        if self._funnel is not None and self._funnel.is_current:
            self._funnel.again()
        if self._screen.is_current:
            self.show()
            if any(isinstance(event, Ended) for event in events):
                self._screen.reload_view()

    def _ended(self, tally: RunTally) -> None:
        screen = self._screen
        if not screen.is_attached:
            return
        self.show()
        screen.reload_view()
        if 0 < tally.attempts <= tally.ended and not tally.answered and not tally.failed:
            told = f"Nothing is left of this plan; {self._key('settings')} raises what it aims at."
            screen.app.notify(told, timeout=LASTING)
        if tally.gave_up:
            screen.app.notify(tally.gave_up, title="It has given up", severity="warning", timeout=LASTING)
        for message, times in tally.failures.most_common(1):
            title = f"{tally.failed} attempts failed, {times} of them so; {self._key('start')} asks again"
            screen.app.notify(message, title=title, severity="warning", timeout=LASTING)

    # -- counts, lanes, funnel -------------------------------------------------------------------

    def show(self) -> None:
        """Paint it anew."""
        lanes = min(self._control.concurrency, MOST) if self.running and self._lanes_shown else 0
        if lanes > len(self._lanes):
            self._lanes.grow(lanes)
        # Two lines of counts, the lanes, and the rule below.
        self.page.styles.height = lanes + 3
        self.page.show(lambda width: self._lines(width, lanes), keep_place=True)

    def _lines(self, width: int, lanes: int) -> list[Line]:
        if self._tally is None:
            return self._idle()
        return [*head_lines(self._standing(self._tally), width), *self._lanes.lines(width)[:lanes]]

    def _standing(self, tally: RunTally) -> Standing:
        control, waiting = self._control, self._screen.studio.jobs.waiting
        then = f"then: {', '.join(waiting)}" if waiting else ""
        if not self.running or tally is not self._tally:
            state = "done" if 0 < tally.attempts <= tally.ended else "stopped" if tally is self._tally else "idle"
            return Standing(tally, state, 0.0, then)
        rate = self._lanes.rate or tally.tokens / max(tally.seconds, 1.0)
        if control.stopping:
            return Standing(tally, "stopping", rate, f"{self._key('stop')} again drops what is in flight")
        if control.paused:
            why = tally.paused_for or "what is in flight is finished and kept"
            return Standing(tally, "paused", rate, f"{self._key('start')} goes on: {why}")
        unit = tally.method.unit
        foretold = "" if self._foretold is None or tally.answered else estimate_words(self._foretold, unit)
        return Standing(tally, tally.method.doing, rate, foretold or then)

    def command_lanes(self) -> None:
        self._lanes_shown = not self._lanes_shown
        self.show()

    def command_funnel(self) -> None:
        self._screen.run_worker(self._open_funnel(), exclusive=True, group="funnel")

    async def _open_funnel(self) -> None:
        before = self._tally or await self._session.runs.tally(self.method)

        def lines(width: int) -> list[Line]:
            return full_lines(self._standing(self._tally or before), self._foretold, self._session.runs.spent, width)

        self._funnel = FunnelPage(lines)
        self._screen.app.push_screen(self._funnel)
