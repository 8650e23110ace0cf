"""Stage 1: what the person brought: seed tasks and rows, written here or imported."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import msgspec

from studio.alpaca.columns import parse_mapping
from studio.alpaca.rows import ROW_TYPES, Multimodal, Row, RowType, Sft, type_of
from studio.errors import StudioError, UsageError
from studio.jobs.events import (
    Event,
    ImportedBefore,
    ImportEnded,
    RowsRead,
    SetAside,
)
from studio.session import Session
from studio.store.files.huggingface import is_hub_name
from studio.store.filters import Filter, parse
from studio.store.rows import StoredRow
from studio.tui.commands import Stage
from studio.tui.ink import Line
from studio.tui.parts.pool import PoolPart
from studio.tui.screens.rows_stage import RowsStage


class SeedsScreen(RowsStage):
    """List, add, edit, classify, import, delete with undo, filter; the balance of the task pool and hints about it."""

    stage: ClassVar[Stage] = "seeds"
    BASE = Filter(generated=False, statuses=("pending", "accepted"))
    JOBS = ("import",)
    EMPTY = "No rows yet: n writes one, i imports files."
    MORE: ClassVar[str] = ", hint:yes"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.pool = PoolPart(self, lambda: self._load_view(self._wanted))
        self.parts = (self.pool,)
        # The row to show once the hints that a view is narrowed to are there.
        self._wanted = 1

    # -- the view --------------------------------------------------------------------------------

    def restore(self, place: dict[str, object]) -> None:
        super().restore(place)
        # After the first paint.
        self.call_after_refresh(self.pool.look_again)

    def meant(self, typed: str) -> Filter:
        hint, rest = self.pool.asked(typed)
        filter = parse(rest, self.BASE)
        self.pool.narrow(hint)
        return filter

    def beginning(self, row_id: int, n: int) -> Sequence[int]:
        self._wanted = row_id
        return [] if self.pool.narrows else super().beginning(row_id, n)

    async def view(self) -> Sequence[int]:
        return self.pool.lets_through(await super().view())

    def nothing(self) -> str:
        return "Looking at the seed tasks…" if self.pool.waiting else super().nothing()

    def refresh_view(self) -> None:
        super().refresh_view()
        self.pool.look_again()

    def reload_view(self) -> None:
        super().reload_view()
        self.pool.look_again()

    def lines(self, row: StoredRow, width: int) -> list[Line]:
        return self.pool.lines(row, width)

    def title_note(self) -> str:
        return self.pool.progress or super().title_note()

    def command_hints(self) -> None:
        others = [word for word in self._typed.split() if not word.startswith("hint:")]
        self._filtered(" ".join(others if self.pool.narrows else [*others, "hint:yes"]))

    # -- writing ---------------------------------------------------------------------------------

    def command_add(self) -> None:
        self._write(Sft())

    def command_add_type(self) -> None:
        from studio.tui.dialogs.pool import NewRow

        self.app.push_screen(NewRow(), lambda empty: None if empty is None else self._write(empty))

    def _write(self, empty: Row) -> None:
        from studio.tui.dialogs.edit_row import EditRow
        from studio.tui.dialogs.questions import Ask

        def about(typed: str | None) -> None:
            if typed:
                write(msgspec.structs.replace(empty, images=tuple(typed.split())))

        def write(begun: Row) -> None:
            title = "New seed task" if isinstance(empty, Sft) else f"New {type_of(empty)} row"
            self.app.push_screen(EditRow(begun, title), lambda row: self._added(row, begun, seed=isinstance(row, Sft)))

        if isinstance(empty, Multimodal):
            hint = "paths from the project folder, spaces between; each has its <image> in the text"
            self.app.push_screen(Ask("Images of the new row", "", hint, path=True), about)
        else:
            write(empty)

    def command_duplicate(self) -> None:
        from studio.tui.dialogs.edit_row import EditRow

        if row := self.current:
            self.app.push_screen(
                EditRow(row.row, f"Copy of #{row.id}"), lambda copy: self._added(copy, row.row, seed=row.seed)
            )

    def _added(self, row: Row | None, begun: Row, *, seed: bool) -> None:
        if row == begun:
            self.app.notify("Nothing was written, so nothing is added.")
        elif row is not None:
            self._open_view(self.session.rows.add(row, seed=seed))
            self.show_header()
            self.pool.look_again()

    def command_delete(self) -> None:
        if row := self.current:
            self.session.rows.reject(row.id, "you deleted it")
            self.after_verdict()

    def command_import(self) -> None:
        from studio.tui.dialogs.questions import Ask

        hint = (
            "files, folders or hf:owner/name; Tab completes. Before them, if wished:\n"
            "--seed for seed tasks, --type sft, --map instruction=THEIR_COLUMN"
        )
        self.app.push_screen(Ask("Import files", "", hint, path=True), self._import)

    def _import(self, typed: str | None) -> None:
        if not typed:
            return
        try:
            wish = _wish(typed)
        except StudioError as error:
            self.studio.complain(error)
            return
        job = self.session.files.import_files(wish.paths, wish.type, seed=wish.seed, columns=wish.columns)
        self.studio.jobs.start("import", job, self._imported)

    def _imported(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, SetAside):
                first = event.broken[0]
                self.app.notify(str(first), title=f"{len(event.broken)} set aside", severity="warning")
            elif isinstance(event, ImportedBefore):
                again = f"imported before as source {event.source}, {event.rows:,} rows; u undoes"
                self.app.notify(again, title=Path(event.path).name, severity="warning")
            elif isinstance(event, ImportEnded):
                note = f", {event.broken} set aside in {event.path}" if event.broken else ""
                self.app.notify(f"imported {event.rows:,} rows{note}")
        if any(isinstance(event, RowsRead | ImportEnded) for event in events):
            self.reload_view()


class _Wish(NamedTuple):
    """What is to be imported, and how."""

    paths: list[Path]
    type: RowType | None
    seed: bool
    columns: dict[str, str]


def _wish(typed: str) -> _Wish:
    """What was typed, in the words of the subcommand. Raises UsageError."""
    try:
        words = iter(shlex.split(typed))
    except ValueError as error:
        raise UsageError(f"{error}.", hint="A path with spaces stands in quotes.") from None
    paths: list[Path] = []
    type: RowType | None = None
    seed, maps = False, list[str]()
    for word in words:
        option, _, value = word.partition("=")
        if word == "--seed":
            seed = True
        elif option in ("--type", "--map"):
            value = value or next(words, "")
            if option == "--map":
                maps.append(value)
            elif value in ROW_TYPES:
                type = value
            else:
                raise UsageError(f'"{value}" is no dataset type.', hint=f"--type is one of {', '.join(ROW_TYPES)}.")
        else:
            paths.append(Path(word).expanduser())
    absent = [str(path) for path in paths if not is_hub_name(path) and not path.exists()]
    if absent or not paths:
        raise UsageError(
            f"There is no file {', '.join(absent)}." if absent else "No file was named.", hint="Tab completes a path."
        )
    return _Wish(paths, type, seed, parse_mapping(maps))
