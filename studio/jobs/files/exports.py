"""Export: rows to a folder LLaMA-Factory loads, or a refusal that says why.

Everything is first written beside the target, read back and held against the model of the trainer's loader, and only
then moved into place (store/export_folder.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

import msgspec

from studio import __version__
from studio.alpaca.card import PartFile
from studio.alpaca.column_survey import Layout
from studio.alpaca.dataset_info import safe_name
from studio.alpaca.export_rows import export_object, filled, shapes
from studio.alpaca.llamafactory import STAGE_OF
from studio.alpaca.marks import MEDIA
from studio.alpaca.preflight import Outlook, Preflight
from studio.alpaca.rows import RowType, fields
from studio.errors import StudioError
from studio.jobs.events import Events, Exported, FileWritten, Progressed
from studio.jobs.files import companions
from studio.jobs.files.inspection import Inspection
from studio.jobs.files.selection import RowsOf, Selection, placed, previewed, select
from studio.settings import ExportSettings
from studio.store.files import export_folder, readers
from studio.store.files.export_folder import ExportFolder
from studio.store.files.media import MediaError, Shelf
from studio.store.files.writers import write_objects

HELD_BACK = "held_back.jsonl"
_LAYOUTS: dict[str, Layout] = {"json": "array", "jsonl": "lines", "parquet": "typed"}
_LISTS = {"history", *(f"{kind}s" for kind in MEDIA)}


def preview(rows: RowsOf, chosen: ExportSettings, out: Path, inspection: Inspection) -> Events:
    """Progressed events, then Previewed: what `export` would write. Nothing is written."""
    selections = yield from select(rows, chosen, inspection, Shelf(out))
    yield previewed(selections, inspection)


def export(
    rows: RowsOf, chosen: ExportSettings, out: Path, name: str, inspection: Inspection, *, strict: bool
) -> Events:
    """Progressed events, FileWritten for each dataset file, then Exported.

    name: prefix of the dataset names in dataset_info.json. strict: a single row that the trainer would not
    keep refuses the whole export. Raises StudioError then, or when out cannot be written; out is as it was.
    """
    shelf = Shelf(out)
    selections = yield from select(rows, chosen, inspection, shelf)
    told = previewed(selections, inspection)
    held = sum(len(selection.held) for selection in selections)
    if strict and held:
        reasons = ", ".join(f"{code} ({n})" for code, n in told.reasons.items())
        raise StudioError(
            f"{held} rows would not be kept by the trainer: {reasons}. Nothing was written.",
            title="Export refused",
            hint="Mend them in Check, or export without --strict to leave them out.",
        )
    parts: list[PartFile] = []
    entries: dict[str, Any] = {}
    facts: dict[str, dict[str, Any]] = {}
    with export_folder.opened(out, name) as folder:
        for selection in selections:
            for part, ids in selection.parts.items():
                if not ids:
                    continue
                file = _Dataset(folder, selection, part, name, _kind(selection.type, chosen))
                yield from file.write(ids, rows, shelf)
                entries[file.dataset] = file.entry
                parts.append(PartFile(selection.type, part, file.path.name, file.dataset, len(ids)))
                facts[file.path.name] = {
                    "type": selection.type,
                    "part": part,
                    "dataset": file.dataset,
                    "rows": len(ids),
                    "columns": selection.columns,
                    "formatting": chosen.format,
                }
        shelf.copy_to(folder.staging)
        asked = _settings(chosen, inspection.cutoff)
        beside: list[str] = []
        held_list = ""
        if parts:
            beside = companions.write(folder, name, parts, selections, told, rows.stages, asked, inspection)
        if held:
            held_list = _tell_held_back(folder, selections, rows)
            facts[held_list] = {"rows": held, "held_back": True}
        folder.move_into_place(entries, facts, {"version": __version__, "settings": asked})
    files = [FileWritten(str(out / one.file), one.type, one.rows, one.part) for one in parts]
    yield from files
    waiting = sum(selection.waiting for selection in selections)
    listed = str(out / held_list) if held else ""
    yield Exported(str(out), files, held, waiting, told.reasons, told, listed, tuple(beside))


def _settings(chosen: ExportSettings, cutoff: int) -> dict[str, Any]:
    """What was asked for, without the folder, whose path is nobody else's business."""
    asked = {name: value for name, value in msgspec.structs.asdict(chosen).items() if name != "out"}
    return {**asked, "cutoff": cutoff}


