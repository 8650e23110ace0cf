"""Asking a model which segment is gold, in rows of which no rule is sure."""

from __future__ import annotations

from studio.jobs.events import AttemptFailed, Ended, Event, Planned, Progressed
from studio.jobs.runs.control import Control
from studio.session.journal import count_of
from studio.tui.jobs import LASTING
from studio.tui.parts.placing_plan import PlacingPlan
from studio.tui.screens.stage import StageScreen


class GoldJudge:
    """What the key that asks the judge does."""

    def __init__(self, screen: StageScreen, plan: PlacingPlan) -> None:
        self._screen, self._session, self._plan, self._rows = screen, screen.session, plan, plan.rows
        self._control: Control | None = None
        self._asked = self._answered = 0

    @property
    def asking(self) -> bool:
        """Whether the judge is being asked."""
        return self._control is not None

    def command_consult(self) -> None:
        from studio.tui.dialogs.questions import Confirm

        if self._control is not None:
            self._control.stop()
            self._screen.app.notify("The judge stops after what is in flight.")
            return
        if self._plan.foreseen is None:
            self._screen.app.notify("The rows are being counted.")
            return
        ids = sorted(self._rows.marked) or None
        unsure = self._plan.foreseen.states["unsure"]
        n = unsure if ids is None else min(unsure, len(ids))
        if n == 0:
            self._screen.app.notify("Every row's gold segment is known: there is nothing to ask.")
            return
        question = (
            f"Which segment is gold in {count_of(n)} that no rule is sure of?\nAsk {self._session.runs.judge_name}?"
        )
        self._screen.app.push_screen(Confirm(question), lambda sure: self._consult(ids) if sure else None)

    def _consult(self, ids: list[int] | None) -> None:
        self._screen.studio.jobs.ask("judge", lambda: self._start(ids))

    def _start(self, ids: list[int] | None) -> None:
        self._control, self._answered = Control(), 0
        events = self._session.runs.judge_gold(self._control, ids, self._rows.threshold)
        self._screen.studio.jobs.start("judge", events, self._judged, self._judging_ended)

    def _judged(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Progressed):
                self._rows.progress = f"looked at {event.done:,}/{event.total:,}"
            elif isinstance(event, Planned):
                self._asked = event.attempts
            elif isinstance(event, AttemptFailed) or (isinstance(event, Ended) and not event.result.left):
                self._answered += 1
            if isinstance(event, AttemptFailed):
                self._screen.app.notify(
                    event.message, title="The judge did not answer", severity="warning", timeout=LASTING
                )
        if self._asked:
            self._rows.progress = f"judged {self._answered:,}/{self._asked:,}"
        if self._screen.is_current and any(isinstance(event, Ended) for event in events):
            self._screen.refresh_view()
        self._screen.show_header()

    def _judging_ended(self) -> None:
        if self._screen.is_attached:
            self._screen.app.notify(f"the judge answered for {count_of(self._answered)}; u takes it back")
            self._control, self._rows.progress, self._asked = None, "", 0
            self._screen.decided()
