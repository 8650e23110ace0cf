"""What a training run would make of a whole dataset file: traps of the file and its entry, a verdict a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from studio.alpaca.column_survey import CSV_NULLS, ColumnSurvey, Layout
from studio.alpaca.entries import mapped_columns, traps_of_entry
from studio.alpaca.llamafactory import Stage, Verdict, verdict
from studio.alpaca.traps import Trap


class Outlook(NamedTuple):
    """How a run would go. kept: rows trained on. reasons: how many rows were dropped or stop the run, by reason.

    trains: the run starts, with kept rows; else it ends in an error.
    """

    rows: int
    kept: int
    reasons: Mapping[Verdict, int]
    traps: tuple[Trap, ...]

    @property
    def trains(self) -> bool:
        stopped = any(reason.kind == "aborts" for reason in self.reasons)
        return self.kept > 0 and not stopped and not any(trap.effect == "aborts" for trap in self.traps)


class Preflight:
    """Looks at the objects of one file in order; `see` each once, then `finish`. Memory does not grow with rows.

    name, entry: of dataset_info.json. layout: how the file holds its objects, told by its content. For csv, values are
    the cells as text.
    """

    def __init__(self, name: str, entry: Mapping[str, Any], stage: Stage, layout: Layout) -> None:
        self._name, self._entry, self._stage, self._layout = name, entry, stage, layout
        self._survey = ColumnSurvey(layout)
        self._mapped = frozenset(mapped_columns(entry).values())
        self._rows = self._kept = 0
        self._reasons: Counter[Verdict] = Counter()
        self._traps: list[Trap] = []

    def add(self, traps: Iterable[Trap]) -> None:
        """Take in traps found beside the objects: of the first bytes, of the text of an object."""
        self._traps += traps

    def see(self, obj: Mapping[str, Any], offset: int = 0) -> Verdict:
        """What becomes of this object, if the file as a whole is read. offset: its place in the file in bytes."""
        self._traps += self._survey.see(obj, offset)
        if self._layout == "csv":
            obj = {name: None if cell in CSV_NULLS else cell for name, cell in obj.items()}
        # A mapped column that no row has is a trap of the entry, told at the end.
        said = verdict(obj, self._entry, self._stage, self._mapped | obj.keys())
        self._rows += 1
        if said.kind == "kept":
            self._kept += 1
        else:
            self._reasons[said] += 1
        return said

    def finish(self) -> Outlook:
        """The outlook over all that was seen."""
        converted = {"dates", "csv-numbers"}
        last = [trap for trap in self._survey.finish() if trap.code not in converted or trap.column in self._mapped]
        reasons, kept = dict(self._reasons), self._kept
        if any(trap.code in converted and trap.effect == "loses" for trap in last):
            reasons, kept = (
                {**reasons, Verdict("dropped", "the reader turned the answer into a date or number"): kept},
                0,
            )
        of_entry = traps_of_entry(self._name, self._entry, self._stage, self._survey.columns if self._rows else None)
        return Outlook(self._rows, kept, reasons, (*self._traps, *last, *of_entry))