def _kind(type: RowType, chosen: ExportSettings) -> str:
    if chosen.file != "auto":
        return chosen.file
    return "jsonl" if type == "pretrain" else "json"


class _Dataset:
    """One file of an export: its place, its name and entry in dataset_info.json."""

    def __init__(self, folder: ExportFolder, selection: Selection, part: str, name: str, kind: str) -> None:
        self._selection, self._kind = selection, kind
        behind = f"_{part}" if part else ""
        self.dataset = safe_name(f"{name}_{selection.type}{behind}")
        self.path = folder.place_data(self.dataset, f"{selection.type}{behind}", kind)
        self.entry = selection.entry(self.path.name, selection.columns)

    def write(self, ids: Sequence[int], rows: RowsOf, shelf: Shelf) -> Events:
        """Write the rows and read them back as the trainer would. Raises StudioError when it would not keep each."""
        outlook = self._try(ids, rows, shelf)
        if any(trap.code == "null-first" for trap in outlook.traps):
            # Lines are typed by their first 10 MB, so a row with something in each list goes in front.
            ids = _leading(ids, rows)
            outlook = self._try(ids, rows, shelf)
        if not outlook.trains or outlook.kept != len(ids):
            traps = [trap for trap in outlook.traps if trap.effect != "harmless"]
            causes = [f"{trap.column}: {trap.message}" if trap.column else trap.message for trap in traps]
            causes += [f"{n} rows: {reason.reason}" for reason, n in outlook.reasons.items()]
            listed = "; ".join(causes) or f"{outlook.rows} rows of {len(ids)} are there"
            hint = " ".join([*(trap.cure for trap in traps[:1]), "Nothing was written."])
            raise StudioError(f"{self.path.name}: {listed}.", title="Export refused", hint=hint)
        yield Progressed(len(ids), len(ids), f"{self._selection.type} rows written")

    def _try(self, ids: Sequence[int], rows: RowsOf, shelf: Shelf) -> Outlook:
        selection = self._selection
        columns, formatting = selection.columns, selection.formatting

        def objects() -> Iterator[dict[str, Any]]:
            for stored in rows.each(ids):
                try:
                    yield placed(export_object(stored.row, columns, formatting), rows.folder(stored), shelf)
                except MediaError as error:
                    raise StudioError(f"{error}, but was there a moment ago.", hint="Export again.") from None

        write_objects(self.path, objects(), shapes(selection.type, columns, formatting))
        flight = Preflight(self.dataset, self.entry, STAGE_OF[selection.type], _LAYOUTS[self._kind])
        for block in readers.read(self.path):
            # Only the reader of lines depends on offsets; for other kinds they would cost time and change nothing.
            offsets = block.find_offsets() if self._kind == "jsonl" else repeat(0)
            for value, offset in zip(block.values, offsets, strict=False):
                flight.see(value, offset or 0)
            if block.broken:
                raise StudioError(str(block.broken[0]), title="Export refused")
        return flight.finish()


def _leading(ids: Sequence[int], rows: RowsOf) -> list[int]:
    """The ids, beginning with the first row that fills each list column."""
    wanted, first = set(_LISTS), list[int]()
    for stored in rows.each(ids):
        if new := wanted & filled(stored.row):
            wanted -= new
            first.append(stored.id)
        if not wanted:
            break
    return [*first, *(row for row in ids if row not in first)]


def _tell_held_back(folder: ExportFolder, selections: Sequence[Selection], rows: RowsOf) -> str:
    """Write every row that stays out, with its reason; returns the file's name."""
    held = {one.row: one for selection in selections for one in selection.held}
    path = folder.place(HELD_BACK)
    write_objects(
        path,
        (
            {**msgspec.structs.asdict(held[stored.id]), "content": fields(stored.row)}
            for stored in rows.each(list(held))
        ),
    )
    return path.name
