"""What looking for duplicates says while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from studio.curate.duplicates.review_queue import Outlook, ReviewQueue
from studio.jobs.events import Event
from studio.store.pairs import Found

if TYPE_CHECKING:
    from studio.curate.duplicates.index import Arrays


class DuplicatesFound(Event, frozen=True):
    """The pairs of a search over so many rows. partial: rows of clusters too large to list every pair of.

    indexes: of the rows by group, for comparing single rows later; none where the method makes none.
    """

    pairs: list[Found]
    partial: tuple[int, ...]
    rows: int
    indexes: Mapping[str, Arrays]


class Foretold(Event, frozen=True):
    """What a threshold would leave to decide, and what would go."""

    threshold: float
    outlook: Outlook


class QueueMade(Event, frozen=True):
    """The clusters that are to be reviewed."""

    queue: ReviewQueue
