"""Export: rows to a folder LLaMA-Factory loads, or a refusal that says why.

Everything is first written beside the target, read back and held against the model of the trainer's
loader, and only then renamed into place, dataset_info.json last: a kill in between leaves every file old or new.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import msgspec
import orjson

from studio.alpaca import dataset_info
from studio.alpaca.checks import check
from studio.alpaca.column_survey import Layout
from studio.alpaca.export_rows import OPTIONAL, export_object
from studio.alpaca.llamafactory import STAGE_OF, verdict
from studio.alpaca.preflight import Preflight
from studio.alpaca.rows import COLUMNS, RowType, fields
from studio.errors import StudioError
from studio.jobs.events import Events, Exported, FileWritten, Progressed
from studio.store import readers
from studio.store.atomic import sync_folder, write
from studio.store.filters import Filter, Status
from studio.store.media import MediaError, Shelf, find
from studio.store.reader import Reader
from studio.store.rows import StoredRow
from studio.store.writers import write_objects

HELD_BACK = "held_back.jsonl"
_STAGING = ".studio-export-"
_MEDIA = ("images", "videos", "audios")
_STEP = 2000


class HeldBack(msgspec.Struct, frozen=True):
    """A row that stays out of the export, and why."""

    row: int
    type: RowType
    code: str
    field: str
    reason: str


class RowsOf(msgspec.Struct, frozen=True):
    """How an export gets at rows: the ids of a type, pages by id, the folder a row's media paths start from."""

    ids: Callable[[RowType], array[int]]
    page: Callable[[Sequence[int]], list[StoredRow]]
    folder: Callable[[StoredRow], Path]


def rows_of(store: Reader, statuses: tuple[Status, ...], home: Path) -> RowsOf:
    """The rows with these statuses. home: where media paths of rows written by hand start from."""
    return RowsOf(
        ids=lambda type: store.rows.ids(Filter(type=type, statuses=statuses)),
        page=store.rows.page,
        folder=lambda stored: store.runs.folder(stored.source) or home,
    )


def export(rows: RowsOf, types: Sequence[RowType], out: Path, name: str, *, strict: bool) -> Events:
    """Progressed events, FileWritten for each type that has rows, then Exported.

    name: prefix of the dataset names in dataset_info.json. strict: a single row that the trainer would not
    keep refuses the whole export. Raises StudioError then, or when out cannot be written; out is as it was.
    """
    held: list[HeldBack] = []
    chosen: dict[RowType, _Choice] = {}
    shelf = Shelf(out)
    for type in types:
        choice = chosen[type] = _Choice(type)
        yield from choice.make(rows, shelf, held)
    reasons = dict(Counter(one.code for one in held).most_common())
    if strict and held:
        listed = ", ".join(f"{code} ({n})" for code, n in reasons.items())
        raise StudioError(
            f"{len(held)} rows would not be kept by the trainer: {listed}. Nothing was written.",
            title="Export refused",
            hint="Mend them in Check, or export without --strict to leave them out.",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        _clear_left_over(out)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=out))
        held_open = os.open(staging, os.O_RDONLY)
        fcntl.flock(held_open, fcntl.LOCK_EX)
    except OSError as error:
        raise StudioError(f"{out} cannot be written: {error.strerror}.", hint="Choose another folder.") from None
    try:
        files: list[FileWritten] = []
        entries: dict[str, Any] = {}
        existing = _existing(out)
        for type, choice in chosen.items():
            if choice.ids:
                dataset = dataset_info.safe_name(f"{name}_{type}")
                file = _file_name(out, existing, dataset, type)
                entry = dataset_info.entry(type, file, choice.columns)
                yield from _write(staging / file, choice, rows, shelf)
                _verify(staging / file, entry, choice)
                entries[dataset] = entry
                files.append(FileWritten(str(out / file), type, len(choice.ids)))
        shelf.copy_to(staging)
        info = dataset_info.encode(dataset_info.merge(existing, entries))
        _keep_backup(out / dataset_info.FILE_NAME, info)
        _tell_held_back(staging, held, rows)
        _move_into_place(staging, out, info)
    except OSError as error:
        raise StudioError(
            f"The export stopped: {error.strerror or error}. Every file in {out} is whole: the old one or the new one.",
            hint="Mend that and export again.",
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        os.close(held_open)
    yield from files
    waiting = sum(choice.waiting for choice in chosen.values())
    yield Exported(str(out), files, len(held), waiting, reasons)


class _Choice:
    """The rows of one type that go out: their ids, and the columns their file has."""

    def __init__(self, type: RowType) -> None:
        self.type = type
        self.ids: array[int] = array("q")
        self.waiting = 0
        self._used = {column for column in COLUMNS[type] if column not in OPTIONAL}
        self._entry = dataset_info.entry(type, "", COLUMNS[type])

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column for column in COLUMNS[self.type] if column in self._used)

    def make(self, rows: RowsOf, shelf: Shelf, held: list[HeldBack]) -> Events:
        ids = rows.ids(self.type)
        for start in range(0, len(ids), _STEP):
            for stored in rows.page(ids[start : start + _STEP]):
                if _waits(stored):
                    self.waiting += 1
                elif why := self._problem(stored, rows.folder(stored), shelf):
                    held.append(why)
                else:
                    self.ids.append(stored.id)
                    self._used.update(name for name in OPTIONAL if getattr(stored.row, name, None))
            yield Progressed(min(start + _STEP, len(ids)), len(ids), f"{self.type} rows looked at")

    def _problem(self, stored: StoredRow, folder: Path, shelf: Shelf) -> HeldBack | None:
        """Why the trainer would not keep the row, or would learn nothing good from it."""
        for issue in check(stored.row):
            if issue.severity == "error":
                return HeldBack(stored.id, self.type, issue.code, issue.field, issue.message)
        for kind in _MEDIA:
            for path in getattr(stored.row, kind, ()):
                try:
                    shelf.place(find(path, folder, kind), kind)
                except MediaError as error:
                    return HeldBack(stored.id, self.type, "media-file", kind, str(error))
        said = verdict(export_object(stored.row, COLUMNS[self.type]), self._entry, STAGE_OF[self.type])
        if said.kind != "kept":
            return HeldBack(stored.id, self.type, f"trainer-{said.kind}", "", said.reason)
        return None


