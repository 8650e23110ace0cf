"""The lines of the loader's trap table (reference 1.9): each gives the stated verdict."""

from __future__ import annotations

import pytest

from studio.alpaca.llamafactory import Verdict
from studio.alpaca.preflight import Preflight
from tests.support.file_matrix import FILES, outlook
from tests.support.loader_matrix import SFT, sft


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.name)
def test_file(case):
    found = outlook(case)
    assert found.trains == (case.kept > 0)
    if found.trains:
        assert found.kept == case.kept
        assert all(trap.effect != "aborts" for trap in found.traps)
    assert sorted(trap.code for trap in found.traps) == sorted(case.traps)


def test_outlook_counts_rows_by_reason():
    flight = Preflight("rows", SFT, "sft", "lines")
    assert flight.see(sft()) == Verdict("kept")
    assert flight.see(sft(output=None), 90).kind == "dropped"
    flight.see(sft(output=None), 180)
    found = flight.finish()
    assert (found.rows, found.kept, found.trains) == (3, 1, True)
    assert list(found.reasons.values()) == [2]
    assert found.traps == ()
