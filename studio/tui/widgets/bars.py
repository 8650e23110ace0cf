"""Header and footer: one painted line each."""

from __future__ import annotations

from studio.session import Session
from studio.text.display import columns
from studio.tui.commands import STAGES, Command, Stage, shown_keys
from studio.tui.ink import Line, Span
from studio.tui.widgets.painted import Painted


class Header(Painted):
    """The stages, the project, and a note of the stage or of the job that runs."""

    def __init__(self) -> None:
        super().__init__(id="header")
        self._line: Line = []
        self._key: tuple[object, ...] = ()

    def show(self, session: Session, stage: Stage, note: str) -> None:
        key = (stage, note, session.writable, self.size.width)
        if key == self._key:
            return
        self._key = key
        lock = "" if session.writable else "read-only  "
        for whole, named in ((True, True), (True, False), (False, False)):
            names = _stages(stage, whole=whole)
            right = f"{lock}{note}{f'  {session.name}' if named else ''}"
            room = self.size.width - sum(columns(span.text) for span in names)
            if columns(right) < room:
                break
        self._line = [*names, Span(" " * max(1, room - columns(right))), Span(right)]
        self.refresh()

    def line(self, y: int) -> Line:
        return self._line


def _stages(current: Stage, *, whole: bool) -> Line:
    """The stages' names; in a crowd only the current one's, the others by number."""
    line: Line = []
    for number, name in enumerate(STAGES, start=1):
        shown = f" {number} {name.capitalize()} " if whole or name == current else f" {number} "
        line.append(Span(shown, " bold reverse" if name == current else "muted"))
    return line


class Footer(Painted):
    """The stage's main commands, as many as fit; help and quit always."""

    def __init__(self) -> None:
        super().__init__(id="footer")
        self._commands: list[Command] = []

    def show(self, commands: list[Command]) -> None:
        self._commands = [command for command in commands if command.footer]
        self.refresh()

    def line(self, y: int) -> Line:
        last = [command for command in self._commands if command.id in ("help", "quit")]
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
