"""Looking at every row: the checks."""

from __future__ import annotations

from pathlib import Path

from studio.alpaca.checks import Issue, check
from studio.alpaca.rows import Row
from studio.jobs.events import Checked, Events, Progressed
from studio.store.filters import Filter
from studio.store.media import MediaError, find
from studio.store.reader import Reader
from studio.store.rows import StoredRow

_STEP = 2000
_MEDIA = ("images", "videos", "audios")


def check_rows(store: Reader, folder: Path) -> Events:
    """Progressed, then Checked with every issue of the rows that are not rejected.

    folder: where media paths of rows written by hand start from.
    """
    issues: dict[int, list[Issue]] = {}
    total = sum(count.n for count in store.rows.counts() if count.status != "rejected")
    seen = 0
    for stored in store.rows.each(Filter(statuses=("pending", "accepted"))):
        if found := issues_of(stored, store.runs.folder(stored.source) or folder):
            issues[stored.id] = found
        seen += 1
        if seen % _STEP == 0:
            yield Progressed(seen, total, "rows checked")
    yield Checked(seen, issues)


def issues_of(stored: StoredRow, folder: Path) -> list[Issue]:
    """Everything to say about one row; folder: where its media paths start from.

    That a seed task has no answer yet is no issue: it is there to be evolved.
    """
    return [issue for issue in issues_of_row(stored.row, folder) if not (stored.seed and issue.code == "empty-output")]


def issues_of_row(row: Row, folder: Path) -> list[Issue]:
    """The checks of a row, and of the media files it names."""
    found = check(row)
    for kind in _MEDIA:
        for path in getattr(row, kind, ()):
            try:
                find(path, folder, kind)
            except MediaError as error:
                found.append(Issue("media-file", "error", kind, str(error), fix=False))
    return found
