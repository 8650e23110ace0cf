"""The kinds of segments, one module each. Every `find` takes a Source and returns what it Found, or None."""

from __future__ import annotations

from typing import NamedTuple

from studio.curate.segments.guards import Guard
from studio.curate.segments.segment import Segments


class Found(NamedTuple):
    """Segments of one kind, and what says that they must not change places, if anything does."""

    segments: Segments
    guard: Guard | None = None
