"""Checking a dataset file that is in no project: its rows, and what the trainer would make of it as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from studio.alpaca import rows as alpaca
from studio.alpaca.checks import FIELD_TYPE, UNREADABLE, Issue
from studio.alpaca.column_survey import Layout
from studio.alpaca.columns import Guess, row_of
from studio.alpaca.llamafactory import STAGE_OF, Stage
from studio.alpaca.preflight import Outlook, Preflight
from studio.alpaca.rows import Pretrain, Row, RowError, RowType
from studio.alpaca.traps import Trap, traps_of_head, traps_of_name, traps_of_text
from studio.errors import StudioError
from studio.jobs.events import Events, FileChecked, FileKnown, FileOutlook, FileRowsChecked
from studio.jobs.files.file_entries import entries_of, guess_of, usual_entry
from studio.jobs.files.inspection import Inspection
from studio.store.files import readers
from studio.store.files.blocks import Block, Broken
from studio.store.files.opening import COMPRESSED, kind_of
from studio.store.files.raw_text import RawText

_HEAD = 1 << 16
_SAMPLED = 100
_ONE_READ = 327_680
"""Bytes that datasets.load_dataset hands to Arrow's JSON reader at a time; it cuts them only behind a line."""
_IMPORT = "Import the file and export it."
_LAYOUTS: dict[str, Layout] = {"array": "array", ".csv": "csv", ".txt": "typed", ".parquet": "typed", ".arrow": "typed"}


def check_file(path: Path, type: RowType | None, stage: Stage | None, inspection: Inspection) -> Events:
    """FileKnown, FileRowsChecked for each stretch of the file, then FileChecked.

    type, stage: what the file is and what it trains; None: told from its entry in the dataset_info.json beside it,
    and from its columns. Raises UsageError when neither tells.
    """
    entries, traps = entries_of(path)
    traps += [*(() if entries else traps_of_name(path.name)), *_head(path)]
    known = None
    if not any(trap.code == "encoding" for trap in traps):
        try:
            known = readers.layout(path)
        except StudioError as error:
            traps.append(Trap("encoding", "aborts", error.message, error.hint))
    if known is None:
        yield FileKnown(str(path), type or "sft", "its text cannot be read")
        run = stage or STAGE_OF[type or "sft"]
        yield FileChecked([FileOutlook(name, run, Outlook(0, 0, {}, tuple(traps)), None) for name in entries or [""]])
        return
    first = next(readers.read(path, known=known), None)
    objects = [one for one in (first.values if first else ())[:_SAMPLED] if isinstance(one, dict)]
    guess = guess_of(path, objects, type, next(iter(entries.values()), None))
    assert guess.type is not None
    run = stage or STAGE_OF[guess.type]
    yield FileKnown(str(path), guess.type, guess.why)
    layout = _LAYOUTS.get(known.kind, "lines")
    assumed = {"": usual_entry(path, guess)}
    flights = {name: Preflight(name or path.stem, one, run, layout) for name, one in (entries or assumed).items()}
    look = _Look(path, guess, known, layout, inspection, list(flights.values()))
    look.tell(traps)
    for block in readers.read(path, known=known):
        said = (one for one in look.at(block) if one[1].code not in inspection.skipped)
        issues = sorted(said, key=lambda one: one[0])
        yield FileRowsChecked(len(block.values) + len(block.broken), issues, block.end)
    if run == "pt":
        look.tell_of_set()
    if entries:
        yield FileChecked([FileOutlook(name, run, flight.finish(), None) for name, flight in flights.items()])
        return
    if guess.shape not in ("alpaca", "sharegpt", "openai"):
        look.tell([Trap("shape", "aborts", "the trainer does not read rows of this form", _IMPORT)])
    outlook = flights[""].finish()
    # The entry was ours: it named every column such a file may have.
    there = tuple(trap for trap in outlook.traps if trap.code != "absent-column")
    yield FileChecked([FileOutlook("", run, outlook._replace(traps=there), usual_entry(path, guess, look.columns))])


def _head(path: Path) -> list[Trap]:
    """What the first bytes of a text file tell."""
    kind = kind_of(path)
    if kind in (".parquet", ".arrow") or path.suffix in COMPRESSED:
        return []
    with path.open("rb") as file:
        head = file.read(_HEAD)
    traps = traps_of_head(head, whole=len(head) < _HEAD)
    return [trap for trap in traps if kind != ".txt" or trap.code != "byte-order-mark"]


