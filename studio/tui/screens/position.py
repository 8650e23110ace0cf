"""Stage 4: rows with several segments: which one is gold, where it stands, where it shall stand."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import work
from textual.app import ComposeResult

from studio.curate.placing.placement import MEANINGS, STRATEGIES
from studio.jobs.events import Event, Progressed
from studio.jobs.placement.entries import Entry
from studio.jobs.placement.events import Placed, Placement, PlacesForeseen, RowsPlaced
from studio.session import Session
from studio.session.journal import count_of
from studio.store.rows import StoredRow
from studio.tui import position_settings
from studio.tui.commands import Stage
from studio.tui.details import positions as details
from studio.tui.details.curve import curve_lines
from studio.tui.ink import Line
from studio.tui.parts.gold_judge import GoldJudge
from studio.tui.parts.placing_plan import PlacingPlan
from studio.tui.parts.probe import ProbePart
from studio.tui.parts.segments import SegmentPage
from studio.tui.parts.survey import SurveyView
from studio.tui.position_filter import UNSURE
from studio.tui.screens.stage import StageScreen


class PositionScreen(StageScreen):
    """Above, where gold stands over the dataset, now and then; the rows; below, the segments of one."""

    stage: ClassVar[Stage] = "position"
    JOBS = ("segments", "foresee", "place", "judge", "probe")
    EMPTY = SurveyView.EMPTY

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.plan = PlacingPlan(self, lambda width: self.probe.lines(width))
        self.rows = self.plan.rows
        self.probe = ProbePart(self, self.rows, self._probed)
        self.judge = GoldJudge(self, self.plan)
        self._segments = SegmentPage(self, self.plan)
        self.parts = (self.rows, self._segments, self.probe, self.judge)

    def above(self) -> ComposeResult:
        yield self.plan.board

    def restore(self, place: dict[str, object]) -> None:
        self.probe.restore()
        self.plan.restore()
        self.rows.restore(place)

    def place(self) -> dict[str, object]:
        return self.rows.place()

    def refresh_view(self) -> None:
        self.rows.follow()

    def show_detail(self) -> None:
        self._segments.show_detail()

    def title_note(self) -> str:
        return self.rows.title()

    def selected_row(self) -> StoredRow | None:
        return self.rows.current

    def go_to_row(self, row_id: int) -> None:
        self.rows.go_to(row_id)

    def on_resize(self) -> None:
        self.plan.show_board()  # The height of the board depends on that of the screen.

    def key_escape(self) -> None:
        """Drop the filter and show every row."""
        if self.rows.typed:
            self.rows.filtered("")

    def _probed(self) -> None:
        self.plan.surveyed()
        self.plan.show_board()

    # -- how rows are placed ---------------------------------------------------------------------

    def command_strategy(self) -> None:
        from studio.tui.dialogs.palette import Offer, Palette

        others = [name for name in STRATEGIES if name != self.plan.chosen.strategy]
        offers = [
            Offer(name, "", MEANINGS[name], partial(self.plan.choose, strategy=name))
            for name in (self.plan.chosen.strategy, *others)
        ]
        told = "Where shall gold go? ↑ ↓ choose, Enter does it, Esc closes"
        self.app.push_screen(Palette(offers, told), lambda offer: offer.run() if offer else None)

    def command_options(self) -> None:
        from studio.tui.dialogs.settings_form import SettingsForm

        form = SettingsForm(
            {choice.name: choice.label for choice in position_settings.CHOICES},
            position_settings.texts(self.plan.chosen),
            lambda typed: self.plan.choose(**position_settings.chosen(typed)),
            f"How rows are placed ({self.plan.chosen.strategy})",
            position_settings.TOLD,
        )
        self.app.push_screen(form)

    def command_review(self) -> None:
        if self.rows.typed != UNSURE and self.plan.foreseen is not None and self.plan.foreseen.states["unsure"] == 0:
            self.app.notify("No row's gold segment is unsure.")
            return
        self.rows.filtered("" if self.rows.typed == UNSURE else UNSURE)

    # -- placing ---------------------------------------------------------------------------------

    def command_place(self) -> None:
        row, chosen = self.rows.current, self.plan.chosen
        if len(self.rows.marked) > 1:
            self._preview(sorted(self.rows.marked), f"the {count_of(len(self.rows.marked))} marked")
        elif self.rows.marked:
            self._place(sorted(self.rows.marked))
        elif row is not None and (chosen.variants or chosen.distractors):
            self._place([row.id])
        elif row is not None:
            if self.session.placing.place_one(row.id, self.plan.target(row.id), chosen):
                self.decided()
            else:
                self.app.notify(f"#{row.id} stays as it is: {self._why_it_stays()}")
            self.move_to(self.list.cursor + 1)

    def _why_it_stays(self) -> str:
        if (entry := self.rows.entry) and entry.state(self.rows.threshold) == "unsure":
            return "its gold segment is unsure; m marks it"
        return f"{self.plan.chosen.strategy} has nothing to change"

    def command_place_all(self) -> None:
        if self.rows.typed:
            self._preview(list(self.rows.ids), f"{count_of(len(self.rows))} of {self.rows.typed}")
        else:
            self._preview(None, f"all {count_of(len(self.rows))}")

    @work(exclusive=True, group="preview")
    async def _preview(self, ids: list[int] | None, which: str) -> None:
        """Place these rows, None for all, after the person has seen a preview and agreed."""
        from studio.tui.dialogs.fix_preview import FixPreview

        chosen, foreseen = self.plan.chosen, self.plan.foreseen
        if ids is not None:
            async for event in self.session.placing.foresee(self.rows.survey, chosen, frozenset(ids)):
                foreseen = event if isinstance(event, PlacesForeseen) else foreseen
        if foreseen is None:
            return
        found = foreseen
        move = "" if found.moving is None or chosen.variants else f" The gold of {count_of(found.moving)} moves."
        question = f"Place {which}: {details.wish_words(chosen)}?{move}"
        preview = FixPreview(question, lambda width: details.figures_lines(found, chosen, width))
        self.app.push_screen(preview, lambda sure: self._place(ids) if sure else None)

    def _place(self, ids: list[int] | None) -> None:
        # The survey knows where gold stands in the other rows, so that placing a few rows need not read a million.
        standing = None if ids is None else self.rows.survey.standing(set(ids), self.rows.threshold)
        events = self.session.placing.place(self.plan.chosen, ids, standing=standing)
        self.studio.jobs.start("place", events, self._placing, self._placed)

    def _placing(self, events: list[Event]) -> None:
        known: dict[int, Entry] = {}
        for event in events:
            if isinstance(event, Progressed):
                self.rows.progress = f"{event.unit} {event.done:,}/{event.total:,}"
            elif isinstance(event, RowsPlaced):
                known |= {one.row_id: entry for one in event.placements if (entry := self._entry_of(one))}
            elif isinstance(event, Placed):
                left = sum(one.rows for one in event.left.values())
                made = (
                    f"{event.variants:,} variants made"
                    if self.plan.chosen.variants
                    else f"placed {count_of(event.rows)}"
                )
                stay = f", {left:,} stay as they are" if left else ""
                self.studio.notify(f"{made}{stay}; u takes it back")
        self.rows.know(known)
        self.list.repaint()
        self.show_header()

    def _entry_of(self, placed: Placement) -> Entry | None:
        """What the survey would say of a row that was just placed."""
        index = self.rows.survey.index_of(placed.row_id)
        if index is None:
            return None
        return self.rows.survey.at(index)._replace(
            gold=placed.gold_after, segments=placed.segments, placed=placed.plan is not None
        )

    def _placed(self) -> None:
        self.rows.progress = ""
        self.rows.marked.clear()
        if self.is_attached:
            self.decided()

    def command_figures(self) -> None:
        from studio.tui.dialogs.questions import Help

        self.app.push_screen(Help(self._figures))

    def _figures(self, width: int) -> list[Line]:
        if self.plan.foreseen is None:
            return []
        return [
            *details.figures_lines(self.plan.foreseen, self.plan.chosen, width),
            [],
            *curve_lines(self.probe.newest, width),
        ]
