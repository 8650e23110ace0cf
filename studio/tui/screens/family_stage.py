"""A stage of rows that also shows the family tree of the row under the cursor."""

from __future__ import annotations

from studio.session import Session
from studio.store.lineage import Kin
from studio.tui.details.family import family_lines
from studio.tui.flow import beside
from studio.tui.ink import Line
from studio.tui.screens.rows_stage import RowsStage

# From so many columns on, a row and its family tree stand side by side.
_BOTH = 100


class FamilyStage(RowsStage):
    """The page shows the row or its tree, or both where there is room; in the tree a relative can be chosen."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._kin: list[Kin] = []
        self._in_tree = False
        self._relative = 0
        self._detail_of = 0

    def restore(self, place: dict[str, object]) -> None:
        self._in_tree = bool(place.get("tree"))
        super().restore(place)

    def place(self) -> dict[str, object]:
        return {**super().place(), "tree": self._in_tree}

    def show_detail(self) -> None:
        row = self.current
        if row is None:
            super().show_detail()
            return
        same, self._detail_of = row.id == self._detail_of, row.id
        if not same:
            self._relative = row.id
        kin = self._kin = self.session.rows.family(row.id)

        def lines(width: int) -> list[Line]:
            if width < _BOTH and not self._in_tree:
                return self.lines(row, width)
            room = width if width < _BOTH else (width - 3) // 2
            tree, _ = family_lines(kin, row.id, self._relative if self._in_tree else None, room)
            return tree if width < _BOTH else beside(self.lines(row, room), tree, width)

        self.page.show(lines, keep_place=same)

    def command_tree(self) -> None:
        self._in_tree = not self._in_tree
        self._detail_of = 0
        self.show_detail()
        self.remember()

    def command_detail_down(self) -> None:
        if not self._choose(1):
            super().command_detail_down()

    def command_detail_up(self) -> None:
        if not self._choose(-1):
            super().command_detail_up()

    def _choose(self, by: int) -> bool:
        """Point at another relative, when the tree is on."""
        ids = [one.row.id for one in self._kin]
        if not self._in_tree or self._relative not in ids:
            return False
        place = max(0, min(ids.index(self._relative) + by, len(ids) - 1))
        self._relative = ids[place]
        self.show_detail()
        _, starts = family_lines(self._kin, self._detail_of, None, 1)
        self.page.reveal(starts[place], starts[place] + 1)
        return True

    def command_relative(self) -> None:
        if self._in_tree and self._relative != self._current_id:
            self.remember()
            if self._relative in self._entries.ids:
                self.go_to_row(self._relative)
            else:
                self.studio.go_to_row(self._relative)
