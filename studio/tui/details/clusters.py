"""A cluster as lines: its rows, what makes them alike, and two of them with what differs marked.

Differences are marked by signs as well as by colour: [-only on the left-], {+only on the right+}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from studio.alpaca.rows import fields, prompt_text
from studio.store.rows import StoredRow
from studio.text.diff import word_diff
from studio.tui.cluster_entries import score_text
from studio.tui.flow import beside, flow
from studio.tui.ink import Line, Span

if TYPE_CHECKING:
    from studio.curate.duplicates.clusters import Cluster
    from studio.curate.duplicates.review_queue import Loss

SIDE_BY_SIDE = 100
"""From this width on two rows stand beside each other, below it one above the other."""
_LISTED = 9
_SAMPLE = 400


class Shown(NamedTuple):
    """What the page is about: two rows of a cluster, why they are alike in words, the terms they share.

    beside: so many other rows ask the same as some of the cluster.
    """

    cluster: Cluster
    left: StoredRow
    right: StoredRow
    alike: str
    shared: Sequence[tuple[str, float]]
    beside: int = 0


def cluster_lines(shown: Shown, width: int) -> list[Line]:
    """The cluster, then its two rows field by field."""
    cluster = shown.cluster
    if cluster.kind == "conflict":
        told = f"one prompt, {len(cluster.rows)} answers: c decides"
    else:
        told = f"{len(cluster.rows)} rows  {score_text(cluster)}"
    lines = flow([Span(told, "duplicate bold"), Span(f"   {_notes(shown)}", "muted")], width)
    lines += flow(_members(shown), width)
    lines += flow([Span(shown.alike, "muted"), *_evidence(shown.shared)], width)
    first, second = fields(shown.left.row), fields(shown.right.row)
    for name in dict.fromkeys([*first, *second]):
        one, other = as_text(first.get(name, "")), as_text(second.get(name, ""))
        if one or other:
            lines += _field(name, one, other, width)
    return lines


def _notes(shown: Shown) -> str:
    cluster, said = shown.cluster, []
    if shown.beside and cluster.kind == "near":
        said.append(f"{shown.beside:,} more ask the same and come up when these are settled")
    if cluster.split:
        said.append("~ split: rows near only some of these are in other clusters")
    if cluster.loose:
        said.append("so many that each was only held against the first")
    return "; ".join(said)


def _members(shown: Shown) -> Line:
    """The rows by the digit that keeps each."""
    cluster = shown.cluster
    line: Line = []
    for place, (row, score) in enumerate(zip(cluster.rows, cluster.scores, strict=True), start=1):
        if place > _LISTED:
            line.append(Span(f"and {len(cluster.rows) - _LISTED} more", "muted"))
            break
        here = row in (shown.left.id, shown.right.id)
        told = "stays" if place == 1 and cluster.kind == "near" else "equal" if score >= 1 else f"{score:.2f}"
        told = "" if cluster.kind == "conflict" else f" {told}"
        line += [Span(f"{place} ", "pending bold"), Span(f"#{row}{told}", " bold underline" if here else "muted")]
        line.append(Span("   "))
    return line


def _evidence(shared: Sequence[tuple[str, float]]) -> Line:
    """The rarest terms that both have."""
    if not shared:
        return []
    terms = "  ".join(f"{term} {weight:.1f}" for term, weight in shared)
    return [Span("; they share "), Span(terms, "gold")]


def _field(name: str, left: str, right: str, width: int) -> list[Line]:
    if left == right:
        return [[Span(f"{name} =", "muted underline")], *flow([Span(left)], width)]
    before, after = _marked(left, right)
    title: Line = [Span(name, "muted underline")]
    if width >= SIDE_BY_SIDE:
        half = (width - 3) // 2
        return [title, *beside(flow(before, half), flow(after, half), width)]
    return [title, *_above(before, "1│ ", width), *_above(after, "2│ ", width)]


def _above(spans: list[Span], mark: str, width: int) -> list[Line]:
    """One of two texts that stand one above the other."""
    return [[Span(mark, "pending"), *line] for line in flow(spans, width - len(mark))]


def _marked(left: str, right: str) -> tuple[list[Span], list[Span]]:
    before: list[Span] = []
    after: list[Span] = []
    for change in word_diff(left, right):
        if change.kind == "same":
            before.append(Span(change.left))
            after.append(Span(change.right))
            continue
        if change.left:
            before.append(Span(f"[-{change.left}-]", "deleted"))
        if change.right:
            after.append(Span(f"{{+{change.right}+}}", "inserted"))
    return before, after


def loss_lines(some: Sequence[tuple[Loss, StoredRow | None, StoredRow | None]], n: int, width: int) -> list[Line]:
    """Samples of the n rows that would go: for each, the row that stays and the differences between the two."""
    lines: list[Line] = [[Span(f"{len(some)} of {n:,} shown", "muted")], []] if n > len(some) else []
    for loss, keeper, row in some:
        if keeper is None or row is None:
            continue
        score = "equal" if loss.score >= 1 else f"{loss.score:.3f}"
        lines.append([Span(f"#{keeper.id} stays, #{row.id} goes: {score}", "duplicate bold")])
        before, after = _marked(prompt_text(keeper.row)[:_SAMPLE], prompt_text(row.row)[:_SAMPLE])
        lines += [*_above(before, "1│ ", width), *_above(after, "2│ ", width), []]
    return lines


def as_text(value: object) -> str:
    if isinstance(value, tuple):
        return "\n".join(" / ".join(one) if isinstance(one, tuple) else str(one) for one in value)
    return str(value)
