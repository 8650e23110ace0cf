"""Header and footer: one painted line each."""

from __future__ import annotations

from studio.text.display import columns, visible
from studio.tui.commands import STAGES, Command, Stage, shown_keys
from studio.tui.ink import Line, Span
from studio.tui.widgets.painted import Painted


class Header(Painted):
    """The stages, the project, and a note of the stage or of the job that runs."""

    def __init__(self) -> None:
        super().__init__(id="header")
        self._stage: Stage = STAGES[0]
        self._project, self._note = "", ""

    def show(self, project: str, stage: Stage, note: str) -> None:
        self._project, self._stage, self._note = project, stage, note
        self.repaint()

    def line(self, y: int) -> Line:
        for whole, named in ((True, True), (True, False), (False, True), (False, False)):
            names = _stages(self._stage, whole=whole)
            right = f"{self._note}  {self._project} " if named else f"{self._note} "
            room = self.size.width - sum(columns(span.text) for span in names)
            if columns(visible(right)) < room:
                break
        return [*names, Span(" " * max(1, room - columns(visible(right)))), Span(right)]


def _stages(current: Stage, *, whole: bool) -> Line:
    """The stages' names; in a crowd only the current one's, the others by number."""
    line: Line = []
    for number, name in enumerate(STAGES, start=1):
        # Where digits do something else, the function keys lead to the stages.
        key = f"F{number}" if current == "dedup" else f"{number}"
        shown = f" {key} {name.capitalize()} " if whole or name == current else f" {key} "
        line.append(Span(shown, " bold reverse" if name == current else "muted"))
    return line


_ALWAYS = ("undo", "help", "quit")


class Footer(Painted):
    """The stage's main commands, as many as fit; undo, help and quit always."""

    def __init__(self) -> None:
        super().__init__(id="footer")
        self._commands: list[Command] = []

    def show(self, commands: list[Command]) -> None:
        self._commands = [command for command in commands if command.footer and command.keys]
        self.repaint()

    def line(self, y: int) -> Line:
        last = [command for command in self._commands if command.id in _ALWAYS]
        room = self.size.width - sum(_width(command) for command in last)
        shown: list[Command] = []
        for command in self._commands:
            if command not in last and _width(command) <= room:
                shown.append(command)
                room -= _width(command)
        line: Line = []
        for command in [*shown, *last]:
            line += [Span(f" {_key(command)} ", "pending bold"), Span(f"{command.title} ", "muted")]
        return line


def _key(command: Command) -> str:
    return shown_keys(command).split(" ")[0]


def _width(command: Command) -> int:
    return columns(_key(command)) + columns(command.title) + 3
