"""The app: six stages as modes, themes, the palette, help, errors, and an orderly end."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable
from importlib import import_module
from typing import cast

from textual.app import App
from textual.notifications import SeverityLevel
from textual.theme import Theme

from studio.alpaca.rows import Row, fields
from studio.errors import StudioError
from studio.session import Session
from studio.text.display import visible
from studio.tui import commands, themes
from studio.tui.commands import STAGES, Stage
from studio.tui.flow import flow
from studio.tui.ink import Line, Span
from studio.tui.jobs import Jobs
from studio.tui.screens.stage import StageScreen


def stage_screen(stage: Stage, session: Session) -> StageScreen:
    """The stage's screen. Its module is imported now: the first frame needs one stage, not six."""
    module = import_module(f"studio.tui.screens.{stage}")
    kind = cast(type[StageScreen], getattr(module, f"{stage.capitalize()}Screen"))
    return kind(session)


def _collect_garbage_again() -> None:
    """launch switched it off until the first frame; what is there by now is never garbage."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


class StudioApp(App[None]):
    """The studio on one open project."""

    CSS_PATH = "studio.tcss"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(100, "-wide"), (140, "-very-wide")]
    BINDINGS = []

    def __init__(self, session: Session, *, theme: str = "", ansi: bool = False, greeting: str = "") -> None:
        remembered = session.project.recall("stage")
        self._first: Stage = remembered if remembered in STAGES else STAGES[0]
        # It starts as the default screen: switching to a mode would lay out a blank screen first and parse
        # all style sheets twice.
        self.DEFAULT_MODE = self._first  # type: ignore[misc]
        # Textual asks the theme for colours while it starts, so NO_COLOR's theme must be known before.
        super().__init__(ansi_color=ansi)
        self.session = session
        self._greeting = greeting
        self.jobs = Jobs(self)
        self._themes, self._theme_problems = themes.load(themes.folders())
        for one in self._themes.values():
            self.register_theme(one)
        chosen = theme or session.settings.screen.theme or session.project.recall("theme")
        wanted = themes.WITHOUT_COLOUR if ansi else chosen
        # Set before the start, a theme costs one parse of the style sheets; set as usual, three.
        self.set_reactive(StudioApp.theme, wanted if wanted in self._themes else themes.DEFAULT)
        self.stylesheet.set_variables(self.get_css_variables())

    def get_default_screen(self) -> StageScreen:
        """The stage the person left."""
        return stage_screen(self._first, self.session)

    async def on_mount(self) -> None:
        self.animation_level = "none"
        if self._greeting:
            self.notify(self._greeting, timeout=12)
        for stage in STAGES:
            self.add_mode(stage, lambda stage=stage: stage_screen(stage, self.session))  # type: ignore[misc]
        self.call_after_refresh(_collect_garbage_again)
        for number in (signal.SIGHUP, signal.SIGTERM):
            # Without this a dropped connection ends Python before any finally block.
            asyncio.get_running_loop().add_signal_handler(number, self._leave)
        if not self.session.writable:
            self.notify(f"Read-only: {self.session.holder} is writing in this project.", timeout=8)
        for problem in self._theme_problems:
            self.notify(problem, title="A theme is left out", severity="warning")

    async def on_unmount(self) -> None:
        await self.jobs.stop_all()

    @property
    def stage_screen(self) -> StageScreen:
        """The stage's screen, under whatever dialog is open."""
        return cast(StageScreen, self.screen_stack[0])

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own colour names, for themes that are not ours."""
        return dict.fromkeys(themes.VARIABLES, "ansi_default")

    # -- what screens and jobs ask for -----------------------------------------------------------

    def show_header(self) -> None:
        self.stage_screen.show_header()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Say a fact, for some seconds. Nothing in it is ever read as markup or obeyed by the terminal."""
        super().notify(visible(message), title=visible(title), severity=severity, timeout=timeout, markup=False)

    def complain(self, error: StudioError, *, seconds: float = 10) -> None:
        """Show an error: what happened and what to do."""
        self.notify(f"{error}", title=error.title, severity="error", timeout=seconds)

    def edit_outside(self, row: Row) -> Row | None:
        """The row edited in $EDITOR; None when nothing changed."""
        from studio.tui import editor

        with self.suspend():
            edited = editor.edit(row)
        self.refresh()
        return edited if edited != row else None

    def copy_row(self, row: Row) -> None:
        from studio.tui import clipboard

        text = "\n\n".join(str(value) for value in fields(row).values() if value)
        self.notify(clipboard.copy(self, text))

    def go_to_row(self, row_id: int) -> None:
        """Show a row in the stage it belongs to."""
        row = self.session.rows.get(row_id)
        if row is not None:
            stage: Stage = "evolve" if row.generated else "seeds"
            self.session.project.remember(f"stage.{stage}", {"row": row_id, "filter": ""})
            self._go(stage)
            self.call_after_refresh(lambda: self.stage_screen.restore({"row": row_id, "filter": ""}))

    def _go(self, stage: Stage) -> None:
        if stage != self.stage_screen.stage:
            self.session.project.remember("stage", stage)
            self.switch_mode(stage)

    # -- commands of every stage -----------------------------------------------------------------

    def command_seeds(self) -> None:
        self._go("seeds")

    def command_evolve(self) -> None:
        self._go("evolve")

    def command_dedup(self) -> None:
        self._go("dedup")

    def command_position(self) -> None:
        self._go("position")

    def command_check(self) -> None:
        self._go("check")

    def command_export(self) -> None:
        self._go("export")

    def command_next_stage(self) -> None:
        self._step(1)

    def command_previous_stage(self) -> None:
        self._step(-1)

    def _step(self, by: int) -> None:
        at = STAGES.index(self.stage_screen.stage)
        self._go(STAGES[(at + by) % len(STAGES)])

    def command_help(self) -> None:
        from studio.tui.dialogs.questions import Help

        self.push_screen(Help(self._help))

    def _help(self, width: int) -> list[Line]:
        stage = self.stage_screen.stage
        lines: list[Line] = [[Span(f"{stage.capitalize()}   ", " bold"), Span("j k scroll, Esc closes", "muted")], []]
        for command in commands.of_stage(stage, self.session.settings.keys):
            keys = f"{commands.shown_keys(command):<16} "
            told = flow([Span(command.help), Span(f"  {command.id}", "muted")], width - len(keys))
            lines += [[Span(" " * len(keys) if n else keys, "pending"), *line] for n, line in enumerate(told)]
        return [
            *lines,
            [],
            *flow([Span("The last word of each is its name for [keys] in studio.toml.", "muted")], width),
        ]

    def command_palette(self) -> None:
        from studio.tui.dialogs.palette import Offer, Palette

        screen = self.stage_screen
        offers = [
            Offer(command.title, commands.shown_keys(command), command.help, self._runner(screen, command.id))
            for command in screen.available()
            if command.id not in ("palette", "down", "up")
        ]
        offers += [
            Offer(f"theme {name}", "", "dark" if theme.dark else "light", self._painter(theme))
            for name, theme in self._themes.items()
        ]
        self.push_screen(Palette(offers), lambda offer: offer.run() if offer else None)

    def _runner(self, screen: StageScreen, name: str) -> Callable[[], None]:
        return lambda: screen.action_run_command(name)

    def _painter(self, theme: Theme) -> Callable[[], None]:
        def paint() -> None:
            self.theme = theme.name
            self.session.project.remember("theme", theme.name)

        return paint

    def command_quit(self) -> None:
        if self.jobs.names:
            from studio.tui.dialogs.questions import Confirm

            question = f"{', '.join(self.jobs.names)} is running. Leave? What it did so far is kept."
            self.push_screen(Confirm(question), lambda sure: self._leave() if sure else None)
        else:
            self._leave()

    def action_help_quit(self) -> None:
        """Ctrl+C, which in a terminal means "get me out"."""
        self.notify("q leaves; everything is kept.")

    async def action_quit(self) -> None:
        """Ctrl+Q leaves as q does."""
        self.command_quit()

    def _leave(self) -> None:
        self.stage_screen.remember()
        self.exit()
