"""The outlook over whole files; test_trainer_matrix.py holds the trap table's."""

from __future__ import annotations

from studio.alpaca.llamafactory import Verdict
from studio.alpaca.preflight import Preflight
from tests.support.loader_matrix import SFT, sft


def test_outlook_counts_rows_by_reason():
    flight = Preflight("rows", SFT, "sft", "lines")
    assert flight.see(sft()) == Verdict("kept")
    assert flight.see(sft(output=None), 90).kind == "dropped"
    flight.see(sft(output=None), 180)
    found = flight.finish()
    assert (found.rows, found.kept, found.trains) == (3, 1, True)
    assert list(found.reasons.values()) == [2]
    assert found.traps == ()
