"""The probe in the Position stage: how well a model reads each position of its input, measured and drawn."""

from __future__ import annotations

from collections.abc import Callable

from studio.errors import StudioError
from studio.jobs.events import Event
from studio.jobs.runs.control import Control
from studio.methods.probe.verdict import judge
from studio.session.runs.probe_tally import ProbeTally
from studio.session.runs.probing import Probe
from studio.tui.details.curve import curve_line, curve_lines, question_of
from studio.tui.ink import Line
from studio.tui.jobs import LASTING
from studio.tui.parts.survey import SurveyView
from studio.tui.screens.stage import StageScreen

# The whole curve is shown when it takes no more than this part of the screen's height; else one line of it.
_PART = 1 / 4


class ProbePart:
    """The newest probe, and a key that makes another one. rows: the view that shows progress. told: called at its
    end.
    """

    def __init__(self, screen: StageScreen, rows: SurveyView, told: Callable[[], None]) -> None:
        self._screen, self._session, self._rows, self._told = screen, screen.session, rows, told
        self.newest: Probe | None = None
        self._probing: Control | None = None
        self._tally = ProbeTally()

    def restore(self) -> None:
        """Look for the newest probe."""
        self.newest = self._session.runs.newest_probe()

    def lines(self, width: int) -> list[Line]:
        """The curve of the newest probe, as much of it as there is room for."""
        if self.newest is None:
            return []
        whole = curve_lines(self.newest, width)
        return whole if len(whole) <= self._screen.size.height * _PART else [curve_line(self.newest, width)]

    def command_probe(self) -> None:
        """Ask whether to probe, with what it takes; while one runs, stop it."""
        self._screen.run_worker(self._ask(), exclusive=True, group="probe")

    async def _ask(self) -> None:
        from studio.tui.dialogs.questions import Confirm

        if self._probing is not None:
            self._probing.stop()
            self._screen.app.notify("The probe stops after what is in flight; b goes on with it later.")
            return
        try:
            foretold = await self._session.runs.estimate_probe()
        except StudioError as error:
            self._screen.studio.complain(error)
            return
        self._screen.app.push_screen(Confirm(question_of(foretold)), lambda sure: self._ask_model() if sure else None)

    def _ask_model(self) -> None:
        self._screen.studio.jobs.ask("probe", self._start)

    def _start(self) -> None:
        self._probing, self._tally = Control(), ProbeTally()
        self._screen.studio.jobs.start(
            "probe", self._session.runs.probe(self._probing), self._probed, self._probing_ended
        )

    def _probed(self, events: list[Event]) -> None:
        tally = self._tally
        for event in events:
            tally.see(event)
        if tally.questions:
            failed = f", {tally.failed:,} failed" if tally.failed else ""
            self._rows.progress = f"probe {tally.all_answered:,}/{tally.questions:,}: {tally.right:,} right{failed}"
        self._screen.show_header()

    def _probing_ended(self) -> None:
        self._probing, self._rows.progress = None, ""
        tally = self._tally
        for message, times in tally.failures.most_common(1):
            self._screen.app.notify(
                f"{times:,} x {message}", title="The model did not answer", severity="warning", timeout=LASTING
            )
        if tally.through and tally.curve is not None:
            self._screen.app.notify(judge(tally.curve).words, title=f"Probe of {tally.model}", timeout=LASTING)
        if self._screen.is_attached:
            self.restore()
            self._told()
            self._screen.show_header()
