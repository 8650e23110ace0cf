"""What a placing job made, as one undoable step: rows that moved, and variants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from studio.alpaca.rows import type_of
from studio.session.journal import count_of
from studio.session.project import OpenProject
from studio.session.steps import Step
from studio.settings import PositionSettings
from studio.store import decisions
from studio.store.journal import Change
from studio.store.rows import PLACEMENT, Generated

if TYPE_CHECKING:
    from studio.jobs.placement.events import Placement, RowsPlaced, Variant


class PlacingStep:
    """Placed rows and variants as one undoable step. rows: how many the job looks at, once it knows."""

    def __init__(self, project: OpenProject, settings: PositionSettings) -> None:
        self.rows = 0
        self._project, self._settings = project, settings
        self._step = Step(project, "place", self._summary)
        self._run = 0

    def keep(self, event: RowsPlaced) -> bool:
        """Store a batch of placed rows; False when the step was undone meanwhile."""
        changes = self._still_so(event.placements)
        if not (changes or event.variants):
            return True
        return self._step.take(changes, lambda: [self._add(variant) for variant in event.variants])

    def _still_so(self, placements: Sequence[Placement]) -> list[Change]:
        """The changes to rows that are as they were when the job looked at them: a later edit is not overwritten."""
        bodies = self._project.rows.bodies([one.row_id for one in placements])
        return [
            Change("row", one.row_id, one.row_id, one.before, one.after)
            for one in placements
            if bodies.get(one.row_id) == str(one.before["body"]).encode()
        ]

    def _summary(self) -> str:
        settings = self._settings
        if settings.variants:
            return f"make {settings.variants} variants of {count_of(self.rows)} ({settings.strategy})"
        return f"place {count_of(self.rows)} ({settings.strategy})"

    def _add(self, variant: Variant) -> Change:
        """A new row, pending; undoing it rejects it, for nothing is ever deleted."""
        if not self._run:
            self._run = self._project.runs.open(PLACEMENT, digest(self._settings), _recipe(self._settings))
        row_id = self._project.rows.add_generated(
            Generated(
                type=type_of(variant.row),
                row=variant.row,
                run=self._run,
                root=None,
                round=variant.number,
                parent=variant.parent,
                operation=PLACEMENT,
                replies=(),
                variant=variant.parent,
            )
        )
        marks: dict[str, Any] = {
            "gold": variant.gold, "gold_why": variant.gold_why, "placement": variant.plan.encode(),
        }  # fmt: skip
        self._project.rows.change(row_id, row_id, marks)
        pending = {"status": "pending", "rule": None, "evidence": None}
        return Change("row", row_id, row_id, decisions.rejected(decisions.BY_HAND, "you took it back"), pending)


def _recipe(settings: PositionSettings) -> str:
    """What decides which variants are made, as canonical JSON."""
    named = ("strategy", "seed", "variants", "distractors", "question", "locate_first", "weights", "pattern")
    return msgspec.json.encode({name: getattr(settings, name) for name in named}, order="sorted").decode()


def digest(settings: PositionSettings) -> str:
    """What the run of these settings' variants is found by."""
    import hashlib

    return hashlib.blake2b(f"placement {_recipe(settings)}".encode(), digest_size=16).hexdigest()
