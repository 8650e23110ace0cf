"""Probes on disk: what was asked of a model, which answers were right, and so its curve.

An answer is written as it is judged, so a probe that was stopped shows what it has. The replies are in the ledger.
"""

from __future__ import annotations

import time

import msgspec

from studio.errors import StudioError
from studio.methods.probe.curve import Curve, counted
from studio.methods.probe.tasks import Setup
from studio.store.database import Database


class Probe(msgspec.Struct, frozen=True):
    """One probe. recipe: everything that decides its answers, as JSON. at: when it was begun. ended: whether all that
    was to be asked has been, save what was refused or failed; the curve says how much was answered.
    """

    id: int
    model: str
    setup: Setup
    recipe: str
    at: str
    ended: bool
    curve: Curve


_SELECT = "SELECT id, model, setup, recipe, at, ended IS NOT NULL FROM probes"


class Probes:
    """The probes of one project database."""

    def __init__(self, database: Database) -> None:
        self._connection = database.connection

    def open(self, digest: str, model: str, setup: Setup, recipe: str) -> int:
        """The id of the probe that goes by the recipe with this digest, begun now if there is none (inside the caller's
        transaction).
        """
        self._connection.execute(
            "INSERT INTO probes (digest, model, setup, recipe, at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (digest) DO NOTHING",
            (digest, model, msgspec.json.encode(setup).decode(), recipe, time.strftime("%Y-%m-%dT%H:%M:%S")),
        )
        return int(self._connection.execute("SELECT id FROM probes WHERE digest = ?", (digest,)).fetchone()[0])

    def keep(self, probe: int, sample: int, position: int, *, correct: bool, reply: str) -> None:
        """An answer was judged (inside the caller's transaction). reply: its key in the ledger."""
        self._connection.execute(
            "INSERT OR REPLACE INTO probe_answers VALUES (?, ?, ?, ?, ?)", (probe, sample, position, correct, reply)
        )

    def end(self, probe: int) -> None:
        """A probe came to its end (inside the caller's transaction): it is the newest of all."""
        self._connection.execute(
            "UPDATE probes SET ended = (SELECT coalesce(max(ended), 0) + 1 FROM probes) WHERE id = ?", (probe,)
        )

    def get(self, probe: int) -> Probe | None:
        found = self._connection.execute(f"{_SELECT} WHERE id = ?", (probe,)).fetchone()
        return None if found is None else self._read(found)

    def all(self) -> list[Probe]:
        """Every probe: those that ended, newest first, then those that have not, newest first."""
        return [self._read(found) for found in self._connection.execute(f"{_SELECT} ORDER BY ended DESC, id DESC")]

    def newest(self, model: str | None = None) -> Probe | None:
        """The probe that ended last, of this model or of any; None when there is none."""
        found = self._connection.execute(
            f"{_SELECT} WHERE ended IS NOT NULL AND (?1 IS NULL OR model = ?1) ORDER BY ended DESC LIMIT 1", (model,)
        ).fetchone()
        return None if found is None else self._read(found)

    def _read(self, found: tuple[int, str, str, str, str, int]) -> Probe:
        probe, model, encoded, recipe, at, ended = found
        try:
            setup = msgspec.json.decode(encoded, type=Setup)
        except msgspec.DecodeError as error:
            raise StudioError(f"A stored probe cannot be read: {error}.", hint="Run: studio doctor") from None
        answers = self._connection.execute("SELECT position, correct FROM probe_answers WHERE probe = ?", (probe,))
        curve = counted(setup.size, setup.indices, ((position, bool(correct)) for position, correct in answers))
        return Probe(probe, model, setup, recipe, at, bool(ended), curve)
