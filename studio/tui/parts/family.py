"""The family tree of the row under the cursor, beside the row or instead of it."""

from __future__ import annotations

from collections.abc import Callable

from studio.store.lineage import Kin
from studio.store.rows import StoredRow
from studio.tui.details.family import family_lines
from studio.tui.flow import beside
from studio.tui.ink import Line
from studio.tui.screens.stage import StageScreen

# From so many columns on, a row and its family tree stand side by side.
_BOTH = 100


class FamilyPage:
    """The page shows the row or its tree, or both where there is room; in the tree a relative can be chosen.

    lines: a row's details. has: whether a row is in the view.
    """

    def __init__(
        self, screen: StageScreen, lines: Callable[[StoredRow, int], list[Line]], has: Callable[[int], bool]
    ) -> None:
        self._screen, self._session, self._lines, self._has = screen, screen.session, lines, has
        self._kin: list[Kin] = []
        self._in_tree = False
        self._relative = 0
        self._detail_of = 0

    def restore(self, place: dict[str, object]) -> None:
        """Show the tree if it was shown."""
        self._in_tree = bool(place.get("tree"))

    def place(self) -> dict[str, object]:
        """Whether the tree is shown, to be restored later."""
        return {"tree": self._in_tree}

    def show(self, row: StoredRow) -> None:
        """Show a row, its tree, or both."""
        same, self._detail_of = row.id == self._detail_of, row.id
        if not same:
            self._relative = row.id
        kin = self._kin = self._session.rows.family(row.id)

        def lines(width: int) -> list[Line]:
            if width < _BOTH and not self._in_tree:
                return self._lines(row, width)
            room = width if width < _BOTH else (width - 3) // 2
            tree, _ = family_lines(kin, row.id, self._relative if self._in_tree else None, room)
            return tree if width < _BOTH else beside(self._lines(row, room), tree, width)

        self._screen.page.show(lines, keep_place=same)

    def command_tree(self) -> None:
        self._in_tree = not self._in_tree
        self._detail_of = 0
        self._screen.show_detail()
        self._screen.remember()

    def command_detail_down(self) -> None:
        if not self._choose(1):
            self._screen.command_detail_down()

    def command_detail_up(self) -> None:
        if not self._choose(-1):
            self._screen.command_detail_up()

    def _choose(self, by: int) -> bool:
        """Point at another relative, when the tree is on."""
        ids = [one.row.id for one in self._kin]
        if not self._in_tree or self._relative not in ids:
            return False
        place = max(0, min(ids.index(self._relative) + by, len(ids) - 1))
        self._relative = ids[place]
        self._screen.show_detail()
        _, starts = family_lines(self._kin, self._detail_of, None, 1)
        self._screen.page.reveal(starts[place], starts[place] + 1)
        return True

    def command_relative(self) -> None:
        if self._in_tree and self._relative != self._detail_of:
            self._screen.remember()
            if self._has(self._relative):
                self._screen.go_to_row(self._relative)
            else:
                self._screen.studio.go_to_row(self._relative)
