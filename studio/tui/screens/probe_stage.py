"""The probe in the Position stage: how well a model reads each position of its input, measured and drawn."""

from __future__ import annotations

from typing import Any

from textual import work

from studio.errors import StudioError
from studio.jobs.events import Event
from studio.jobs.probe_tally import ProbeTally
from studio.jobs.runs.control import Control
from studio.methods.probe.verdict import judge
from studio.session import Session
from studio.store.probes import Probe
from studio.tui.details.curve import curve_line, curve_lines, question_of
from studio.tui.ink import Line
from studio.tui.jobs import LASTING
from studio.tui.screens.segment_stage import SegmentStage

# The whole curve stands above the rows where it takes no more than this part of the screen.
_PART = 1 / 4


class ProbeStage(SegmentStage):
    """The newest probe under the histograms, and a key that makes another one."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._probe: Probe | None = None
        self._probing: Control | None = None
        self._tally = ProbeTally()

    def restore(self, place: dict[str, object]) -> None:
        self._probe = self.session.runs.newest_probe()
        super().restore(place)

    def choose(self, **changes: Any) -> None:
        super().choose(**changes)
        if self.chosen.strategy == "inverse" and not self.session.placing.weighted(self.chosen).weights:
            self.app.notify("inverse goes by a probe, and there is none yet: b makes one. Until then it is even.")

    def on_resize(self) -> None:
        self._show_board()  # Its height goes by that of the screen.

    def _curve_lines(self, width: int) -> list[Line]:
        if self._probe is None:
            return []
        whole = curve_lines(self._probe, width)
        return whole if len(whole) <= self.size.height * _PART else [curve_line(self._probe, width)]

    @work(exclusive=True, group="probe")
    async def command_probe(self) -> None:
        """Ask whether to probe, with what it takes; while one runs, stop it."""
        from studio.tui.dialogs.questions import Confirm

        if self._probing is not None:
            self._probing.stop()
            self.app.notify("The probe stops after what is in flight; b goes on with it later.")
            return
        try:
            foretold = await self.session.runs.estimate_probe()
        except StudioError as error:
            self.studio.complain(error)
            return
        self.app.push_screen(Confirm(question_of(foretold)), lambda sure: self._ask_model() if sure else None)

    def _ask_model(self) -> None:
        self._probing, self._tally = Control(), ProbeTally()
        self.studio.jobs.start("probe", self.session.runs.probe(self._probing), self._probed, self._probing_ended)

    def _probed(self, events: list[Event]) -> None:
        tally = self._tally
        for event in events:
            tally.see(event)
        if tally.questions:
            failed = f", {tally.failed:,} failed" if tally.failed else ""
            self._progress = f"probe {tally.answered:,}/{tally.questions:,}: {tally.right:,} right{failed}"
        self.show_header()

    def _probing_ended(self) -> None:
        self._probing, self._progress = None, ""
        tally = self._tally
        for message, times in tally.failures.most_common(1):
            self.app.notify(
                f"{times:,} x {message}", title="The model did not answer", severity="warning", timeout=LASTING
            )
        if tally.ended and tally.curve is not None:
            self.app.notify(judge(tally.curve).words, title=f"Probe of {tally.model}", timeout=LASTING)
        if self.is_attached:
            self._probe = self.session.runs.newest_probe()
            self.surveyed()
            self._show_board()
            self.show_header()
