"""Which rows an export takes, told in one pass over them; a preview and the export itself begin with it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from studio.alpaca import dataset_info
from studio.alpaca.census import Census
from studio.alpaca.export_rows import Formatting, columns_of, export_object, filled
from studio.alpaca.lengths import estimate_tokens, packed_blocks
from studio.alpaca.llamafactory import STAGE_OF, verdict
from studio.alpaca.marks import MEDIA
from studio.alpaca.rows import COLUMNS, RowType
from studio.curate.selecting.split import counts, shares, split
from studio.jobs.events import Event, HeldBackFor, Previewed, Progressed, TypePreview
from studio.jobs.files.inspection import Inspection
from studio.settings import ExportSettings
from studio.store.files.media import MediaError, Shelf, find
from studio.store.filters import Filter
from studio.store.reader import Reader
from studio.store.rows import StoredRow, paired

THRESHOLD = 0.75
"""The overlap from which on rows are kept in one part of a split."""
STEP = 2000
"""Rows that are in memory at a time."""


class HeldBack(msgspec.Struct, frozen=True):
    """A row that stays out of the export, and why."""

    row: int
    type: RowType
    code: str
    field: str
    reason: str


class RowsOf(msgspec.Struct, frozen=True):
    """How an export gets at rows.

    ids: of a type, those asked for. page: rows by id. folder: where a row's media paths start from. origin: where it
    comes from, in words without a path. alike: looks for pairs of duplicates, which a split keeps together. stages: how
    many rows each stage of the project made or turned away, by its name.
    """

    ids: Callable[[RowType], array[int]]
    page: Callable[[Sequence[int]], list[StoredRow]]
    folder: Callable[[StoredRow], Path]
    origin: Callable[[StoredRow], str] = lambda stored: "written by hand"
    alike: Callable[[], Generator[Event, None, list[tuple[int, int]]]] | None = None
    stages: Mapping[str, int] = {}

    def each(self, ids: Sequence[int]) -> Iterator[StoredRow]:
        """The rows with these ids, a page in memory at a time."""
        for start in range(0, len(ids), STEP):
            yield from self.page(ids[start : start + STEP])


def rows_of(store: Reader, chosen: ExportSettings, home: Path) -> RowsOf:
    """The rows an export asks for. home: where media paths of rows written by hand start from."""
    base = Filter(statuses=chosen.statuses, tags=chosen.tags, methods=chosen.methods, min_score=chosen.min_score)
    origins: dict[tuple[int | None, int | None, bool], tuple[str, Path]] = {}

    def place(stored: StoredRow) -> tuple[str, Path]:
        key = stored.run, stored.source, paired(stored)
        if key not in origins:
            origins[key] = origin_of(store, stored), store.runs.folder(stored.source) or home
        return origins[key]

    return RowsOf(
        ids=lambda type: store.rows.ids(msgspec.structs.replace(base, type=type)),
        page=store.rows.page,
        folder=lambda stored: place(stored)[1],
        origin=lambda stored: place(stored)[0],
        alike=lambda: _alike(store),
        stages=_stages(store),
    )


def _alike(store: Reader) -> Generator[Event, None, list[tuple[int, int]]]:
    """Every pair of rows that a split must keep in one part: pairs that a search finds now, and pairs found before."""
    from studio.jobs.duplicates import dedup

    asked = dedup.Asked("overlap", "prompt", THRESHOLD, indexed=False)
    found = yield from dedup.search(store, asked)
    return [pair[:2] for pair in found.pairs] + [
        (pair.left, pair.right) for pair in store.pairs.all() if pair.score >= THRESHOLD
    ]


def origin_of(store: Reader, stored: StoredRow) -> str:
    """Where a row comes from, in words without a path: its run, its file, two rows, or that it was written by hand."""
    if stored.run is not None and (run := store.runs.get(stored.run)) is not None:
        by = "" if run.model is None else f" by {run.model or 'a model without a name'}"
        return f"{run.method}{by}, run {run.id}"
    if paired(stored):
        return "made of two rows"
    source = None if stored.source is None else store.runs.source(stored.source)
    return f"file {Path(source.path).name}" if source else "written by hand"


def _stages(store: Reader) -> dict[str, int]:
    counts = store.rows.counts()
    return {
        "imported or written": sum(count.n for count in counts if not count.generated),
        "generated": sum(count.n for count in counts if count.generated),
        "eliminated": sum(store.rows.rules().values()),
        "rejected": sum(store.rows.rules(generated=False).values()),
    }


def method_of(stored: StoredRow) -> str:
    """How the row came about, in the words of `store.filters.Filter.methods`."""
    if stored.generated:
        return stored.operation or "generated"
    return "written" if stored.source is None else "imported"


def waits(stored: StoredRow) -> bool:
    """Whether it is a task to evolve, not yet a row of a dataset."""
    return stored.seed and not getattr(stored.row, "output", "x").strip()


class Selection:
    """The rows of one type that go out, and what the pass over them told.

    ids: in the order of the file. columns: what a file of them has. waiting: seed tasks without an answer. parts: the
    ids by train, valid and test, or all of them under "".
    """

    def __init__(self, type: RowType, chosen: ExportSettings, inspection: Inspection) -> None:
        self.type = type
        self.ids = array("q")
        self.held: list[HeldBack] = []
        self.waiting = 0
        self.parts: dict[str, Sequence[int]] = {}
        self._short: dict[str, int] = {}
        self._chosen, self._inspection = chosen, inspection
        self._filled: set[str] = set()
        self._census = Census(type, inspection.cutoff, inspection.count)
        self._entry = self.entry("", COLUMNS[type])

    @property
    def columns(self) -> tuple[str, ...]:
        return columns_of(self.type, self._filled)

    @property
    def formatting(self) -> Formatting:
        return self._chosen.format

    def entry(self, file_name: str, columns: Sequence[str]) -> dict[str, Any]:
        """The dataset_info entry of a file with these columns."""
        return dataset_info.entry(self.type, file_name, columns, self.formatting)

    def see(self, stored: StoredRow, rows: RowsOf, shelf: Shelf) -> None:
        """Take the row in, or hold it back."""
        if waits(stored):
            self.waiting += 1
        elif why := self._problem(stored, rows.folder(stored), shelf):
            self.held.append(why)
        else:
            self.ids.append(stored.id)
            self._filled |= filled(stored.row)
            self._census.see(stored.row, status=stored.status, method=method_of(stored), origin=rows.origin(stored))

    def _problem(self, stored: StoredRow, folder: Path, shelf: Shelf) -> HeldBack | None:
        """Why the row is held back: an issue, a media file that cannot be copied, the trainer's verdict; else None."""
        for issue in self._inspection.faults_of(stored, folder):
            return HeldBack(stored.id, self.type, issue.code, issue.field, issue.message)
        try:
            placed(export_object(stored.row, _MEDIA_OF[self.type]), folder, shelf)
        except MediaError as error:
            # A waived issue does not help here: a missing file cannot be copied.
            return HeldBack(stored.id, self.type, "media-file", "", str(error))
        made = export_object(stored.row, COLUMNS[self.type], self.formatting)
        said = verdict(made, self._entry, STAGE_OF[self.type])
        if said.kind != "kept":
            return HeldBack(stored.id, self.type, f"trainer-{said.kind}", "", said.reason)
        return None

    def divide(self, alike: Sequence[tuple[int, int]]) -> None:
        """Split the rows as asked for, once all are seen."""
        chosen = self._chosen
        self.parts = {"": self.ids}
        if chosen.split:
            asked = shares(chosen.split)
            self.parts = {**split(self.ids, asked, chosen.seed, alike)}
            wanted = dict(zip(self.parts, counts(len(self.ids), asked), strict=True))
            self._short = {name: n for name, ids in self.parts.items() if (n := wanted[name] - len(ids)) > 0}

    def preview(self) -> TypePreview:
        """What the pass told, as a value."""
        held: dict[str, HeldBackFor] = {}
        for one in self.held:
            known = held.get(one.code) or HeldBackFor(one.code, one.reason, 0, one.row)
            held[one.code] = msgspec.structs.replace(known, rows=known.rows + 1)
        parts = {name: len(ids) for name, ids in self.parts.items() if name}
        by_rows = sorted(held.values(), key=lambda one: (-one.rows, one.code))
        return TypePreview(self._census.facts(), parts, self.waiting, by_rows, self._short)


