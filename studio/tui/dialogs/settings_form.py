"""A form of settings: a line for each, taken only when all of them can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Label

from studio.errors import StudioError
from studio.text.display import visible
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
        labels: Mapping[str, str],
        texts: Mapping[str, str],
        apply: Callable[[dict[str, str]], None],
        title: str,
        told: str,
    ) -> None:
        super().__init__()
        self._apply, self._labels, self._title, self._told = apply, labels, title, told
        self._fields = {name: TextLine(texts[name]) for name in labels}
        self._problem = Label("", classes="problem", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(classes="form"):
            yield Label(self._title, classes="title", markup=False)
            with VerticalScroll(can_focus=False):
                for name, label in self._labels.items():
                    with Horizontal(classes="choice"):
                        yield Label(label, classes="hint", markup=False)
                        yield self._fields[name]
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
