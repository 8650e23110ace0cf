"""What a training run would make of a whole dataset file: traps of the file and its entry, a verdict a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from studio.alpaca.column_survey import CSV_NULLS, ColumnSurvey, Layout
from studio.alpaca.entries import mapped_columns, traps_of_entry, traps_of_types
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
        roles = mapped_columns(entry)
        self._mapped = frozenset(roles.values())
        self._tag = roles.get("kto_tag", "")
        self._said: Counter[Verdict] = Counter()
        # The same with tags as text: all tags of a CSV file are, unless every one is true or false.
        self._said_of_text: Counter[Verdict] = Counter()
        self._traps: list[Trap] = []

    def add(self, traps: Iterable[Trap]) -> None:
        """Take in traps found beside the objects: of the first bytes, of the text of an object."""
        self._traps += traps

    def see(self, obj: Mapping[str, Any], offset: int = 0) -> Verdict:
        """What becomes of this object, if the file as a whole is read. offset: its place in the file in bytes."""
        if found := self._survey.see(obj, offset):
            self._traps += (trap for trap in found if trap.code != "csv-null" or trap.column in self._mapped)
        if self._layout == "csv":
            obj = {name: None if cell in CSV_NULLS else cell for name, cell in obj.items()}
            if self._tag:
                tag = obj.get(self._tag)
                self._said_of_text[self._judge(obj if tag is None else obj | {self._tag: str(tag)})] += 1
                if (tag := str(tag).lower()) in ("true", "false"):
                    obj[self._tag] = tag == "true"
        said = self._judge(obj)
        self._said[said] += 1
        return said

    def _judge(self, obj: Mapping[str, Any]) -> Verdict:
        # A mapped column that no row has is a trap of the entry, told at the end.
        return verdict(obj, self._entry, self._stage, self._mapped | obj.keys())

    def finish(self) -> Outlook:
        """The outlook over all that was seen."""
        survey = self._survey
        last = survey.finish()
        if self._mapped & set(survey.columns):
            # A single conversation looks like rows inside an object; the entry tells them apart.
            last = [trap for trap in last if trap.code != "wrapper"]
        last += traps_of_types(self._entry, self._stage, survey.converted)
        tagged = self._layout != "csv" or survey.converted.get(self._tag) == "truth value"
        said = self._said if tagged or not self._tag else self._said_of_text
        kept = sum(rows for one, rows in said.items() if one.kind == "kept")
        reasons = Counter({one: rows for one, rows in said.items() if one.kind != "kept"})
        if any(trap.effect == "loses" and trap.column in survey.converted for trap in last):
            reasons[Verdict("dropped", "the reader turned the answer into no text")] += kept
            kept = 0
        columns = survey.columns if said else None
        of_entry = traps_of_entry(self._name, self._entry, self._stage, columns, survey.keys)
        return Outlook(said.total(), kept, reasons, (*self._traps, *last, *of_entry))
