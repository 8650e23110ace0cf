"""Stage 2: the task pool evolves live; what comes out is reviewed while it runs."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from studio.jobs.control import Control
from studio.jobs.events import Event, Evolved, Paused
from studio.session import Session
from studio.store.filters import Filter
from studio.tui.commands import Stage
from studio.tui.ink import Line, Span
from studio.tui.jobs import LASTING
from studio.tui.lanes import Lanes
from studio.tui.screens.rows_stage import RowsStage
from studio.tui.widgets.page import Page

_MOST_LANES = 8


class EvolveScreen(RowsStage):
    """Lanes with streamed text above, generated rows with their lineage below."""

    stage: ClassVar[Stage] = "evolve"
    JOBS = ("evolve",)
    BASE = Filter(generated=True)
    EMPTY = "Nothing evolved yet: s starts."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.board = Page(id="lanes")
        self._lanes: Lanes | None = None
        self._control = Control()

    def above(self) -> ComposeResult:
        yield self.board

    def on_screen_resume(self) -> None:
        self._control.streaming = True
        self._show_lanes()

    def on_screen_suspend(self) -> None:
        # A stream costs 0.1 ms a chunk: only lanes that somebody watches stream.
        self._control.streaming = False

    @property
    def running(self) -> bool:
        return self.studio.jobs.running("evolve")

    def title_note(self) -> str:
        # While rows come in every second, the lanes count them; here the total would only cost bytes.
        return super().title_note().split("/")[0] if self.running and not self._typed else super().title_note()

    def command_start(self) -> None:
        if self.running:
            self._control.resume()
            self._show_lanes()
            return
        number = min(self.session.settings.evolve.concurrency, _MOST_LANES)
        self._lanes = Lanes(number)
        self._control = Control(streaming=True, attended=True)
        # Two lines of counts, the lanes, and the rule below.
        self.board.styles.height = number + 3
        self.studio.jobs.start("evolve", self.session.evolve(self._control), self._seen, self._ended)
        self._show_lanes()

    def command_pause(self) -> None:
        if self.running:
            if self._control.paused:
                self._control.resume()
            else:
                self._control.pause()
            self._show_lanes()

    def command_stop(self) -> None:
        if self.running:
            self._control.stop()
            self._show_lanes()

    def _seen(self, events: list[Event]) -> None:
        assert self._lanes is not None
        self._lanes.see(events)
        for event in events:
            if isinstance(event, Paused):
                self.app.notify(
                    f"{event.reason}\ns goes on", title="Paused", severity="warning", timeout=LASTING
                )
        if self.is_current:
            self._show_lanes()
            if any(isinstance(event, Evolved) for event in events):
                self.reload_view()

    def _ended(self) -> None:
        if self.is_attached:
            self._show_lanes()
            self.reload_view()
            if self._lanes is not None:
                tally = self._lanes.tally
                if tally.attempts and tally.done_before == tally.attempts:
                    told = "Nothing is left of this plan: raise rounds or limit in studio.toml, or change the seed."
                    self.app.notify(told, timeout=LASTING)
                for message, times in (tally.failures + tally.retries).most_common(3):
                    self.app.notify(message, title=f"{times} times", severity="warning", timeout=LASTING)

    def _show_lanes(self) -> None:
        self.board.show(self._lines, keep_place=True)

    def _lines(self, width: int) -> list[Line]:
        if self._lanes is None:
            counts = self.session.stats()
            model = self.session.model_name
            return [
                [Span(f"{counts['seeds']} seed tasks in the pool", " bold"), Span(f"   {model}", "muted")],
                [Span("s starts: each is rewritten, answered and judged (Evol-Instruct)", "muted")],
            ]
        if not self.running:
            tally = self._lanes.tally
            done = 0 < tally.attempts <= tally.ended
            return self._lanes.lines(width, "done" if done else "stopped", running=False)
        state = "stopping" if self._control.stopping else "paused" if self._control.paused else "evolving"
        return self._lanes.lines(width, state, running=True)
