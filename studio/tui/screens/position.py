"""Stage 4: rows with several segments: which one is gold, where it stands, where it shall stand."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import work

from studio.curate.placing.placement import MEANINGS, STRATEGIES
from studio.jobs.events import AttemptFailed, Event, Planned, Progressed
from studio.jobs.placement.entries import Entry
from studio.jobs.placement.events import GoldJudged, Placed, Placement, PlacesForeseen, RowsPlaced
from studio.jobs.runs.control import Control
from studio.session import Session
from studio.session.journal import count_of
from studio.tui import position_settings
from studio.tui.commands import Stage
from studio.tui.details import positions as details
from studio.tui.details.curve import curve_lines
from studio.tui.ink import Line
from studio.tui.jobs import LASTING
from studio.tui.position_filter import UNSURE
from studio.tui.screens.probe_stage import ProbeStage


class PositionScreen(ProbeStage):
    """Above, where gold stands over the dataset, now and then; the rows; below, the segments of one."""

    stage: ClassVar[Stage] = "position"
    JOBS = ("segments", "foresee", "place", "judge", "probe")
    EMPTY = "No row has several segments (documents, list entries, paragraphs)."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._control: Control | None = None
        self._asked = self._answered = 0

    # -- how rows are placed ---------------------------------------------------------------------

    def command_strategy(self) -> None:
        from studio.tui.dialogs.palette import Offer, Palette

        others = [name for name in STRATEGIES if name != self.chosen.strategy]
        offers = [
            Offer(name, "", MEANINGS[name], partial(self.choose, strategy=name))
            for name in (self.chosen.strategy, *others)
        ]
        told = "Where shall gold go? ↑ ↓ choose, Enter does it, Esc closes"
        self.app.push_screen(Palette(offers, told), lambda offer: offer.run() if offer else None)

    def command_options(self) -> None:
        from studio.tui.dialogs.settings_form import SettingsForm

        form = SettingsForm(
            {choice.name: choice.label for choice in position_settings.CHOICES},
            position_settings.texts(self.chosen),
            lambda typed: self.choose(**position_settings.chosen(typed)),
            f"How rows are placed ({self.chosen.strategy})",
            position_settings.TOLD,
        )
        self.app.push_screen(form)

    def command_review(self) -> None:
        if self._typed != UNSURE and self.foreseen is not None and self.foreseen.states["unsure"] == 0:
            self.app.notify("No row's gold segment is unsure.")
            return
        self.filtered("" if self._typed == UNSURE else UNSURE)

    # -- placing ---------------------------------------------------------------------------------

    def command_place(self) -> None:
        row, chosen = self.current, self.chosen
        if len(self.marked) > 1:
            self._preview(sorted(self.marked), f"the {count_of(len(self.marked))} marked")
        elif self.marked:
            self._place(sorted(self.marked))
        elif row is not None and (chosen.variants or chosen.distractors):
            self._place([row.id])
        elif row is not None:
            if self.session.placing.place_one(row.id, self.target(row.id), chosen):
                self.decided()
            else:
                self.app.notify(f"#{row.id} stays as it is: {self._why_it_stays()}")
            self.move_to(self.list.cursor + 1)

    def _why_it_stays(self) -> str:
        if (entry := self.entry) and entry.state(self.threshold) == "unsure":
            return "its gold segment is unsure; m marks it"
        return f"{self.chosen.strategy} has nothing to change"

    def command_place_all(self) -> None:
        if self._typed:
            self._preview(list(self._window.ids), f"{count_of(len(self))} of {self._typed}")
        else:
            self._preview(None, f"all {count_of(len(self))}")

    @work(exclusive=True, group="preview")
    async def _preview(self, ids: list[int] | None, which: str) -> None:
        """Place these rows, None for all, after a look at what comes of it."""
        from studio.tui.dialogs.fix_preview import FixPreview

        chosen, foreseen = self.chosen, self.foreseen
        if ids is not None:
            async for event in self.session.placing.foresee(self.survey, chosen, frozenset(ids)):
                foreseen = event if isinstance(event, PlacesForeseen) else foreseen
        if foreseen is None:
            return
        found = foreseen
        move = "" if found.moving is None or chosen.variants else f" The gold of {count_of(found.moving)} moves."
        question = f"Place {which}: {details.wish_words(chosen)}?{move}"
        preview = FixPreview(question, lambda width: details.figures_lines(found, chosen, width))
        self.app.push_screen(preview, lambda sure: self._place(ids) if sure else None)

    def _place(self, ids: list[int] | None) -> None:
        # Where gold stands elsewhere is known here, so that a few rows need no look at a million.
        standing = None if ids is None else self.survey.standing(set(ids), self.threshold)
        events = self.session.placing.place(self.chosen, ids, standing=standing)
        self.studio.jobs.start("place", events, self._placing, self._placed)

    def _placing(self, events: list[Event]) -> None:
        known: dict[int, Entry] = {}
        for event in events:
            if isinstance(event, Progressed):
                self._progress = f"{event.unit} {event.done:,}/{event.total:,}"
            elif isinstance(event, RowsPlaced):
                known |= {one.row_id: entry for one in event.placements if (entry := self._entry_of(one))}
            elif isinstance(event, Placed):
                left = sum(one.rows for one in event.left.values())
                made = f"{event.variants:,} variants made" if self.chosen.variants else f"placed {count_of(event.rows)}"
                stay = f", {left:,} stay as they are" if left else ""
                self.studio.notify(f"{made}{stay}; u takes it back")
        self.note(known)
        self.list.repaint()
        self.show_header()

    def _entry_of(self, placed: Placement) -> Entry | None:
        """What the survey would say of a row that was just placed."""
        index = self.survey.index_of(placed.row_id)
        if index is None:
            return None
        return self.survey.at(index)._replace(
            gold=placed.gold_after, segments=placed.segments, placed=placed.plan is not None
        )

    def _placed(self) -> None:
        self._progress = ""
        self.marked.clear()
        if self.is_attached:
            self.decided()

    def command_figures(self) -> None:
        from studio.tui.dialogs.questions import Help

        self.app.push_screen(Help(self._figures))

    def _figures(self, width: int) -> list[Line]:
        if self.foreseen is None:
            return []
        return [*details.figures_lines(self.foreseen, self.chosen, width), [], *curve_lines(self._probe, width)]

    # -- the judge -------------------------------------------------------------------------------

    def command_consult(self) -> None:
        from studio.tui.dialogs.questions import Confirm

        if self._control is not None:
            self._control.stop()
            self.app.notify("The judge stops after what is in flight.")
            return
        if self.foreseen is None:
            self.app.notify("The rows are being counted.")
            return
        ids = sorted(self.marked) or None
        unsure = self.foreseen.states["unsure"]
        n = unsure if ids is None else min(unsure, len(ids))
        if n == 0:
            self.app.notify("Every row's gold segment is known: there is nothing to ask.")
            return
        question = (
            f"Which segment is gold in {count_of(n)} that no rule is sure of?\nAsk {self.session.runs.judge_name}?"
        )
        self.app.push_screen(Confirm(question), lambda sure: self._consult(ids) if sure else None)

    def _consult(self, ids: list[int] | None) -> None:
        self._control, self._answered = Control(), 0
        events = self.session.runs.judge_gold(self._control, ids, self.threshold)
        self.studio.jobs.start("judge", events, self._judged, self._judging_ended)

    def _judged(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Progressed):
                self._progress = f"looked at {event.done:,}/{event.total:,}"
            elif isinstance(event, Planned):
                self._asked = event.attempts
            elif isinstance(event, GoldJudged | AttemptFailed):
                self._answered += 1
            if isinstance(event, AttemptFailed):
                self.app.notify(event.message, title="The judge did not answer", severity="warning", timeout=LASTING)
        if self._asked:
            self._progress = f"judged {self._answered:,}/{self._asked:,}"
        if self.is_current and any(isinstance(event, GoldJudged) for event in events):
            self.refresh_view()
        self.show_header()

    def _judging_ended(self) -> None:
        if self.is_attached:
            self.app.notify(f"the judge answered for {count_of(self._answered)}; u takes it back")
            self._control, self._progress, self._asked = None, "", 0
            self.decided()
