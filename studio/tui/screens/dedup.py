"""Stage 3: clusters of duplicates, the least certain first; each is settled with one key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, partialmethod
from typing import TYPE_CHECKING, ClassVar

import msgspec

from studio.alpaca.rows import Row, fields
from studio.errors import StudioError
from studio.session import Session
from studio.session.journal import count_of
from studio.tui.commands import STAGES, Stage
from studio.tui.details.clusters import as_text, loss_lines
from studio.tui.parts.cluster_search import ClusterSearch
from studio.tui.parts.clusters import ClusterView
from studio.tui.screens.stage import StageScreen

if TYPE_CHECKING:
    from studio.curate.duplicates.review_queue import Loss

_SAMPLES = 3


class DedupScreen(StageScreen):
    """Clusters, and what the keys that decide about them do."""

    stage: ClassVar[Stage] = "dedup"
    JOBS = ("dedup", "queue", "outlook")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.clusters = ClusterView(self)
        self.parts = (ClusterSearch(self, self.clusters),)

    def restore(self, place: dict[str, object]) -> None:
        self.clusters.restore(place)

    def place(self) -> dict[str, object]:
        return self.clusters.place()

    def refresh_view(self) -> None:
        self.clusters.follow()

    def show_detail(self) -> None:
        self.clusters.show_detail()

    def moved(self) -> None:
        self.clusters.other = 1
        super().moved()

    def title_note(self) -> str:
        return self.clusters.note()

    def go_to_row(self, row_id: int) -> None:
        self.clusters.go_to(row_id)

    # -- deciding --------------------------------------------------------------------------------

    def _decided(self, n: int = 1) -> None:
        """Move on after a decision, to the next cluster or the next two rows. n: how many clusters it settled."""
        if n > 1:
            self.clusters.weights[str(self.session.journal.history(1)[0].id)] = n
        self.decided()
        self.remember()

    def _drop(self, losses: Sequence[Loss]) -> None:
        if losses:
            self.session.review.drop_duplicates(losses)
            self._decided()

    def _keep(self, place: int) -> None:
        cluster = self.clusters.current
        if cluster is None or self.clusters.queue is None:
            return
        if place > len(cluster.rows):
            stage = f"; F{place} goes to {STAGES[place - 1].capitalize()}" if place <= len(STAGES) else ""
            self.app.notify(f"There is no row {place} here{stage}", timeout=3)
        elif cluster.kind == "conflict":
            keeper = cluster.rows[place - 1]
            self.session.review.settle_conflict(keeper, [row for row in cluster.rows if row != keeper])
            self._decided()
        else:
            self._drop(self.clusters.queue.losses_for(cluster.rows[place - 1], cluster))

    command_keep_1 = partialmethod(_keep, 1)
    command_keep_2 = partialmethod(_keep, 2)
    command_keep_3 = partialmethod(_keep, 3)
    command_keep_4 = partialmethod(_keep, 4)
    command_keep_5 = partialmethod(_keep, 5)
    command_keep_6 = partialmethod(_keep, 6)
    command_keep_7 = partialmethod(_keep, 7)
    command_keep_8 = partialmethod(_keep, 8)
    command_keep_9 = partialmethod(_keep, 9)

    def command_keep_left(self) -> None:
        self._keep_one(0)

    def command_keep_right(self) -> None:
        self._keep_one(1)

    def _keep_one(self, side: int) -> None:
        """Of the two rows that are shown, keep this one."""
        from studio.curate.duplicates.review_queue import Loss

        cluster, both = self.clusters.current, self.clusters.both
        if cluster is None or both is None:
            return
        keeper, loser = both[side], both[1 - side]
        if cluster.kind == "conflict":
            self.session.review.settle_conflict(keeper, [loser])
            self._decided()
        else:
            self._drop([Loss(loser, keeper, cluster.scores[self.clusters.other])])

    def command_keep_both(self) -> None:
        if self.clusters.both:
            self._no_duplicates([self.clusters.both])

    def command_not_duplicates(self) -> None:
        from studio.curate.duplicates.ties import pairs_of

        cluster = self.clusters.current
        if cluster is not None:
            self._no_duplicates(pairs_of(cluster.rows))

    def _no_duplicates(self, pairs: Sequence[tuple[int, int]]) -> None:
        self.session.review.keep_both(pairs)
        self._decided()

    def command_accept_band(self) -> None:
        from studio.tui.dialogs.fix_preview import FixPreview

        cluster = self.clusters.current
        if cluster is None or self.clusters.queue is None:
            return
        if cluster.kind == "conflict":
            self.app.notify("Conflicts are decided one by one: c", severity="warning")
            return
        low, high = self.clusters.queue.band(cluster.score)
        losses = self.clusters.queue.losses(low, high)
        if not losses:
            self.app.notify("These have other answers or inputs beside them: decide one by one", severity="warning")
            return
        some = [
            (loss, self.session.rows.get(loss.keeper), self.session.rows.get(loss.row))
            for loss in losses[:: max(1, len(losses) // _SAMPLES)][:_SAMPLES]
        ]
        band = "equal" if low >= 1 else f"{low:.2f} to {high:.2f}"
        question = f"Drop {count_of(len(losses))} ({band})? The first row of each cluster stays."
        preview = FixPreview(question, lambda width: loss_lines(some, len(losses), width))
        self.app.push_screen(preview, lambda sure: self._band(losses) if sure else None)

    def _band(self, losses: Sequence[Loss]) -> None:
        dropped = self.session.review.drop_duplicates(losses)
        self.app.notify(f"dropped {count_of(dropped)}; u takes all of it back")
        self._decided(len({loss.keeper for loss in losses}))

    # -- merging and conflicts -------------------------------------------------------------------

    def command_merge(self) -> None:
        from studio.tui.dialogs.clusters import Difference, Merge

        both = self.clusters.both
        left, right = (self.session.rows.get(row) for row in both) if both else (None, None)
        if left is None or right is None:
            return
        one, other = fields(left.row), fields(right.row)
        names = [name for name in one if one[name] != other[name]]
        if not names:
            self._keep_one(0)
            return
        differences = [Difference(name, as_text(one[name]), as_text(other[name])) for name in names]

        def merged(second: list[bool] | None) -> None:
            if second is not None:
                taken = {name: other[name] for name, theirs in zip(names, second, strict=True) if theirs}
                row: Row = msgspec.structs.replace(left.row, **taken)
                self.session.review.merge(left.id, row, [right.id])
                self._decided()

        self.app.push_screen(Merge(f"Merge #{right.id} into #{left.id}", differences), merged)

    def command_conflict(self) -> None:
        from studio.tui.dialogs.clusters import Choose, Option

        both = self.clusters.both
        if both is None:
            return
        one, other = both
        options = (
            Option("a", f"keep #{one}, reject #{other}"),
            Option("b", f"keep #{other}, reject #{one}"),
            Option("k", "keep both as they are"),
            Option("p", f"a preference pair: #{one} chosen, #{other} rejected"),
            Option("o", f"a preference pair: #{other} chosen, #{one} rejected"),
            Option("m", "merge them, column by column"),
            Option("d", "reject both"),
        )
        self.app.push_screen(
            Choose(f"#{one} and #{other}: what shall be?", options), partial(self._resolve, one, other)
        )

    def _resolve(self, one: int, other: int, choice: str | None) -> None:
        try:
            match choice:
                case "a" | "b":
                    self._keep_one("ab".index(choice))
                case "k":
                    self.command_keep_both()
                case "p" | "o":
                    chosen, rejected = (one, other) if choice == "p" else (other, one)
                    made = self.session.review.pair_up(chosen, rejected)
                    self.app.notify(f"made the preference row #{made}; u takes it back")
                    self._decided()
                case "m":
                    self.command_merge()
                case "d":
                    self.session.review.settle_conflict(None, [one, other])
                    self._decided()
        except StudioError as error:
            self.studio.complain(error)

    # -- looking ---------------------------------------------------------------------------------

    def command_next_row(self) -> None:
        self._show_row(1)

    def command_previous_row(self) -> None:
        self._show_row(-1)

    def _show_row(self, by: int) -> None:
        if self.clusters.current is not None:
            others = len(self.clusters.current.rows) - 1
            self.clusters.other = (self.clusters.other - 1 + by) % others + 1
            self.show_detail()

    def command_go_to_row(self) -> None:
        if self.clusters.both:
            self.studio.go_to_row(self.clusters.both[1])
