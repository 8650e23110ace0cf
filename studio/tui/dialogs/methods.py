"""The list of methods: what each needs, makes and takes; Enter starts one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

from studio.errors import StudioError
from studio.jobs.runs.estimate import Estimate
from studio.settings import Settings
from studio.tui.details.methods import Listed, method_line, method_lines
from studio.tui.ink import Line
from studio.tui.widgets.page import Page
from studio.tui.widgets.row_list import RowList


class MethodsList(ModalScreen[str | None]):
    """↑ ↓ choose, Enter starts, o opens the settings of the one under the cursor.

    estimate: what a method would take; asked for the one under the cursor. settings: as they are now.
    """

    BINDINGS = [
        Binding("enter", "take", "start", priority=True),
        Binding("o", "settings", "settings"),
        Binding("escape,q,m", "dismiss(None)", "close"),
    ]

    def __init__(
        self,
        methods: list[Listed],
        chosen: str,
        estimate: Callable[[str], Awaitable[Estimate]],
        settings: Callable[[], Settings],
        change: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._methods, self._estimate, self._settings, self._change = methods, estimate, settings, change
        self._list = RowList()
        self._page = Page()
        # Keys that were typed ahead come before the list is there, so the cursor's place is kept here.
        self._place = next((place for place, one in enumerate(methods) if one.method.name == chosen), 0)

    def compose(self) -> ComposeResult:
        with Vertical(classes="form methods"):
            yield Label("Methods", classes="title", markup=False)
            yield Label("Enter starts it, o changes its settings, Esc closes", classes="hint", markup=False)
            yield self._list
            yield self._page

    def on_mount(self) -> None:
        self._list.styles.height = len(self._methods)
        self._list.show(self, self._place)
        self._show()

    def on_screen_resume(self) -> None:
        # Its settings may be others now.
        self._methods = [one._replace(foretold=None, trouble="") for one in self._methods]
        if self._list.is_mounted:
            self._show()

    def __len__(self) -> int:
        return len(self._methods)

    def __bool__(self) -> bool:
        return True

    def line(self, index: int, width: int) -> Line:
        return method_line(self._methods[index], width)

    def action_take(self) -> None:
        self.dismiss(self._methods[self._place].method.name)

    def action_settings(self) -> None:
        self._change(self._methods[self._place].method.name)

    def on_key(self, event: events.Key) -> None:
        step = {"down": 1, "j": 1, "up": -1, "k": -1}.get(event.key)
        if step:
            event.stop()
            self._place = min(max(0, self._place + step), len(self._methods) - 1)
            if self._list.is_mounted:
                self._list.move_to(self._place)
                self._show()

    def _show(self) -> None:
        place = self._place
        one = self._methods[place]
        self._page.show(lambda width: method_lines(one, self._settings(), width))
        if one.foretold is None and not one.trouble:
            self.run_worker(self._foretell(place), exclusive=True, group="foretell")

    async def _foretell(self, place: int) -> None:
        one = self._methods[place]
        try:
            self._methods[place] = one._replace(foretold=await self._estimate(one.method.name))
        except StudioError as error:
            self._methods[place] = one._replace(trouble=str(error))
        if self._place == place:
            self._show()
