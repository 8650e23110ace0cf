"""Pages about the task pool: its balance, what a request would show; and which type a new row has."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

from studio.alpaca.rows import Kto, Multimodal, Preference, Pretrain, Row, Sft
from studio.jobs.events import PoolCounted
from studio.methods.templates import Language
from studio.session import Session
from studio.tui.details.pool import drawn_lines
from studio.tui.dialogs.questions import Help
from studio.tui.ink import Line

_NEW: dict[str, tuple[str, Row]] = {
    "s": ("sft: a seed task, instruction, input, output", Sft()),
    "p": ("preference: a prompt with a better and a worse answer", Preference()),
    "g": ("kto, a good answer", Kto(kto_tag=True)),
    "b": ("kto, a bad answer", Kto(kto_tag=False)),
    "t": ("pretrain: plain text", Pretrain()),
    "m": ("multimodal: about images", Multimodal()),
}


class Draw(Help):
    """The prompt of one request after the other."""

    BINDINGS = [
        Binding("n,right", "step(1)", "next draw"),
        Binding("p,left", "step(-1)", "previous draw"),
        Binding("l", "language", "other language"),
    ]

    def __init__(self, session: Session, pool: PoolCounted) -> None:
        super().__init__(self._lines)
        self._session, self._pool = session, pool
        self._languages: list[Language] = [language for language, ids in pool.seeds.items() if len(ids)]
        # A run begins with the language of the settings, else with that of most seed tasks.
        wanted = session.settings.self_instruct.language
        self._languages.sort(key=lambda language: (language != wanted, -len(pool.seeds[language])))
        self._request = 0
        self._drawn = session.runs.draw_examples(pool, self._languages[0], 0)

    def action_step(self, by: int) -> None:
        self._draw(max(0, self._request + by))

    def action_language(self) -> None:
        self._languages = [*self._languages[1:], self._languages[0]]
        self._draw(self._request)

    def _draw(self, request: int) -> None:
        self._request = request
        self._drawn = self._session.runs.draw_examples(self._pool, self._languages[0], request)
        self.show(self._lines)

    def _lines(self, width: int) -> list[Line]:
        seed = self._session.settings.self_instruct.seed
        return drawn_lines(self._drawn, self._languages[0], self._request, seed, width)


class NewRow(ModalScreen[Row | None]):
    """Asks for the type of a new row; the answer is an empty row of that type."""

    BINDINGS = [
        Binding("escape,q", "dismiss(None)", "cancel"),
        Binding("enter", "choose('s')", "sft"),
        *(Binding(key, f"choose('{key}')", title) for key, (title, _) in _NEW.items()),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label("A new row of which type?", classes="title", markup=False)
            yield Label("\n".join(f"{key}  {title}" for key, (title, _) in _NEW.items()), markup=False)
            yield Label("Enter takes sft, Esc cancels", classes="hint", markup=False)

    def action_choose(self, key: str) -> None:
        self.dismiss(_NEW[key][1])