class _Look:
    """Looks at the blocks of one file: issues of its rows for a person, objects and traps for the flights."""

    def __init__(
        self,
        path: Path,
        guess: Guess,
        known: readers.Layout,
        layout: Layout,
        inspection: Inspection,
        flights: list[Preflight],
    ) -> None:
        self._folder, self._guess, self._layout, self._inspection = path.parent, guess, layout, inspection
        self._flights = flights
        # What the trainer sees of a wrapper is one object with a list in it.
        self._key = known.wrapper.key if known.wrapper else ""
        self._flies = known.kind != "wrapper"
        plain = known.kind in ("array", "lines") and path.suffix not in COMPRESSED
        self._text = RawText(path) if plain else None
        self._told: set[tuple[str, str]] = set()
        self._pretrain: list[Row] = []
        self.columns: set[str] = set()
        if known.kind == "objects" and path.stat().st_size > _ONE_READ:
            said = "its objects take several lines each, and the reader cuts long files behind any line"
            self.tell([Trap("several-lines", "aborts", said, _IMPORT)])

    def at(self, block: Block) -> Iterator[tuple[int, Issue]]:
        """Every issue of the block with the number of its row."""
        self.tell(self._hidden(block))
        if self._key and block.values:
            for flight in self._flights:
                flight.see({self._key: list(block.values[:1])})
            self._key = ""
        for number, offset, value in block.read:
            yield from self._object(value, number, offset or 0)
        for broken in block.broken:
            yield broken.line, Issue(UNREADABLE.code, "error", f"column {broken.column}", broken.cause)
            self._broken(broken)

    def tell(self, traps: Iterable[Trap]) -> None:
        """Take in traps, each kind once a column."""
        for trap in traps:
            if (trap.code, trap.column) not in self._told:
                self._told.add((trap.code, trap.column))
                for flight in self._flights:
                    flight.add([trap])

    def tell_of_set(self) -> None:
        """Take in what is wrong with the texts as a whole."""
        cure = "Add text, or train with a smaller cutoff_len."
        issues = self._inspection.issues_of_set(self._pretrain)
        self.tell(Trap(issue.code, "aborts", issue.message, cure, issue.field) for issue in issues)

    def _see(self, value: dict[str, Any], offset: int) -> None:
        self.columns.update(value)
        if self._flies:
            seen = {key: _cell(part) for key, part in value.items()} if self._layout == "csv" else value
            for flight in self._flights:
                flight.see(seen, offset)

    def _object(self, value: Any, number: int, offset: int) -> Iterator[tuple[int, Issue]]:
        if isinstance(value, dict):
            self._see(value, offset)
        else:
            said = f"row {number} is {alpaca.kind(value)}, not an object"
            self.tell([Trap("syntax", "aborts", said, "Remove it, or make it an object.", offset=offset)])
        try:
            row = row_of(self._guess, value)[0]
        except RowError as error:
            yield number, Issue(FIELD_TYPE.code, "error", error.field, error.problem)
            return
        if isinstance(row, Pretrain) and len(self._pretrain) < self._inspection.cutoff:
            self._pretrain.append(row)
        for issue in self._inspection.issues(row, self._folder):
            yield number, issue

    def _broken(self, broken: Broken) -> None:
        """What our reader refuses, the trainer's may take: numbers that are none, halves of surrogate pairs."""
        if self._layout in ("array", "lines"):
            try:
                text = broken.raw.decode()
                self.tell(self._traps(text, broken.offset))
                value = json.loads(text, strict=self._layout == "lines")
                if isinstance(value, dict):
                    self._see(value, broken.offset)
                    return
            except (ValueError, RecursionError):
                pass  # so it is broken for the trainer too
        if ("empty-file", "") in self._told:
            return
        said = f"line {broken.line}, column {broken.column}: {broken.cause}"
        cells, _, names = broken.cause.partition(" cells under ")
        if names and int(cells) < int(names.split()[0]):
            said += "; the trainer reads null where one is missing"
            self.tell([Trap("few-cells", "loses", said, "Fill up the line.")])
        else:
            self.tell([Trap("syntax", "aborts", said, "Correct it or take it out.", offset=broken.offset)])

    def _hidden(self, block: Block) -> Iterator[Trap]:
        """Keys given twice and numbers too big, which parsing hides."""
        for offset, text in self._text.suspect(block) if self._text else ():
            try:
                yield from self._traps(text, offset)
            except ValueError:
                continue  # a broken object is reported elsewhere

    def _traps(self, text: str, offset: int) -> list[Trap]:
        return traps_of_text(text, "array" if self._layout == "array" else "lines", offset)


def _cell(value: Any) -> Any:
    """The cell as it stands in the file: our reader makes lists and truth values of some."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
