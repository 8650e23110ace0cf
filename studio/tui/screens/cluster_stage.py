"""The view of the Dedup stage: the queue, kept up with decisions, and two rows of the cluster under the cursor."""

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


class ClusterStage(StageScreen):
    """A list of clusters; below, the first row of one beside another row of it."""

    JOBS = ("dedup", "queue", "outlook")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.chosen, self.order = _recalled(session)
        self.queue: ReviewQueue | None = None
        self._entries: ClusterEntries | None = None
        self._other = 1
        self._settled = 0
        self._weights: dict[str, int] = {}
        self._made: tuple[int, int] | None = None
        self._wanted: int | None = None
        self._progress = ""

    # -- the view --------------------------------------------------------------------------------

    def restore(self, place: dict[str, object]) -> None:
        self._wanted = place.get("row")  # type: ignore[assignment]
        self._weights = place.get("weights") or {}  # type: ignore[assignment]
        self.count_settled()
        self.make_queue()

    def place(self) -> dict[str, object]:
        return {"row": self.current.rows[0] if self.current else self._wanted, "weights": self._weights}

    def count_settled(self) -> None:
        """Clusters that were settled since the last search: one for a decision, or as many as it is known to weigh."""
        self._settled = sum(self._weights.get(str(group), 1) for group in self.session.review.settled())

    @property
    def current(self) -> Cluster | None:
        """The cluster under the cursor."""
        if self.queue is None or self.list.cursor >= len(self.queue):
            return None
        return self.queue[self.list.cursor]

    @property
    def both(self) -> tuple[int, int] | None:
        """The two rows that are shown."""
        cluster = self.current
        return (cluster.rows[0], cluster.rows[self._other]) if cluster else None

    def make_queue(self) -> None:
        """Read the clusters of the last search, in a thread."""
        if self.session.review.last_search() is None:
            self.queue = None
            self.list.show(_NOTHING, empty="Nothing was searched yet: f finds duplicates, o says how.")
            self.show_detail()
            return
        made = self.session.project.changes
        self.list.show(_NOTHING if self._entries is None else self._entries, empty="Looking at the pairs…")
        self.studio.jobs.start(
            "queue",
            self.session.review.queue(self.chosen, self.order),
            lambda events: self._seen_queue(events, made),
            self._ended,
            anew=True,
        )

    def _seen_queue(self, events: list[Event], made: tuple[int, int]) -> None:
        from studio.jobs.duplicates.dedup_events import QueueMade

        for event in events:
            if isinstance(event, Progressed):
                self._progress = f"looked at {event.done:,}/{event.total:,}"
            elif isinstance(event, QueueMade):
                cluster = self.current
                wanted = self._wanted if self._wanted is not None else cluster.rows[0] if cluster else None
                self.queue, self._made = event.queue, made
                self._entries = ClusterEntries(event.queue, self.session.rows.get)
                self.show_queue(event.queue.find(wanted) if wanted is not None else None)
        self.show_header()

    def _ended(self) -> None:
        self._progress = ""
        if self.is_attached:
            self.refresh_view()
            self.show_header()

    def show_queue(self, cursor: int | None = None) -> None:
        """The queue has changed: paint it, with the cursor where it is or where it is told."""
        if self._entries is not None:
            self._entries.forget()
            empty = "No duplicates left." if self._settled else "No duplicates from this score on; t lowers it."
            self.list.show(self._entries, cursor, empty=empty)
            self._other = 1
            self.show_detail()
            self.show_header()

    def refresh_view(self) -> None:
        """Rows and pairs were decided on, here or elsewhere: the clusters they are in follow."""
        self.count_settled()
        if self.queue is None or self._made is None:
            return
        rows, pairs, anew = self.session.review.judged_since(self._made)
        if anew:
            if not self.studio.jobs.running("queue"):
                self.make_queue()
            return
        self._made = self.session.project.changes
        gone = self.session.rows.rejected_among(rows)
        self.queue.follow(gone, rows - gone, {(one.left, one.right): one.verdict != "keep-both" for one in pairs})
        wanted, self._wanted = self._wanted, None
        self.show_queue(self.queue.find(wanted) if wanted is not None else None)

    def moved(self) -> None:
        self._other = 1
        super().moved()

    def show_detail(self) -> None:
        cluster, both = self.current, self.both
        left, right = (self.session.rows.get(row) for row in both) if both else (None, None)
        if cluster is None or left is None or right is None:
            self.page.show(lambda width: [])
            return
        assert self.queue is not None
        why, shared = self._alike(left, right), self._shared(cluster, left, right)
        shown = Shown(cluster, left, right, why, shared, self.queue.beside(cluster))
        self.page.show(lambda width: cluster_lines(shown, width))

    def _alike(self, left: StoredRow, right: StoredRow) -> str:
        """Why the two rows are a pair, in words."""
        assert self.queue is not None
        tie = self.queue.tie(left.id, right.id)
        search = self.session.review.last_search()
        field = f" in {search.field}" if search and search.field != "row" else ""
        if tie is None:
            return ""
        colon = "" if tie.by == "exact" else ":"
        return f"#{right.id}{colon} {ALIKE[tie.by].format(tie.score)} #{left.id}{field}"

    def _shared(self, cluster: Cluster, left: StoredRow, right: StoredRow) -> list[tuple[str, float]]:
        equal = cluster.kind == "conflict" or cluster.scores[self._other] >= 1
        return [] if equal else self.session.neighbours.shared_terms(left.id, right.id)[:_SHARED]

    def title_note(self) -> str:
        if self._progress or self.queue is None:
            return self._progress
        done = f"✓ {self._settled:,}  " if self._settled else ""
        return f"{done}{len(self.queue):,} left ≥ {self.chosen.limit:.2f}"

    def go_to_row(self, row_id: int) -> None:
        if self.queue is None or self.studio.jobs.running("queue"):
            # The cluster is not there yet.
            self._wanted = row_id
            return
        place = self.queue.find(row_id)
        if place is not None and (self.current is None or row_id not in self.current.rows):
            self.move_to(place)

    def choose(self, chosen: DedupSettings, order: Order) -> None:
        """Go by these from now on, also after a restart."""
        self.chosen, self.order = chosen, order
        files = msgspec.to_builtins(self.session.settings.dedup)
        self.session.project.remember(_CHOSEN, {"files": files, "chosen": msgspec.to_builtins(chosen), "order": order})


class _Nothing:
    """A list without entries."""

    def __len__(self) -> int:
        return 0

    def line(self, index: int, width: int) -> Any:
        raise IndexError(index)


_NOTHING = _Nothing()


def _recalled(session: Session) -> tuple[DedupSettings, Order]:
    """What the person chose here; whoever changes studio.toml afterwards has said it last."""
    kept, files = session.project.recall(_CHOSEN) or {}, session.settings.dedup
    order: Order = kept.get("order", "border")
    if kept.get("files") != msgspec.to_builtins(files):
        return files, order
    return msgspec.convert(kept["chosen"], DedupSettings), order
