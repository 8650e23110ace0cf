"""Rows for an export without a project: in memory, with what a store would tell of them."""

from __future__ import annotations

from array import array
from pathlib import Path

from studio.alpaca.rows import type_of
from studio.jobs.events import Exported, Previewed
from studio.jobs.files.exports import export, preview
from studio.jobs.files.inspection import Inspection
from studio.jobs.files.selection import RowsOf
from studio.settings import ExportSettings, Settings
from studio.store.rows import StoredRow


def stored(row_id, row, **more):
    """A row as the store holds it: imported and accepted unless more says otherwise."""
    state = {"status": "accepted", "seed": False, "generated": False, "source": 1}
    rest = dict.fromkeys(StoredRow.__struct_fields__[6:19]) | state | more
    return StoredRow(row_id, type_of(row), row, **rest)


def in_memory(rows, folder=Path("/nowhere"), **more):
    """RowsOf these rows, or stored rows; ids count from 1. folder: where media paths start from."""
    held = [one if isinstance(one, StoredRow) else stored(n, one) for n, one in enumerate(rows, start=1)]
    by_id = {one.id: one for one in held}
    return RowsOf(
        ids=lambda type: array("q", (one.id for one in held if one.type == type)),
        page=lambda ids: [by_id[row] for row in ids],
        folder=lambda one: folder,
        **{"origin": lambda one: "file rows.json", **more},
    )


def inspection(*, cutoff=2048, skip=()):
    """The checks by default settings but for these."""
    settings = Settings()
    chosen = type(settings.check)(cutoff=cutoff, skip=tuple(skip))
    return Inspection(type(settings)(check=chosen), Path())


def export_rows(rows, out, *, name="p", strict=False, checks=None, **chosen):
    """Export to the end; the Exported event. rows: RowsOf, or rows. chosen: settings of the export."""
    rows = rows if isinstance(rows, RowsOf) else in_memory(rows)
    events = list(export(rows, ExportSettings(**chosen), out, name, checks or inspection(), strict=strict))
    assert isinstance(events[-1], Exported)
    return events[-1]


def preview_rows(rows, out=Path("/nowhere/out"), checks=None, **chosen):
    """Preview to the end; the Previewed event."""
    rows = rows if isinstance(rows, RowsOf) else in_memory(rows)
    *_, last = preview(rows, ExportSettings(**chosen), out, checks or inspection())
    assert isinstance(last, Previewed)
    return last


def files_in(folder):
    """Every file below the folder, as bytes by its path; what killed exports left is not looked at."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".studio-export-" not in str(path)
    }