_MEDIA_OF: dict[RowType, tuple[str, ...]] = {
    type: tuple(name for name in columns if name[:-1] in MEDIA) for type, columns in COLUMNS.items()
}


def placed(made: dict[str, Any], folder: Path, shelf: Shelf) -> dict[str, Any]:
    """The object with its media paths as they are in the export. Raises MediaError."""
    for kind in MEDIA:
        if paths := made.get(f"{kind}s"):
            made[f"{kind}s"] = [shelf.place(find(path, folder, f"{kind}s"), f"{kind}s") for path in paths]
    return made


def select(
    rows: RowsOf, chosen: ExportSettings, inspection: Inspection, shelf: Shelf
) -> Generator[Event, None, list[Selection]]:
    """Progressed events; returns the selection of each type asked for. Raises UsageError for a split that is none."""
    if chosen.split:
        shares(chosen.split)
    found = []
    alike = (yield from rows.alike()) if chosen.split and rows.alike else []
    for type in COLUMNS:
        if chosen.types and type not in chosen.types:
            continue
        selection = Selection(type, chosen, inspection)
        ids = rows.ids(type)
        for start in range(0, len(ids), STEP):
            for stored in rows.page(ids[start : start + STEP]):
                selection.see(stored, rows, shelf)
            yield Progressed(min(start + STEP, len(ids)), len(ids), f"{type} rows looked at")
        selection.divide(alike)
        found.append(selection)
    return found


def previewed(selections: Sequence[Selection], inspection: Inspection) -> Previewed:
    """What the selections say of an export."""
    types = [selection.preview() for selection in selections]
    shown = [one for one in types if one.facts.rows or one.held_back or one.waiting]
    estimated = inspection.count is estimate_tokens
    return Previewed(shown, inspection.cutoff, estimated, [*_notes(shown, inspection.cutoff)])


def _notes(types: Sequence[TypePreview], cutoff: int) -> Iterator[str]:
    for one in types:
        name, facts = one.facts.type, one.facts
        for part, n in one.short.items():
            yield f"{name}: {part} has {n} rows less than its share, since duplicates stay together in one part"
        for part, n in one.parts.items():
            if not n and facts.rows:
                yield f"{name}: {facts.rows} rows leave none for {part}, so there is no file of it"
        if name == "pretrain" and facts.rows and not packed_blocks(facts.tokens, cutoff):
            said = f"{name}: about {facts.tokens:,} tokens in all do not fill one block of {cutoff:,}"
            yield f"{said}; train_pt.yaml takes a smaller one"
