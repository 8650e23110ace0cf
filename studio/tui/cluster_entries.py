"""The queue of clusters as list lines: how alike, how many rows, and how the first one begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from studio.alpaca.rows import prompt_text
from studio.store.rows import StoredRow
from studio.text.display import columns, one_line
from studio.tui.ink import Line, Span

if TYPE_CHECKING:
    from studio.curate.duplicates.clusters import Cluster
    from studio.curate.duplicates.review_queue import ReviewQueue

_READ = 400
_KEPT = 512


class ClusterEntries:
    """A queue for the list; titles are fetched when they are painted."""

    def __init__(self, queue: ReviewQueue, get: Callable[[int], StoredRow | None]) -> None:
        self._queue, self._get = queue, get
        self._titles: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._queue)

    def line(self, index: int, width: int) -> Line:
        cluster = self._queue[index]
        head = [
            Span(f"{score_text(cluster):>8} ", "reject" if cluster.kind == "conflict" else "duplicate"),
            Span(f"×{len(cluster.rows):<4}", "muted"),
            Span("~" if cluster.split else " ", "muted"),
        ]
        room = width - sum(len(span.text) for span in head)
        half = max(8, (room - 3) // 2)
        left = one_line(f"#{cluster.rows[0]} {self._title(cluster.rows[0])}", half)
        right = f"#{cluster.rows[1]} {self._title(cluster.rows[1])}"
        return [*head, Span(left + " " * (half - columns(left))), Span(" │ ", "muted"), Span(right)]

    def forget(self) -> None:
        """Rows may have other texts now."""
        self._titles.clear()

    def _title(self, row_id: int) -> str:
        if row_id not in self._titles:
            if len(self._titles) > _KEPT:
                self._titles.clear()
            row = self._get(row_id)
            self._titles[row_id] = prompt_text(row.row)[:_READ] if row else ""
        return self._titles[row_id]


def score_text(cluster: Cluster) -> str:
    """How alike its least certain row is, or what it is."""
    if cluster.kind == "conflict":
        return "conflict"
    return "equal" if cluster.score >= 1 else f"{cluster.score:.3f}"
