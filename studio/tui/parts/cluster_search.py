"""Searching in the Dedup stage: how, from which score on, in which order."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from studio.jobs.events import Event, Progressed
from studio.session.journal import count_of
from studio.tui.parts.clusters import ClusterView
from studio.tui.screens.stage import StageScreen

if TYPE_CHECKING:
    from studio.curate.duplicates.review_queue import Order
    from studio.tui.dialogs.clusters import Threshold


class ClusterSearch:
    """What the keys about the search do."""

    def __init__(self, screen: StageScreen, clusters: ClusterView) -> None:
        self._screen, self._session, self._clusters = screen, screen.session, clusters

    def command_find(self) -> None:
        self._screen.studio.jobs.start(
            "dedup", self._session.review.find_duplicates(self._clusters.chosen), self._seen, self._found
        )

    def _seen(self, events: list[Event]) -> None:
        from studio.jobs.duplicates.dedup_events import DuplicatesFound

        for event in events:
            if isinstance(event, Progressed):
                self._clusters.progress = f"{event.unit} {event.done:,}/{event.total:,}" if event.total else event.unit
            elif isinstance(event, DuplicatesFound):
                self._clusters.weights = {}
                self._clusters.count_settled()
                self._screen.app.notify(f"{len(event.pairs):,} pairs among {count_of(event.rows)}")
        self._screen.show_header()

    def _found(self) -> None:
        self._clusters.progress = ""
        if self._screen.is_attached:
            self._clusters.make_queue()

    def command_dedup_settings(self) -> None:
        from studio.tui import dedup_settings
        from studio.tui.dialogs.settings_form import SettingsForm

        def apply(typed: dict[str, str]) -> None:
            self._clusters.choose(*dedup_settings.chosen(typed))
            search = self._session.review.last_search()
            if search and (self._clusters.chosen.method, self._clusters.chosen.field) != (search.method, search.field):
                self._screen.app.notify(
                    f"f searches anew, by {self._clusters.chosen.method} of {self._clusters.chosen.field}"
                )
            self._clusters.make_queue()

        told = f"{dedup_settings.EXPLAINED}\nEnter takes it, studio.toml stays; Esc cancels"
        typed = dedup_settings.texts(self._clusters.chosen, self._clusters.order)
        self._screen.app.push_screen(
            SettingsForm(dedup_settings.LABELS, typed, apply, "How duplicates are found", told)
        )

    def command_order(self) -> None:
        orders: tuple[Order, ...] = ("border", "closest", "largest")
        self._clusters.choose(self._clusters.chosen, orders[(orders.index(self._clusters.order) + 1) % len(orders)])
        told = {"border": "the least certain", "closest": "the most alike", "largest": "the largest"}[
            self._clusters.order
        ]
        self._screen.app.notify(f"{told} first", timeout=3)
        self._clusters.make_queue()

    def command_redundancy(self) -> None:
        """Measured in a thread; the page opens when it is known."""
        from studio.tui.dialogs.questions import Help

        def seen(events: list[Event]) -> None:
            from studio.jobs.duplicates.redundancy_events import RedundancyMeasured
            from studio.tui.details.redundancy import redundancy_lines

            for event in events:
                if isinstance(event, RedundancyMeasured):
                    self._screen.app.push_screen(Help(partial(redundancy_lines, event.redundancy, event.clusters)))

        self._screen.studio.jobs.start("redundancy", self._session.selection.redundancy(), seen)

    def command_diverse(self) -> None:
        from studio.tui.dialogs.questions import Ask

        hint = "those that compress worst together (ZIP) get the tag diverse; export --tag diverse, or / in Export"
        self._screen.app.push_screen(Ask("How many rows?", "", hint), self._diverse)

    def _diverse(self, typed: str | None) -> None:
        if not typed:
            return
        if not typed.isdecimal() or not int(typed):
            self._screen.app.notify(f"{typed!r} is no number of rows.", severity="error")
            return

        def seen(events: list[Event]) -> None:
            from studio.jobs.duplicates.redundancy_events import DiverseSelected

            for event in events:
                if isinstance(event, DiverseSelected):
                    before, after = event.redundancy.whole, event.redundancy.kept or event.redundancy.whole
                    told = f"ratio {before.ratio:.3f} before, {after.ratio:.3f} after"
                    self._screen.app.notify(f"tagged {count_of(after.rows)} diverse: {told}; u takes it back")

        self._screen.studio.jobs.start("diverse", self._session.selection.select_diverse(int(typed)), seen)

    def command_threshold(self) -> None:
        from studio.tui.dialogs.clusters import Threshold

        search = self._session.review.last_search()
        if self._clusters.queue is None or search is None:
            return
        dialog = Threshold(self._clusters.chosen.limit, search.floor, lambda value: self._foretell(dialog, value))
        self._screen.app.push_screen(dialog, self._threshold_chosen)

    def _foretell(self, dialog: Threshold, value: float) -> None:
        """Say what a threshold would do, when it is known."""

        def seen(events: list[Event]) -> None:
            from studio.jobs.duplicates.dedup_events import Foretold

            for event in events:
                if isinstance(event, Foretold):
                    found = event.outlook
                    told = f"{found.clusters:,} clusters, {count_of(found.rows)} would go"
                    dialog.tell(value, f"{told}; {found.conflicts:,} conflicts stay" if found.conflicts else told)

        assert self._clusters.queue is not None
        self._screen.studio.jobs.start(
            "outlook", self._session.review.foretell(self._clusters.queue, value), seen, anew=True
        )

    def _threshold_chosen(self, value: float | None) -> None:
        self._screen.studio.jobs.stop("outlook")
        if value is not None:
            self._clusters.choose(msgspec.structs.replace(self._clusters.chosen, threshold=value), self._clusters.order)
            self._clusters.make_queue()
