"""One start of a run: its method, settings, models and prompts at this moment, and the tasks that are under way.

A course is the `Run` that a method sees. Settings may change while it runs; a change counts from the next request on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from studio.errors import UsageError
from studio.jobs.runs.control import Control
from studio.jobs.runs.prompts import LANGUAGES, profile_of, prompts_of
from studio.llm.chat import ChatModel, Usage
from studio.methods import identity
from studio.methods.asking import Key, Look, Method, Result, Task
from studio.methods.templates import Language, Profile, PromptSet
from studio.settings import Settings


class Heard(NamedTuple):
    """What an attempt came to, before it is folded. asked: "role:key" of each reply in the ledger, in order."""

    task: Task
    result: Result
    asked: tuple[str, ...]
    usage: Usage
    seconds: float
    replayed: bool


Note = Callable[[int, Iterable[Task]], None]
"""Writes down the briefs of a run's tasks, in one transaction."""


class Course:
    """One start of a run (`studio.methods.asking.Run`).

    id: 0 for a run that is not in the store yet. models: by role. thinking: what becomes of thoughts.
    """

    def __init__(
        self,
        method: Method,
        settings: Settings,
        models: Mapping[str, ChatModel],
        folder: Path,
        look: Look,
        control: Control,
        note: Note,
    ) -> None:
        """folder: the project's. Raises StudioError when the settings or a prompt file cannot be used."""
        self.method = method
        self.id = 0
        self.state: Any = None
        self.look = look
        self.flying: set[Key] = set()
        self.returned: set[Key] = set()
        self.held: dict[Key, Heard] = {}
        self.turns: list[Key] = []
        self._folder, self._control, self._note = folder, control, note
        self._go_by(settings, models)

    @property
    def lanes(self) -> int:
        return self._control.concurrency

    def note(self, tasks: Iterable[Task]) -> None:
        self._note(self.id, tasks)

    def profile(self, role: str) -> Profile:
        return self._profiles[role]

    def prompts(self, role: str, language: Language) -> PromptSet:
        return self._prompts[role][language]

    def change(self, settings: Settings, models: Mapping[str, ChatModel]) -> None:
        """Go by other settings; by those so far when this raises StudioError.

        Raises UsageError when a setting would change that a started run keeps.
        """
        section = getattr(settings, self.method.section)
        if any(getattr(section, name) != getattr(self.settings, name) for name in self.method.fixed):
            kept = " and ".join(self.method.fixed)
            raise UsageError(f"A run of {self.method.title} keeps its {kept}.", hint="Stop it, and start another.")
        self._go_by(settings, models)

    def recipe(self, over: Mapping[str, Any]) -> str:
        """What decides the results of this run, as canonical JSON; its digest is the run's identity. over: what the
        method says of itself (`Method.identity`).
        """
        spoken = self.method.speaks(self)
        asked = {
            role: identity.Asked(
                self.models[role].model,
                self._profiles[role],
                {one: digest for one, digest in self._own[role].items() if one in spoken},
            )
            for role in self.method.roles
        }
        return identity.recipe(self.method.name, asked, identity.told(self.settings, over), self.thinking)

    def _go_by(self, settings: Settings, models: Mapping[str, ChatModel]) -> None:
        section = getattr(settings, self.method.section)
        files, place = self.method.prompts, getattr(section, "prompts", "")
        profiles = {role: profile_of(role, settings, models[role]) for role in self.method.roles}
        prompts: dict[str, dict[Language, PromptSet]] = {}
        own: dict[str, dict[Language, str]] = {}
        for role, profile in profiles.items():
            prompts[role] = prompts_of(files, place, profile, self._folder)
            shipped = {language: files.load(language, profile).digest for language in LANGUAGES}
            digests = {language: prompts[role][language].digest for language in LANGUAGES}
            own[role] = {one: digests[one] for one in LANGUAGES if digests[one] != shipped[one]}
        self.settings: Any = section
        self.models = models
        self.thinking = settings.model.thinking
        self._profiles, self._prompts, self._own = profiles, prompts, own
