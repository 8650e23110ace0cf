"""What a probe says besides what every job of lanes does."""

from __future__ import annotations

from studio.jobs.events import Event
from studio.methods.probe.tasks import Setup
from studio.store.probes import Probe


class ProbeBegun(Event, frozen=True):
    """A probe begins. model: who is asked, as the endpoint calls it. room: tokens that the longest prompt that is left
    to ask takes and tokens it may take, None where nobody knows.
    """

    model: str
    setup: Setup
    room: tuple[int, int] | None = None


class Probed(Event, frozen=True):
    """A question was answered, and judged. index: where its answer stood, from 0.

    said: the reply; expected: what it had to hold. reply: its key in the ledger. tokens: of the prompt and of the
    answer, seconds: of the request, replayed: it was not paid for now.
    """

    lane: int
    sample: int
    index: int
    right: bool
    said: str
    expected: str
    reply: str
    tokens: tuple[int, int]
    seconds: float
    replayed: bool


class ProbeEnded(Event, frozen=True):
    """All has been asked; probe: as it is kept now."""

    probe: Probe