def _waits(stored: StoredRow) -> bool:
    """Whether the row is a seed task without an answer: a task to evolve, not yet a row of a dataset."""
    return stored.seed and not getattr(stored.row, "output", "x").strip()


def _write(path: Path, choice: _Choice, rows: RowsOf, shelf: Shelf) -> Events:
    """Write the chosen rows. The generator inside the writer cannot yield events, so pages are its unit."""

    def objects() -> Iterator[dict[str, Any]]:
        for start in range(0, len(choice.ids), _STEP):
            for stored in rows.page(choice.ids[start : start + _STEP]):
                one = export_object(stored.row, choice.columns)
                for kind in _MEDIA:
                    if one.get(kind):
                        one[kind] = [shelf.place(find(p, rows.folder(stored), kind), kind) for p in one[kind]]
                yield one

    written = write_objects(path, objects())
    yield Progressed(written, len(choice.ids), f"{choice.type} rows written")


def _verify(path: Path, entry: dict[str, Any], choice: _Choice) -> None:
    """Read the file back as the trainer would. Raises StudioError when it would not keep every row."""
    layout: Layout = "lines" if path.suffix == ".jsonl" else "array"
    flight = Preflight(path.stem, entry, STAGE_OF[choice.type], layout)
    for block in readers.read(path):
        for _, offset, value in block.read:
            flight.see(value, offset or 0)
        if block.broken:
            raise StudioError(str(block.broken[0]), title="Export refused")
    outlook = flight.finish()
    if not outlook.trains or outlook.kept != len(choice.ids):
        causes = [trap.message for trap in outlook.traps if trap.effect != "harmless"]
        causes += [f"{n} rows: {reason.reason}" for reason, n in outlook.reasons.items()]
        listed = "; ".join(causes) or f"{outlook.rows} rows of {len(choice.ids)} are there"
        raise StudioError(f"{path.name}: {listed}.", title="Export refused", hint="Nothing was written.")


def _existing(out: Path) -> dict[str, Any] | None:
    """The dataset_info.json that is there; other people's entries stay in it."""
    path = out / dataset_info.FILE_NAME
    if not path.exists():
        return None
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise StudioError(
            f"{path} is not valid JSON: {error}. It was left as it is.", hint="Mend it or move it away."
        ) from None
    return dataset_info.merge(found, {})


def _file_name(out: Path, existing: Mapping[str, Any] | None, dataset: str, type: RowType) -> str:
    """The file an earlier export of this dataset wrote, else a name that is free: other people's files stay."""
    suffix = "jsonl" if type == "pretrain" else "json"
    used = {name: entry.get("file_name") for name, entry in (existing or {}).items() if isinstance(entry, dict)}
    ours = used.pop(dataset, None)
    if isinstance(ours, str) and ours.endswith(f".{suffix}") and "/" not in ours and ours not in used.values():
        return ours
    stem = re.sub(r"[^\w.-]", "-", dataset)
    names = chain([f"{type}.{suffix}", f"{stem}.{suffix}"], (f"{stem}-{n}.{suffix}" for n in count(2)))
    return next(name for name in names if not (out / name).exists())


def _keep_backup(path: Path, info: bytes) -> None:
    """Keep every earlier state of the file under a name of its own."""
    if path.exists() and path.read_bytes() != info:
        names = chain([f"{path.name}.bak"], (f"{path.name}.bak{n}" for n in count(2)))
        write(next(backup for name in names if not (backup := path.with_name(name)).exists()), path.read_bytes())


def _clear_left_over(out: Path) -> None:
    """Take away what a killed export was writing; one that still writes holds a lock on its folder."""
    for left in out.glob(f"{_STAGING}*"):
        handle = os.open(left, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(handle)


def _tell_held_back(staging: Path, held: list[HeldBack], rows: RowsOf) -> None:
    if held:
        contents = {stored.id: fields(stored.row) for stored in rows.page([one.row for one in held])}
        write_objects(
            staging / HELD_BACK, ({**msgspec.structs.asdict(one), "content": contents[one.row]} for one in held)
        )


def _move_into_place(staging: Path, out: Path, info: bytes) -> None:
    """Rename every staged file to its place; a held_back list of an earlier export goes if this one has none."""
    staged = sorted(path for path in staging.rglob("*") if path.is_file())
    for path in staged:
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for path in staged:
        target = out / path.relative_to(staging)
        target.parent.mkdir(exist_ok=True)
        path.replace(target)
        sync_folder(target.parent)
    if not any(path.name == HELD_BACK for path in staged):
        (out / HELD_BACK).unlink(missing_ok=True)
    write(out / dataset_info.FILE_NAME, info)
