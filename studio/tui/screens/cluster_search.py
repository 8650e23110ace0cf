"""Searching in the Dedup stage: how, from which score on, in which order."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from studio.jobs.events import Event, Progressed
from studio.session.journal import count_of
from studio.tui.screens.cluster_stage import ClusterStage

if TYPE_CHECKING:
    from studio.curate.duplicates.review_queue import Order
    from studio.tui.dialogs.clusters import Threshold


class ClusterSearch(ClusterStage):
    """What the keys about the search do."""

    def command_find(self) -> None:
        self.studio.jobs.start("dedup", self.session.review.find_duplicates(self.chosen), self._seen, self._found)

    def _seen(self, events: list[Event]) -> None:
        from studio.jobs.duplicates.dedup_events import DuplicatesFound

        for event in events:
            if isinstance(event, Progressed):
                self._progress = f"{event.unit} {event.done:,}/{event.total:,}" if event.total else event.unit
            elif isinstance(event, DuplicatesFound):
                self._weights = {}
                self.count_settled()
                self.app.notify(f"{len(event.pairs):,} pairs among {count_of(event.rows)}")
        self.show_header()

    def _found(self) -> None:
        self._progress = ""
        if self.is_attached:
            self.make_queue()

    def command_dedup_settings(self) -> None:
        from studio.tui import dedup_settings
        from studio.tui.dialogs.settings_form import SettingsForm

        def apply(typed: dict[str, str]) -> None:
            self.choose(*dedup_settings.chosen(typed))
            search = self.session.review.last_search()
            if search and (self.chosen.method, self.chosen.field) != (search.method, search.field):
                self.app.notify(f"f searches anew, by {self.chosen.method} of {self.chosen.field}")
            self.make_queue()

        told = f"{dedup_settings.EXPLAINED}\nEnter takes it, studio.toml stays; Esc cancels"
        typed = dedup_settings.texts(self.chosen, self.order)
        self.app.push_screen(SettingsForm(dedup_settings.LABELS, typed, apply, "How duplicates are found", told))

    def command_order(self) -> None:
        orders: tuple[Order, ...] = ("border", "closest", "largest")
        self.choose(self.chosen, orders[(orders.index(self.order) + 1) % len(orders)])
        told = {"border": "the least certain", "closest": "the most alike", "largest": "the largest"}[self.order]
        self.app.notify(f"{told} first", timeout=3)
        self.make_queue()

    def command_redundancy(self) -> None:
        """Measured in a thread; the page opens when it is known."""
        from studio.tui.dialogs.questions import Help

        def seen(events: list[Event]) -> None:
            from studio.jobs.duplicates.redundancy_events import RedundancyMeasured
            from studio.tui.details.redundancy import redundancy_lines

            for event in events:
                if isinstance(event, RedundancyMeasured):
                    self.app.push_screen(Help(partial(redundancy_lines, event.redundancy, event.clusters)))

        self.studio.jobs.start("redundancy", self.session.selection.redundancy(), seen)

    def command_diverse(self) -> None:
        from studio.tui.dialogs.questions import Ask

        hint = "those that compress worst together (ZIP) get the tag diverse; export --tag diverse, or / in Export"
        self.app.push_screen(Ask("How many rows?", "", hint), self._diverse)

    def _diverse(self, typed: str | None) -> None:
        if not typed:
            return
        if not typed.isdecimal() or not int(typed):
            self.app.notify(f"{typed!r} is no number of rows.", severity="error")
            return

        def seen(events: list[Event]) -> None:
            from studio.jobs.duplicates.redundancy_events import DiverseSelected

            for event in events:
                if isinstance(event, DiverseSelected):
                    before, after = event.redundancy.whole, event.redundancy.kept or event.redundancy.whole
                    told = f"ratio {before.ratio:.3f} before, {after.ratio:.3f} after"
                    self.app.notify(f"tagged {count_of(after.rows)} diverse: {told}; u takes it back")

        self.studio.jobs.start("diverse", self.session.selection.select_diverse(int(typed)), seen)

    def command_threshold(self) -> None:
        from studio.tui.dialogs.clusters import Threshold

        search = self.session.review.last_search()
        if self.queue is None or search is None:
            return
        dialog = Threshold(self.chosen.limit, search.floor, lambda value: self._foretell(dialog, value))
        self.app.push_screen(dialog, self._threshold_chosen)

    def _foretell(self, dialog: Threshold, value: float) -> None:
        """Say what a threshold would do, when it is known."""

        def seen(events: list[Event]) -> None:
            from studio.jobs.duplicates.dedup_events import Foretold

            for event in events:
                if isinstance(event, Foretold):
                    found = event.outlook
                    told = f"{found.clusters:,} clusters, {count_of(found.rows)} would go"
                    dialog.tell(value, f"{told}; {found.conflicts:,} conflicts stay" if found.conflicts else told)

        assert self.queue is not None
        self.studio.jobs.start("outlook", self.session.review.foretell(self.queue, value), seen, anew=True)

    def _threshold_chosen(self, value: float | None) -> None:
        self.studio.jobs.stop("outlook")
        if value is not None:
            self.choose(msgspec.structs.replace(self.chosen, threshold=value), self.order)
            self.make_queue()
