"""Stage 6: choose what goes out and how, see the trainer's verdict before, write, verify, push."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from studio.alpaca.rows import ROW_TYPES, RowType
from studio.curate.selecting.split import shares
from studio.errors import StudioError, UsageError
from studio.jobs.events import Event, Exported, Previewed, Progressed, Pushed
from studio.session import Session
from studio.settings import ExportSettings
from studio.settings.declared import declared
from studio.store.filters import Filter, parse
from studio.tui.commands import Stage
from studio.tui.details.exports import asked_lines, preview_lines, result_lines
from studio.tui.flow import flow
from studio.tui.ink import Line, Span
from studio.tui.jobs import LASTING
from studio.tui.screens.stage import StageScreen

_OURS = ("accepted", "pending")
_CHOICES = {name: one.choices for name, one in declared(ExportSettings).items()}


class ExportScreen(StageScreen):
    """A line for each dataset type with its counts; below, what an export would do or did."""

    stage: ClassVar[Stage] = "export"
    JOBS = ("preview", "export", "push")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._named = ""
        self._chosen = session.settings.export
        self._out = session.files.export_folder
        self._counts: dict[RowType, dict[str, int]] = {}
        self._preview: Previewed | None = None
        self._result: Exported | None = None
        self._progress = ""

    # -- as the list's entries -------------------------------------------------------------------

    def __len__(self) -> int:
        return len(ROW_TYPES)

    def __bool__(self) -> bool:
        return True

    def line(self, index: int, width: int) -> Line:
        type = ROW_TYPES[index]
        counts = self._counts.get(type, {})
        on = type in self._types
        found = None if self._preview is None else [one for one in self._preview.types if one.facts.type == type]
        held = sum(reason.rows for one in found or () for reason in one.held_back)
        out = sum(one.facts.rows for one in found or ())
        return [
            Span(" [x] " if on else " [ ] ", "" if on else "muted"),
            Span(f"{type:<12}"),
            Span(f"{'…' if found is None and on else f'{out:,}' if on else '-':>9} rows   "),
            Span(f"✗ {held:,} held back   " if held and on else "", "reject"),
            Span("  ".join(f"{status} {counts[status]:,}" for status in _OURS if counts.get(status)), "muted"),
        ]

    # -- the view --------------------------------------------------------------------------------

    def restore(self, place: dict[str, object]) -> None:
        self._named = str(place.get("named") or "")
        self._start_from(self._named if self._named in self.session.settings.exports else "")
        kept = place.get("chosen")
        if isinstance(kept, dict):
            known: dict[str, Any] = {**msgspec.structs.asdict(self._chosen), **kept}
            self._chosen = msgspec.convert(known, ExportSettings)
        self._out = Path(str(place.get("out", self._out)))
        self.move_to(int(str(place.get("line", 0))))
        self.refresh_view()

    def place(self) -> dict[str, object]:
        kept = {name: value for name, value in msgspec.to_builtins(self._chosen).items() if name != "out"}
        return {"named": self._named, "chosen": kept, "out": str(self._out), "line": self.list.cursor}

    def refresh_view(self) -> None:
        self._counts = self.session.rows.stats()["types"]
        self._preview = None
        self.list.show(self)
        self.show_detail()
        if not self.studio.jobs.running("export"):
            job = self.session.files.preview_export(self._out, self._chosen)
            self.studio.jobs.start("preview", job, self._seen, self._ended, anew=True)

    def show_detail(self) -> None:
        self.page.show(self._lines)

    def title_note(self) -> str:
        return self._progress

    @property
    def _types(self) -> tuple[RowType, ...]:
        return self._chosen.types or ROW_TYPES

    def _lines(self, width: int) -> list[Line]:
        lines = asked_lines(self._chosen, self._out, width)
        if self._named:
            lines = [*flow([Span("the export named ", "muted"), Span(self._named, " bold")], width), *lines]
        if self._result is not None:
            return [*lines, [], *result_lines(self._result, width)]
        if self._preview is None:
            return [*lines, [], [Span(self._progress or "Looking at the rows…", "muted")]]
        told = "w writes the files, reads them back as the trainer would, says what it held back."
        outlook = preview_lines(self._preview, ROW_TYPES[self.list.cursor], width)
        return [*lines, [], *outlook, [], *flow([Span(told, "muted")], width)]

    # -- choosing --------------------------------------------------------------------------------

    def _start_from(self, named: str) -> None:
        settings = self.session.settings
        self._named = named
        self._chosen = settings.export_named(named) if named else settings.export
        self._out = self.session.folder / self._chosen.out

    def _choose(self, **changes: Any) -> None:
        self._chosen = msgspec.structs.replace(self._chosen, **changes)
        self._changed()

    def _changed(self) -> None:
        self._result = None
        self.refresh_view()
        self.remember()

    def _next(self, name: str) -> None:
        known = _CHOICES[name]
        self._choose(**{name: known[(known.index(getattr(self._chosen, name)) + 1) % len(known)]})

    def command_toggle_type(self) -> None:
        switched = {*self._types} ^ {ROW_TYPES[self.list.cursor]}
        if not switched:
            self.app.notify("One type must stay.")
            return
        self._choose(types=() if switched == {*ROW_TYPES} else tuple(t for t in ROW_TYPES if t in switched))

    def command_accepted_only(self) -> None:
        self._choose(statuses=_OURS if self._chosen.statuses != _OURS else ("accepted",))

    def command_format(self) -> None:
        self._next("format")

    def command_file_kind(self) -> None:
        self._next("file")

    def command_named(self) -> None:
        names = ["", *self.session.settings.exports]
        if len(names) == 1:
            self.app.notify("studio.toml names no export yet: write [exports.NAME] there.")
            return
        self._start_from(names[(names.index(self._named) + 1) % len(names)])
        self._changed()

    def command_split(self) -> None:
        hint = "8:1:1 makes train, valid, test; 9:1 train, valid; empty: one file"
        self._ask("Split", self._chosen.split, hint, self._split)

    def _split(self, typed: str) -> None:
        if typed:
            shares(typed)
        self._choose(split=typed)

    def command_only(self) -> None:
        chosen = self._chosen
        said = [f"tag:{','.join(chosen.tags)}"] if chosen.tags else []
        said += [f"method:{','.join(chosen.methods)}"] if chosen.methods else []
        said += [] if chosen.min_score is None else [f"score:{chosen.min_score:g}"]
        hint = "tag:hard,rare  method:imported,deepening  score:3.5; empty: all rows"
        self._ask("Only rows with", " ".join(said), hint, self._only)

    def _only(self, typed: str) -> None:
        meant = parse(typed, Filter())
        if meant != Filter(tags=meant.tags, methods=meant.methods, min_score=meant.min_score):
            raise UsageError("Here tag:, method: and score: count; types and statuses have keys of their own.")
        self._choose(tags=meant.tags, methods=meant.methods, min_score=meant.min_score)

    def command_out(self) -> None:
        self._ask("Export to", str(self._out), "a folder; it is made if need be", self._to, path=True)

    def _to(self, typed: str) -> None:
        if typed:
            self._out = Path(typed).expanduser()
            self._changed()

    def _ask(self, title: str, value: str, hint: str, take: Callable[[str], None], *, path: bool = False) -> None:
        from studio.tui.dialogs.questions import Ask

        def answered(typed: str | None) -> None:
            if typed is None:
                return
            try:
                take(typed)
            except StudioError as error:
                self.studio.complain(error)

        self.app.push_screen(Ask(title, value, hint, path=path), answered)

    # -- writing ---------------------------------------------------------------------------------

    def command_write(self) -> None:
        self.studio.jobs.stop("preview")
        self._result = None
        job = self.session.files.export(self._out, self._chosen, name=self._named)
        self.studio.jobs.start("export", job, self._seen, self._ended)

    def command_push(self) -> None:
        from studio.tui.dialogs.questions import Ask

        if self._result is None or not self._result.files:
            self.app.notify("Nothing is written yet: w writes, then P sends it.")
            return
        hint = "owner/name on the Hugging Face Hub, made private if it is new; the token comes from HF_TOKEN"
        self.app.push_screen(Ask("Push to", str(self.session.project.recall("push") or ""), hint), self._push)

    def _push(self, repo: str | None) -> None:
        if repo:
            self.session.project.remember("push", repo)
            job = self.session.files.push(self._out, repo, name=self._named, private=True)
            self.studio.jobs.start("push", job, self._seen, self._ended)

    def _seen(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Progressed):
                self._progress = f"{event.unit} {event.done:,}/{event.total:,}"
            elif isinstance(event, Previewed):
                self._preview = event
            elif isinstance(event, Exported):
                self._result, self._preview = event, event.preview
            elif isinstance(event, Pushed):
                self.app.notify(f"{event.files} files are at {event.url}", timeout=LASTING)
        self._tell()

    def _ended(self) -> None:
        self._progress = ""
        self._tell()

    def _tell(self) -> None:
        if self.is_attached:
            self.list.repaint()
            self.show_detail()
            self.show_header()
