"""The groups that pairs of rows add up to: rows that ask the same, rows that say the same, groups near each other, and
rows that the person wants both of.

Nearness is kept between groups that ask the same, not between their rows: two prompts with 400 answers each are near
each other once, not 160,000 times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple, TypeAlias

from studio.curate.duplicates.compared import BYS, By, Compared, answer_key, rest_key

ALL_PAIRS = 64
"""A verdict that keeps up to this many rows names every pair of them; a verdict on more rows names only the pairs with
the first row. So a row that is kept beside this many others is such a first row, and all of those are kept."""

Tied: TypeAlias = By | Literal["conflict", "task"]
KINDS: tuple[Tied, ...] = (*BYS, "conflict", "task")
_SAY_THE_SAME: tuple[Tied, ...] = ("exact",)
_SAME_PROMPT: tuple[Tied, ...] = ("exact", "conflict")
_ASK_THE_SAME: tuple[Tied, ...] = ("exact", "conflict", "task")


class Edge(NamedTuple):
    """Two rows and how alike they are. open: nobody has said yet that both shall stay.

    exact: both have the same prompt and answer. conflict: the same prompt, different answers. task: the same compared
    text, such as the instruction, but different inputs. Each of several equal rows needs an edge to only one of the
    others. An edge of another kind also holds for the rows that ask the same as one of the two.
    """

    left: int
    right: int
    score: float
    by: Tied
    open: bool = True


def ties_of_equals(
    rows: Iterable[int], of: Callable[[int], Compared]
) -> Iterator[tuple[int, int, Literal["exact", "conflict", "task"]]]:
    """Tie each of these rows, whose compared texts are equal, to an earlier one: (earlier row, row, kind).

    exact: the first row with an answer and each later row with that answer. conflict: the first row with a prompt and
    the first row with each other answer to it. task, where only instructions were compared: the first row of all and
    the first row with each other input.
    """
    tasks: dict[str, tuple[int, dict[str, int]]] = {}
    first: int | None = None
    for one in rows:
        first = one if first is None else first
        asked, leads = tasks.setdefault(rest_key(of(one)), (one, {}))
        lead = leads.setdefault(answer_key(of(one)), one)
        if lead != one:
            yield lead, one, "exact"
        elif asked != one:
            yield asked, one, "conflict"
        elif first != one:
            yield first, one, "task"


def pairs_of(rows: Sequence[int]) -> list[tuple[int, int]]:
    """The pairs to store when the person keeps all of these rows, see `ALL_PAIRS`."""
    if len(rows) > ALL_PAIRS:
        return [(rows[0], row) for row in rows[1:]]
    return list(combinations(rows, 2))


class Apart:
    """Pairs of rows, or of groups, of which the person wants both."""

    def __init__(self, pairs: Iterable[tuple[int, int]]) -> None:
        self._others: defaultdict[int, set[int]] = defaultdict(set)
        for one, other in pairs:
            if one != other:
                self._others[one].add(other)
                self._others[other].add(one)
        self._stars: defaultdict[int, set[int]] = defaultdict(set)
        for middle, others in self._others.items():
            if len(others) >= ALL_PAIRS:
                for one in (middle, *others):
                    self._stars[one].add(middle)

    def __call__(self, one: int, other: int) -> bool:
        """Whether both are wanted."""
        if one not in self._others:
            return False
        return other in self._others[one] or not self._stars.get(one, _NONE).isdisjoint(self._stars.get(other, _NONE))

    def clumps(self, things: Sequence[int]) -> list[list[int]]:
        """Groups without a wanted pair: each thing, in order, joins the first group that allows it."""
        if not self._others:
            return [list(things)] if things else []
        found: list[list[int]] = []
        members: list[set[int]] = []
        starts: defaultdict[int, int] = defaultdict(int)  # by star, the first group that has no thing of that star
        for thing in things:
            others, stars = self._others.get(thing, _NONE), self._stars.get(thing, _NONE)
            place = max((starts[star] for star in stars), default=0)
            while place < len(found) and not others.isdisjoint(members[place]):
                place += 1
            if place == len(found):
                found.append([])
                members.append(set())
            found[place].append(thing)
            members[place].add(thing)
            starts.update(dict.fromkeys(stars, place + 1))
        return found


_NONE: frozenset[int] = frozenset()
_NOBODY = Apart(())


class Ties:
    """The edges of rows, by what they mean. Each group goes by its lowest row.

    Each maps a row to its group. asks: rows whose compared text is the same. prompts: rows that also have the same
    input. says: rows that also have the same answer. rows: the rows of each group of asks. near: for each such group,
    the groups near it, each with the closest edge; groups of which somebody wants rows of both are left out.

    rows_apart, answers_apart, asks_apart: the pairs of rows, of groups of says, and of groups of asks of which both are
    wanted.
    """

    def __init__(self, edges: Iterable[Edge]) -> None:
        edges = sorted(edges, key=lambda edge: (-edge.score, edge.left, edge.right))
        kinds = {edge.by for edge in edges}
        self.asks = groups(edges, _ASK_THE_SAME)
        self.prompts = groups(edges, _SAME_PROMPT) if "task" in kinds else self.asks
        self.says = groups(edges, _SAY_THE_SAME) if "conflict" in kinds else self.prompts
        self.rows: defaultdict[int, list[int]] = defaultdict(list)
        for row, group in self.asks.items():
            self.rows[group].append(row)
        self.rows_apart = self.answers_apart = self.asks_apart = _NOBODY
        if wanted := [edge for edge in edges if not edge.open]:
            self.rows_apart = Apart((edge.left, edge.right) for edge in wanted)
            self.answers_apart = Apart((self.says[edge.left], self.says[edge.right]) for edge in wanted)
            self.asks_apart = Apart((self.asks[edge.left], self.asks[edge.right]) for edge in wanted)
        self.near: defaultdict[int, dict[int, Edge]] = defaultdict(dict)
        for edge in edges:
            one, other = self.asks[edge.left], self.asks[edge.right]
            if edge.open and edge.score > 0 and one != other and not self.asks_apart(one, other):
                self.near[one].setdefault(other, edge)
                self.near[other].setdefault(one, edge)

    def tie(self, one: int, other: int) -> Edge | None:
        """The edge that tells why these two rows are alike; None when no edge does."""
        if self.says[one] == self.says[other]:
            return Edge(one, other, 1.0, "exact")
        if self.prompts[one] == self.prompts[other]:
            return Edge(one, other, 1.0, "conflict")
        if self.asks[one] == self.asks[other]:
            return Edge(one, other, 1.0, "task")
        found = self.near.get(self.asks[one], {}).get(self.asks[other])
        return None if found is None else Edge(one, other, found.score, found.by)


def groups(edges: Iterable[Edge], by: Collection[Tied] = KINDS) -> dict[int, int]:
    """For each row, the lowest row that a chain of edges of these kinds connects it with."""
    lowest: dict[int, int] = {}

    def find(row: int) -> int:
        root = row
        while lowest.setdefault(root, root) != root:
            root = lowest[root]
        while lowest[row] != root:
            lowest[row], row = root, lowest[row]
        return root

    for edge in edges:
        one, other = find(edge.left), find(edge.right)
        if edge.by in by:
            lowest[max(one, other)] = min(one, other)
    return {row: find(row) for row in list(lowest)}
