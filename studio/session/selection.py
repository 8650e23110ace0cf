"""Choosing rows: how redundant they are, which say most, which overlap a benchmark."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from studio.alpaca.rows import RowType, texts
from studio.errors import UsageError
from studio.jobs.events import Event
from studio.session.journal import DecisionJournal, count_of
from studio.session.project import OpenProject
from studio.store import decisions
from studio.store.filters import Filter
from studio.store.rows import StoredRow

if TYPE_CHECKING:
    from studio.curate.selecting.contamination import Hit, NearHit
    from studio.curate.selecting.diversity import Measure
    from studio.curate.selecting.redundancy import Clusters
    from studio.jobs.duplicates.redundancy_events import DiverseSelected

Outcome = Literal["tag", "reject", "none"]
LESS_DIVERSE = "less-diverse"
"""The rule by which rows outside a selection are rejected."""


class Selection:
    """The rows of an open project to choose from."""

    def __init__(self, project: OpenProject, journal: DecisionJournal) -> None:
        self._project, self._journal = project, journal

    async def redundancy(
        self, clusters: Clusters | None = None, dropped: Collection[int] | None = None
    ) -> AsyncGenerator[Event, None]:
        """How redundant the rows are, whole and by source and method; ends with RedundancyMeasured.

        clusters: of near-duplicates; None: those that the pairs found so far connect. dropped: rows to do without, to
        see what that changes; None: all rows of each cluster but the first. Nothing is changed.
        """
        from studio.jobs.duplicates import redundancy

        async for event in self._project.reading(lambda store: redundancy.measure(store, clusters, dropped)):
            yield event

    async def select_diverse(
        self,
        size: int,
        measure: Measure = "compression",
        seed: int = 42,
        *,
        type: RowType | None = None,
        apply: Outcome = "tag",
        tag: str = "diverse",
    ) -> AsyncGenerator[Event, None]:
        """Select the `size` rows that say most; DiverseSelected, and with an outcome RowsMarked, one undoable step.

        tag: the selected rows have the tag from then on, and no others. reject: the rows that took part and were not
        selected are rejected. none: nothing is changed. Raises UsageError for a size below 0, and a tag that is not one
        word: filters end a tag at a blank or a comma.
        """
        from studio.jobs.duplicates import redundancy
        from studio.jobs.duplicates.redundancy_events import DiverseSelected, RowsMarked

        if apply != "none":
            self._project.must_write()
        if apply == "tag" and len(tag.replace(",", " , ").split()) != 1:
            raise UsageError(
                f"{tag.strip()!r} is no tag." if tag.strip() else "A tag needs a name.",
                hint="A tag is one word, without blanks and commas: filters could not reach it.",
            )
        async for event in self._project.reading(lambda store: redundancy.choose(store, size, measure, seed, type)):
            yield event
            if isinstance(event, DiverseSelected) and apply != "none":
                yield RowsMarked(self._tag(event, tag.strip()) if apply == "tag" else self._reject_others(event))

    async def find_contamination(self, paths: Sequence[Path], *, reject: bool = False) -> AsyncGenerator[Event, None]:
        """Rows that overlap these benchmarks (files, folders, hf:owner/name); ends with ContaminationFound.

        reject: the rows are rejected with the evidence as one undoable step, but for those that share only what many
        entries have in common; ends with RowsMarked.
        """
        from studio.jobs.duplicates import contamination
        from studio.jobs.duplicates.redundancy_events import ContaminationFound, RowsMarked

        if reject:
            self._project.must_write()
        async for event in self._project.reading(lambda store: contamination.find_contamination(store, paths)):
            yield event
            if isinstance(event, ContaminationFound) and reject:
                yield RowsMarked(self._reject_contaminated(event.contaminated, event.near))

    def _tag(self, event: DiverseSelected, tag: str) -> int:
        selected = frozenset(event.selected)

        def tags(stored: StoredRow) -> dict[str, Any]:
            there = stored.id in selected and stored.status != "rejected"
            return {"tags": sorted({*stored.tags, tag} if there else {*stored.tags} - {tag})}

        rows = sorted({*selected, *self._project.rows.ids(Filter(tags=(tag,)))})
        changes = self._journal.changes_of(rows, tags)
        if changes:
            self._journal.decide("tag", f"tag {count_of(len(selected))} {tag}", changes)
        return len(changes)

    def _reject_others(self, event: DiverseSelected) -> int:
        all_of_them = len(event.selected) + len(event.others)
        said = f"{event.measure}, seed {event.seed}: not among the {len(event.selected)} selected of {all_of_them}"
        after = decisions.rejected(LESS_DIVERSE, said)
        changes = self._journal.changes_of(event.others, lambda stored: {} if stored.status == "rejected" else after)
        if changes:
            self._journal.decide("reject", f"reject {count_of(len(changes))} outside the selection", changes)
        return len(changes)

    def _reject_contaminated(self, found: Mapping[int, Sequence[Hit]], near: Mapping[int, NearHit]) -> int:
        from studio.jobs.duplicates.contamination import CONTAMINATED, evidence, near_evidence

        def after(stored: StoredRow) -> dict[str, Any]:
            if stored.id in near and stored.status != "rejected":
                return decisions.rejected(CONTAMINATED, near_evidence(near[stored.id]))
            # A row that was edited meanwhile may no longer hold what was found in it.
            there = [hit for hit in found.get(stored.id, ()) if _stands(stored, hit)]
            if not there or stored.status == "rejected":
                return {}
            return decisions.rejected(CONTAMINATED, evidence(there))

        changes = self._journal.changes_of(sorted({*found, *near}), after)
        if changes:
            self._journal.decide("reject", f"reject {count_of(len(changes))} that a benchmark has", changes)
        return len(changes)


def _stands(stored: StoredRow, hit: Hit) -> bool:
    known = dict(texts(stored.row))
    return hit.text == "\n".join(known.get(place.field, "")[place.begin : place.end] for place in hit.places)
