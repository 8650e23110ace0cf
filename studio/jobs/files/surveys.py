"""Looking at rows: the checks of a project, or of some of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from studio.alpaca.checks import Issue
from studio.jobs.events import Checked, Events, Progressed
from studio.jobs.files.inspection import Inspection
from studio.store.filters import Filter
from studio.store.reader import Reader
from studio.store.rows import Rows, StoredRow

_STEP = 2000
_HERE = Filter(statuses=("pending", "accepted"))
# Rows that together fill a sample are few.
_FEW = 200


def check_rows(store: Reader, inspection: Inspection, home: Path, ids: Sequence[int] | None = None) -> Events:
    """Progressed, then Checked with every issue of the rows that are not rejected.

    ids: only these rows. home: where media paths of rows written by hand start from.
    """
    issues: dict[int, list[Issue]] = {}
    folders: dict[int | None, Path] = {}
    total = sum(count.n for count in store.rows.counts() if count.status != "rejected") if ids is None else len(ids)
    seen = 0
    for stored in store.rows.each(_HERE) if ids is None else _some(store.rows, ids):
        if stored.source not in folders:
            folders[stored.source] = store.runs.folder(stored.source) or home
        if found := inspection.issues_of(stored, folders[stored.source]):
            issues[stored.id] = found
        seen += 1
        if seen % _STEP == 0:
            yield Progressed(seen, total, "rows checked")
    yield Checked(seen, issues, issues_of_set(store.rows, inspection))


def _some(rows: Rows, ids: Sequence[int]) -> Iterator[StoredRow]:
    for start in range(0, len(ids), _STEP):
        yield from (stored for stored in rows.page(ids[start : start + _STEP]) if stored.status != "rejected")


def issues_of_set(rows: Rows, inspection: Inspection) -> list[Issue]:
    """What is wrong with a project's rows as a whole."""
    pretrain = Filter(type="pretrain", statuses=_HERE.statuses)
    return inspection.issues_of_set(stored.row for stored in rows.each(pretrain, _FEW))
