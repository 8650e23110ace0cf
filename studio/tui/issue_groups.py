"""Issues grouped by code, as the entries of a list: errors first, each group open or closed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from studio.alpaca.checks import Entry, Issue
from studio.tui.ink import Line, Span

Key: TypeAlias = tuple[int, str]
"""The key of a group: its rank and its code."""
OF_SET, ERROR, WARNING, WAIVED = range(4)
_MARKS = (("✗ project ", "reject"), ("✗ error   ", "reject"), ("! warning ", "pending"), ("○ waived  ", "muted"))


class Found(NamedTuple):
    """An issue of a row; row 0 for the project as a whole."""

    row: int
    issue: Issue


class Spot(NamedTuple):
    """A place that stays valid when the list changes: the nth issue of a row in a group; row 0: the group's line."""

    key: Key
    row: int = 0
    nth: int = 0


def spot_of(kept: Any) -> Spot | None:
    """The place that this JSON value holds; None for anything else."""
    match kept:
        case [[int(rank), str(code)], int(row), int(nth)]:
            return Spot((rank, code), row, nth)
    return None


class Group:
    """The issues of one code, by row. A group never changes: other issues make a new group."""

    def __init__(self, key: Key, found: list[Found]) -> None:
        self.key, self.found = key, found

    @property
    def code(self) -> str:
        return self.key[1]

    @cached_property
    def fixable(self) -> list[int]:
        """The rows an automatic fix mends."""
        return list(dict.fromkeys(one.row for one in self.found if one.issue.fix))

    @property
    def rows(self) -> list[int]:
        return list(dict.fromkeys(one.row for one in self.found))


class IssueGroups:
    """All issues. table: what each code means. Lines are made when they are painted."""

    def __init__(self, table: Mapping[str, Entry]) -> None:
        self.table = table
        self.opened: set[Key] = set()
        self.with_waived = False
        self._issues: dict[int, list[Issue]] = {}
        self._groups: dict[Key, Group] = {}
        self._shown: list[Group] = []
        self._starts: list[int] = []

    # -- what there is ---------------------------------------------------------------------------

    def fill(self, issues: Mapping[int, list[Issue]], of_set: Iterable[Issue]) -> None:
        """Replace all issues by these."""
        self._issues = {}
        self._groups = {}
        self.replace(issues, issues, of_set)

    def replace(self, rows: Collection[int], issues: Mapping[int, list[Issue]], of_set: Iterable[Issue]) -> None:
        """Give these rows these issues and no others; other rows keep theirs."""
        gone = set(rows)
        changed: dict[Key, list[Found]] = {key: [] for key in self._groups if key[0] == OF_SET}
        for key in {_key(issue) for row in rows for issue in self._issues.pop(row, ())}:
            changed[key] = [one for one in self._groups[key].found if one.row not in gone]
        for issue in of_set:
            changed.setdefault((OF_SET, issue.code), []).append(Found(0, issue))
        for row, fresh in issues.items():
            self._issues[row] = fresh
            for issue in fresh:
                key = _key(issue)
                if key not in changed:
                    changed[key] = list(self._groups[key].found) if key in self._groups else []
                changed[key].append(Found(row, issue))
        for found in changed.values():
            # The list is nearly sorted already, so this is cheap; the issues of one row stay in their order.
            found.sort(key=lambda one: one.row)
        groups = self._groups | {key: Group(key, found) for key, found in changed.items()}
        self._groups = {key: group for key, group in sorted(groups.items()) if group.found}
        self.lay_out()

    def lay_out(self) -> None:
        """Number the entries anew after groups were opened, closed, shown or hidden."""
        self._shown = [group for key, group in self._groups.items() if key[0] != WAIVED or self.with_waived]
        self._starts = []
        start = 0
        for group in self._shown:
            self._starts.append(start)
            start += 1 + (len(group.found) if self._is_open(group) else 0)
        self._starts.append(start)

    def _is_open(self, group: Group) -> bool:
        return group.key in self.opened and group.key[0] != OF_SET

    def count(self, *ranks: int) -> int:
        """How many issues there are of these ranks."""
        return sum(len(group.found) for key, group in self._groups.items() if key[0] in ranks)

    # -- as the list's entries -------------------------------------------------------------------

    def __len__(self) -> int:
        return self._starts[-1] if self._starts else 0

    def __bool__(self) -> bool:
        return True

    def at(self, index: int) -> tuple[Group, Found | None] | None:
        """The group an entry belongs to, and its issue; None for the group's own line. None outside of the list."""
        if not 0 <= index < len(self):
            return None
        number = bisect_right(self._starts, index) - 1
        group, inside = self._shown[number], index - self._starts[number]
        return group, group.found[inside - 1] if inside else None

    def line(self, index: int, width: int) -> Line:
        at = self.at(index)
        assert at is not None  # the list asks only for entries that `__len__` counts
        group, found = at
        rank, code = group.key
        if found is not None:
            said = f"{found.issue.field}: {found.issue.message}"
            waived = f"{found.issue.waived}   " if found.issue.waived else ""
            fix = Span("f ", "accept") if found.issue.fix else Span("  ")
            return [Span(f"    #{found.row:<8} ", "muted"), fix, Span(waived, "muted"), Span(said)]
        fold = "  " if rank == OF_SET else "▾ " if self._is_open(group) else "▸ "
        if rank == OF_SET:
            said = group.found[0].issue.message
            return [Span(fold), Span(*_MARKS[rank]), Span(f"{code:<23} ", " bold"), Span(said)]
        told = f"{len(group.found):>7,}  {self.table[code].meaning}"
        return [Span(fold), Span(*_MARKS[rank]), Span(f"{code:<23.23}", " bold"), Span(told)]

    # -- places ----------------------------------------------------------------------------------

    def spot(self, index: int) -> Spot | None:
        """The place of an entry."""
        at = self.at(index)
        if at is None:
            return None
        group, found = at
        if found is None:
            return Spot(group.key)
        first = bisect_left(group.found, found.row, key=lambda one: one.row)
        start = self._starts[bisect_right(self._starts, index) - 1]
        return Spot(group.key, found.row, index - start - 1 - first)

    def index_of(self, spot: Spot) -> int:
        """The index of the place now; when it is gone, the next entry of its group, else the next group."""
        keys = [group.key for group in self._shown]
        number = bisect_left(keys, spot.key)
        if number == len(keys):
            return max(0, len(self) - 1)
        group, start = self._shown[number], self._starts[number]
        if group.key != spot.key or not spot.row or not self._is_open(group):
            return start
        first = bisect_left(group.found, spot.row, key=lambda one: one.row)
        there = first < len(group.found) and group.found[first].row == spot.row
        return start + 1 + min(first + (spot.nth if there else 0), len(group.found) - 1)

    def spots_of(self, row: int) -> list[Spot]:
        """The places of a row in the list, one in each group."""
        keys = dict.fromkeys(sorted(map(_key, self._issues.get(row, ()))))
        return [Spot(key, row) for key in keys if key[0] != WAIVED or self.with_waived]


def _key(issue: Issue) -> Key:
    return (WAIVED if issue.waived else ERROR if issue.severity == "error" else WARNING), issue.code
