"""What the Evolve screen opens over itself: the settings of the run, and the funnel in full."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Label

from studio.errors import StudioError
from studio.text.display import visible
from studio.tui.evolve_settings import CHOICES, Choice
from studio.tui.screens.dialogs import Help
from studio.tui.widgets.fields import TextLine


class SettingsForm(ModalScreen[None]):
    """A line for each setting. apply is given what was typed; while it raises StudioError the form stays."""

    BINDINGS = [
        Binding("f2,ctrl+o,enter", "save", "save", priority=True),
        Binding("down", "app.focus_next", "next", priority=True),
        Binding("up", "app.focus_previous", "previous", priority=True),
        Binding("escape", "dismiss(None)", "cancel", priority=True),
    ]

    def __init__(
        self,
        texts: Mapping[str, str],
        apply: Callable[[dict[str, str]], None],
        choices: Sequence[Choice] = CHOICES,
        title: str = "Settings of this project's runs",
        told: str = "Enter takes it from the next request on; studio.toml stays. Esc cancels",
    ) -> None:
        super().__init__()
        self._apply, self._choices, self._title, self._told = apply, choices, title, told
        self._fields = {choice.name: TextLine(texts[choice.name]) for choice in choices}
        self._problem = Label("", classes="problem", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(classes="form"):
            yield Label(self._title, classes="title", markup=False)
            with VerticalScroll(can_focus=False):
                for choice in self._choices:
                    with Horizontal(classes="choice"):
                        yield Label(choice.label, classes="hint", markup=False)
                        yield self._fields[choice.name]
            yield self._problem
            yield Label(self._told, classes="hint", markup=False)

    def on_mount(self) -> None:
        next(iter(self._fields.values())).focus()

    def action_save(self) -> None:
        try:
            self._apply({name: field.meant for name, field in self._fields.items()})
        except StudioError as error:
            self._problem.update(visible(f"✗ {error}"))
            return
        self.dismiss(None)


class FunnelPage(Help):
    """The funnel of a run, which goes on under it."""

    BINDINGS = [Binding("f", "dismiss(None)", "close")]

    def again(self) -> None:
        """The run has gone on."""
        self._page.show(self._text, keep_place=True)
