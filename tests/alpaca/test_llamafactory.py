from __future__ import annotations

import pytest

from studio.alpaca.llamafactory import STAGE_OF, verdict
from studio.alpaca.rows import ROW_TYPES
from tests.support.loader_matrix import CASES, KTO, PAIR, SFT, kto, sft


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdict(case):
    found = verdict(case.row, case.entry, case.stage)
    assert found.kind == case.verdict, found.reason
    assert found.kind == "kept" or found.reason


def test_row_that_lacks_a_column_of_the_file_has_null():
    row = {"instruction": "Hi", "output": "Hello"}
    assert verdict(row, SFT, "sft").reason == "column input, mapped to query, is not in the file"
    assert verdict(row, SFT, "sft", columns={"instruction", "input", "output"}).kind == "kept"


def test_kto_sign_is_read_from_the_output():
    assert verdict(kto(), KTO, "kto").reason == ""
    assert verdict(kto(kto_tag=False), KTO, "kto").reason == "undesirable"
    assert "empty" in verdict(kto(output=""), KTO, "kto").reason


def test_stage_refuses_ranking():
    assert verdict(sft(), PAIR, "sft").reason == "ranking is true, which stage sft refuses"


def test_every_type_has_a_stage():
    assert tuple(STAGE_OF) == ROW_TYPES
