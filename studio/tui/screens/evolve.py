"""Stage 2: methods run live over what the project has; what comes out is reviewed while they run."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult

from studio.errors import ProjectError, StudioError
from studio.jobs.events import AttemptFailed, Ended, Event
from studio.methods import registry
from studio.methods.asking import Method
from studio.methods.evol_instruct.prompts import OPERATIONS
from studio.session import Session
from studio.settings import Operation
from studio.store.filters import Filter
from studio.tui import method_settings
from studio.tui.commands import Stage, keys_of, shown_keys
from studio.tui.details.methods import Listed
from studio.tui.dialogs.settings_form import SettingsForm
from studio.tui.entries import SHORT
from studio.tui.ink import Line, Span
from studio.tui.jobs import LASTING
from studio.tui.parts.family import FamilyPage
from studio.tui.parts.run_board import RunBoard, job_of
from studio.tui.screens.rows_stage import RowsStage

_REMEMBERED = "evolve.settings"


class EvolveScreen(RowsStage):
    """Counts and lanes with streamed text above, generated rows below, one row's text and family tree under them."""

    stage: ClassVar[Stage] = "evolve"
    BASE = Filter(generated=True)
    EMPTY = "Nothing made yet."

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.board = RunBoard(self, self.idle_lines, self.key)
        self.family = FamilyPage(self, self.lines, lambda row_id: row_id in self._entries.ids)
        self.parts = (self.board, self.family)
        self.JOBS = ("evolve", "self-instruct")
        # What the files say, without what was changed here.
        self._files = session.settings

    def above(self) -> ComposeResult:
        yield self.board.page

    def restore(self, place: dict[str, object]) -> None:
        self.family.restore(place)
        super().restore(place)
        self.board.restore()
        if isinstance(kept := self.session.project.recall(_REMEMBERED), dict):
            try:
                self._go_by_remembered(kept)
            except StudioError as error:
                self.studio.complain(error)

    def place(self) -> dict[str, object]:
        return {**super().place(), **self.family.place()}

    def show_detail(self) -> None:
        if row := self.current:
            self.family.show(row)
        else:
            super().show_detail()

    def on_screen_resume(self) -> None:
        self.board.watched(True)

    def on_screen_suspend(self) -> None:
        self.board.watched(False)

    def title_note(self) -> str:
        # While rows come in every second, the lanes count them; here the total would only cost bytes.
        note = super().title_note()
        return note.split("/")[0] if self.board.running and not self._typed else note

    def idle_lines(self) -> list[Line]:
        """What stands above the rows before the first run."""
        pool = f"{self.session.rows.stats()['seeds']:,} seed tasks in the pool"
        title = self.session.runs.method(self.board.method).title
        told = f"{self.key('start')} starts {title}   {self.key('methods')} lists all methods"
        return [[Span(pool, " bold"), Span(f"   {self.session.runs.model_name}", "muted")], [Span(told, "muted")]]

    def key(self, command: str) -> str:
        """The key of a command, as the person has it."""
        found = next(one for one in self._commands if one.id == command)
        return shown_keys(found).split(" ")[0] if keys_of(found.keys) else command

    # -- methods and their settings ----------------------------------------------------------------

    def command_methods(self) -> None:
        from studio.tui.dialogs.methods import MethodsList

        listed = []
        for name in (entry.name for entry in registry.entries().values() if entry.stage == self.stage):
            try:
                method = self.session.runs.method(name)
                listed.append(Listed(method, self._note(method)))
            except StudioError as error:
                self.studio.complain(error)
        self.app.push_screen(
            MethodsList(
                listed,
                self.board.method,
                self.session.runs.estimate,
                lambda: self.session.settings,
                self._open_settings,
            ),
            lambda name: self.board.start(name) if name else None,
        )

    def _note(self, method: Method) -> str:
        if self.studio.jobs.running(job_of(method)):
            return "runs"
        if job_of(method) in self.studio.jobs.waiting:
            return "waits"
        return self.board.note() if method.name == self.board.method else ""

    def command_settings(self) -> None:
        self._open_settings(self.board.method)

    def _open_settings(self, name: str) -> None:
        method = self.session.runs.method(name)
        form = method_settings.choices(method)
        labels = {line.name: line.label for line in form}
        typed = method_settings.texts(form, self.session.settings)
        told = "Enter takes it from the next request on; studio.toml stays. Esc cancels"
        apply = partial(self._apply, form)
        self.app.push_screen(SettingsForm(labels, typed, apply, f"Settings of {method.title}", told))

    def _apply(self, form: method_settings.Form, typed: dict[str, str]) -> None:
        """Raises StudioError when that cannot be."""
        kept = self.session.project.recall(_REMEMBERED) or {}
        others = {name: pair for name, pair in kept.items() if name not in typed}
        now = {**others, **method_settings.to_remember(form, self._files, typed)}
        self._go_by_remembered(now)
        self.session.project.remember(_REMEMBERED, now)
        self.board.show()

    def _go_by_remembered(self, kept: dict[str, list[str]]) -> None:
        """Go by what the files say with this over it. Raises StudioError when that cannot be."""
        sections = {name.partition(".")[0] for name in kept}
        methods = [self.session.runs.method(name) for name in registry.entries()]
        form = method_settings.choices(*(one for one in methods if {one.section, *one.roles} & sections))
        typed = method_settings.remembered(form, self._files, kept)
        self.session.runs.change_settings(method_settings.chosen(form, self._files, typed))

    # -- re-rolls ------------------------------------------------------------------------------------

    def command_reroll(self) -> None:
        from studio.tui.dialogs.palette import Offer, Palette

        row = self.current
        if row is None:
            return
        if row.parent is None or row.operation not in OPERATIONS:
            raise ProjectError(f"#{row.id} was not evolved from another row.", hint="Only those can be re-rolled.")
        last = OPERATIONS.index(row.operation)
        offers = [
            Offer(SHORT[name], "", "as before" if name == row.operation else "", partial(self._reroll, row.id, name))
            for name in (*OPERATIONS[last + 1 :], *OPERATIONS[: last + 1])
        ]
        told = f"#{row.id} once more, by which operation? ↑ ↓ choose, Enter does it, Esc closes"
        self.app.push_screen(Palette(offers, told), lambda offer: offer.run() if offer else None)

    def _reroll(self, row_id: int, operation: Operation) -> None:
        name = f"re-roll #{row_id}"
        self.studio.jobs.start(name, self.session.runs.reroll(row_id, operation), partial(self._rerolled, row_id))

    def _rerolled(self, row_id: int, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Ended):
                for made, new in zip(event.result.rows, event.row_ids, strict=True):
                    fate = f"eliminated: {made.rule}" if made.rule else "pending"
                    operation = SHORT.get(made.operation, "")
                    self.app.notify(f"#{new} stands beside #{row_id}, by {operation}: {fate}")
                self.reload_view()
            elif isinstance(event, AttemptFailed):
                self.app.notify(event.message, title=f"#{row_id} is not re-rolled", severity="error", timeout=LASTING)
