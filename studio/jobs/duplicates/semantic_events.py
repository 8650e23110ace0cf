"""What a search for semantic neighbours says besides what every job of lanes does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from studio.jobs.events import Event

if TYPE_CHECKING:
    import numpy as np

    Ids: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
    Scores: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


class TextsPlanned(Event, frozen=True):
    """The rows were read. Nothing has been asked yet: whoever stops here has paid nothing.

    texts: different ones, of so many rows; missing: those without a vector yet, of about so many tokens and USD (None:
    the price is not known). blank: rows without text, which take no part. cut: rows whose text is longer than cutoff
    tokens and is compared by its beginning alone, ascending.
    """

    rows: int
    texts: int
    missing: int
    tokens: int
    usd: float | None
    blank: int
    cut: tuple[int, ...]
    cutoff: int


class VectorsKept(Event, frozen=True):
    """A request was answered, and the vectors of so many texts are in the project. tokens and seconds: it took."""

    lane: int
    texts: int
    tokens: int
    seconds: float


class LeftOut(Event, frozen=True):
    """Rows that the search goes without, because their text has no vector, and why. Starting again asks anew."""

    reasons: dict[int, str]


class NeighboursFound(Event, frozen=True):
    """More pairs: rows by their ids, the lower on the left, and the cosine. Arrays of one length, never empty.

    Rows with the same text are paired with the first of them alone, at 1.0, and it stands for all of them elsewhere.
    """

    left: Ids
    right: Ids
    score: Scores


class NeighboursEnded(Event, frozen=True):
    """Every pair has been told: so many, among so many rows."""

    rows: int
    pairs: int
