"""The clusters of the Dedup stage: the queue, kept up with decisions, and two rows of the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from studio.jobs.events import Event, Progressed
from studio.session import Session
from studio.session.neighbours import ALIKE
from studio.settings import DedupSettings
from studio.store.rows import StoredRow
from studio.tui.cluster_entries import ClusterEntries
from studio.tui.details.clusters import Shown, cluster_lines
from studio.tui.screens.stage import StageScreen

if TYPE_CHECKING:
    from studio.curate.duplicates.clusters import Cluster
    from studio.curate.duplicates.review_queue import Order, ReviewQueue

_CHOSEN = "dedup.chosen"
_SHARED = 6


class ClusterView:
    """A list of clusters; below, the first row of one beside another row of it. progress: of reading the clusters."""

    def __init__(self, screen: StageScreen) -> None:
        self._screen, self._session = screen, screen.session
        self.chosen, self.order = _recalled(screen.session)
        self.queue: ReviewQueue | None = None
        self._entries: ClusterEntries | None = None
        # The place in the cluster of the row that is shown beside the first.
        self.other = 1
        self._settled = 0
        # By its number in the journal: how many clusters a decision settled, where it settled several.
        self.weights: dict[str, int] = {}
        self._made: tuple[int, int] | None = None
        self._wanted: int | None = None
        self.progress = ""

    def restore(self, place: dict[str, object]) -> None:
        """Go back to a remembered place, once the clusters are there."""
        self._wanted = place.get("row")  # type: ignore[assignment]
        self.weights = place.get("weights") or {}  # type: ignore[assignment]
        self.count_settled()
        self.make_queue()

    def place(self) -> dict[str, object]:
        """The place to be restored later."""
        return {"row": self.current.rows[0] if self.current else self._wanted, "weights": self.weights}

    def count_settled(self) -> None:
        """How many clusters the decisions since the last search have settled: one each, unless `weights` says more."""
        self._settled = sum(self.weights.get(str(group), 1) for group in self._session.review.settled())

    @property
    def current(self) -> Cluster | None:
        """The cluster under the cursor."""
        if self.queue is None or self._screen.list.cursor >= len(self.queue):
            return None
        return self.queue[self._screen.list.cursor]

    @property
    def both(self) -> tuple[int, int] | None:
        """The two rows that are shown."""
        cluster = self.current
        return (cluster.rows[0], cluster.rows[self.other]) if cluster else None

    def make_queue(self) -> None:
        """Read the clusters of the last search, in a thread."""
        if self._session.review.last_search() is None:
            self.queue = None
            self._screen.list.show(_NOTHING, empty="Nothing was searched yet: f finds duplicates, o says how.")
            self.show_detail()
            return
        made = self._session.project.changes
        self._screen.list.show(_NOTHING if self._entries is None else self._entries, empty="Looking at the pairs…")
        self._screen.studio.jobs.start(
            "queue",
            self._session.review.queue(self.chosen, self.order),
            lambda events: self._seen_queue(events, made),
            self._ended,
            anew=True,
        )

    def _seen_queue(self, events: list[Event], made: tuple[int, int]) -> None:
        from studio.jobs.duplicates.dedup_events import QueueMade

        for event in events:
            if isinstance(event, Progressed):
                self.progress = f"looked at {event.done:,}/{event.total:,}"
            elif isinstance(event, QueueMade):
                cluster = self.current
                wanted = self._wanted if self._wanted is not None else cluster.rows[0] if cluster else None
                self.queue, self._made = event.queue, made
                self._entries = ClusterEntries(event.queue, self._session.rows.get)
                self.show_queue(event.queue.find(wanted) if wanted is not None else None)
        self._screen.show_header()

    def _ended(self) -> None:
        self.progress = ""
        if self._screen.is_attached:
            self.follow()
            self._screen.show_header()

    def show_queue(self, cursor: int | None = None) -> None:
        """Repaint a queue that has changed. cursor: where to put the cursor; None leaves it."""
        if self._entries is not None:
            self._entries.forget()
            empty = "No duplicates left." if self._settled else "No duplicates from this score on; t lowers it."
            self._screen.list.show(self._entries, cursor, empty=empty)
            self.other = 1
            self.show_detail()
            self._screen.show_header()

    def follow(self) -> None:
        """Update the clusters of the rows and pairs that were decided on, here or on other screens."""
        self.count_settled()
        if self.queue is None or self._made is None:
            return
        rows, pairs, anew = self._session.review.judged_since(self._made)
        if anew:
            if not self._screen.studio.jobs.running("queue"):
                self.make_queue()
            return
        self._made = self._session.project.changes
        gone = self._session.rows.rejected_among(rows)
        self.queue.follow(gone, rows - gone, {(one.left, one.right): one.verdict != "keep-both" for one in pairs})
        wanted, self._wanted = self._wanted, None
        self.show_queue(self.queue.find(wanted) if wanted is not None else None)

    def show_detail(self) -> None:
        """Show two rows of the cluster under the cursor."""
        cluster, both = self.current, self.both
        left, right = (self._session.rows.get(row) for row in both) if both else (None, None)
        if cluster is None or left is None or right is None:
            self._screen.page.show(lambda width: [])
            return
        assert self.queue is not None
        why, shared = self._alike(left, right), self._shared(cluster, left, right)
        shown = Shown(cluster, left, right, why, shared, self.queue.beside(cluster))
        self._screen.page.show(lambda width: cluster_lines(shown, width))

    def _alike(self, left: StoredRow, right: StoredRow) -> str:
        """Why the two rows are a pair, in words."""
        assert self.queue is not None
        tie = self.queue.tie(left.id, right.id)
        search = self._session.review.last_search()
        field = f" in {search.field}" if search and search.field != "row" else ""
        if tie is None:
            return ""
        colon = "" if tie.by == "exact" else ":"
        return f"#{right.id}{colon} {ALIKE[tie.by].format(tie.score)} #{left.id}{field}"

    def _shared(self, cluster: Cluster, left: StoredRow, right: StoredRow) -> list[tuple[str, float]]:
        equal = cluster.kind == "conflict" or cluster.scores[self.other] >= 1
        return [] if equal else self._session.neighbours.shared_terms(left.id, right.id)[:_SHARED]

    def note(self) -> str:
        """The header's note: the progress of a job, or what is left to review."""
        if self.progress or self.queue is None:
            return self.progress
        done = f"✓ {self._settled:,}  " if self._settled else ""
        return f"{done}{len(self.queue):,} left ≥ {self.chosen.limit:.2f}"

    def go_to(self, row_id: int) -> None:
        """Put the cursor on the cluster of a row."""
        if self.queue is None or self._screen.studio.jobs.running("queue"):
            # The cluster is not there yet.
            self._wanted = row_id
            return
        place = self.queue.find(row_id)
        if place is not None and (self.current is None or row_id not in self.current.rows):
            self._screen.move_to(place)

    def choose(self, chosen: DedupSettings, order: Order) -> None:
        """Use these settings from now on, also after a restart."""
        self.chosen, self.order = chosen, order
        files = msgspec.to_builtins(self._session.settings.dedup)
        self._session.project.remember(_CHOSEN, {"files": files, "chosen": msgspec.to_builtins(chosen), "order": order})


class _Nothing:
    """A list without entries."""

    def __len__(self) -> int:
        return 0

    def line(self, index: int, width: int) -> Any:
        raise IndexError(index)


_NOTHING = _Nothing()


def _recalled(session: Session) -> tuple[DedupSettings, Order]:
    """The settings the person chose here; a later change of studio.toml takes their place."""
    kept, files = session.project.recall(_CHOSEN) or {}, session.settings.dedup
    order: Order = kept.get("order", "border")
    if kept.get("files") != msgspec.to_builtins(files):
        return files, order
    return msgspec.convert(kept["chosen"], DedupSettings), order
