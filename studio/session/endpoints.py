"""The chat models of a session, one set for all that asks them, and what asking has cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from studio.session.project import OpenProject
from studio.settings import Settings

if TYPE_CHECKING:
    from studio.llm.budget import Budget, Spent
    from studio.llm.chat import ChatModel
    from studio.llm.choice import Models


class Endpoints:
    """The chat models that the settings name; they are begun when first asked for."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project
        self.models: Models | None = None
        self._spending: Budget | None = None

    async def close(self) -> None:
        """End the chat models' children."""
        if self.models is not None:
            await self.models.close()
            self.models = None

    @property
    def spent(self) -> Spent | None:
        """What the run has cost that was started last, None before any was."""
        return None if self._spending is None else self._spending.spent

    def budget(self, settings: Settings) -> Budget:
        """A budget of its own for what is only tried or foretold."""
        from studio.llm.budget import Budget

        return Budget(settings.budget)

    def spend(self) -> Budget:
        """The budget of a run that starts now; `spent` tells of it."""
        self._spending = self.budget(self._project.settings)
        return self._spending

    def roles(self, roles: Iterable[str], settings: Settings, budget: Budget) -> dict[str, ChatModel]:
        """The models of these roles, by role; one set of models for the whole session."""
        from studio.llm import prices
        from studio.llm.choice import Models

        # Each job has its own number of lanes; the endpoints take what the largest one sends.
        sections = (getattr(settings, name) for name in settings.__struct_fields__)
        most = max(section.concurrency for section in sections if hasattr(section, "concurrency"))
        if self.models is None:
            self.models = Models(settings, most)
        self.models.change(settings, most)
        return self.models.roles(roles, self._project.replies, budget, prices.load(settings.prices))
