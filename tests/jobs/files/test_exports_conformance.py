"""Exports of every form and kind in LLaMA-Factory's own loader. Run in an environment that has it: pytest -m slow."""

from __future__ import annotations

import pytest

from studio.alpaca.rows import Kto, Multimodal, Preference, Pretrain, Sft
from tests.support import trainer
from tests.support.export_rows_in_memory import export_rows, in_memory
from tests.support.projects import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(trainer.missing()), reason=trainer.missing()),
    pytest.mark.filterwarnings("ignore"),  # the trainer's own libraries warn at import
]

PAST = (("你好", "你好！"), ("How are you?", "Well."))
ROWS = [
    *(Pretrain(f"第 {n} 天，潮水在清晨退去。The boats lay dry until noon. " * 8) for n in range(4)),
    Sft("Name a fruit.", "", "Pear."),
    Sft("翻译", "潮水", "tide", "简短", PAST),
    Sft('Quote "this" \\ and that\n', "\u2028", "“done”"),
    Preference("Say thanks.", "", "Thank you.", "k"),
    Preference("道谢", "正式一点", "非常感谢您。", "谢", "简短", PAST),
    Multimodal("<image>多少个点？", "", "Nine.", ("dots.png",)),
    Multimodal("Compare <image> with <image>.", "", "Alike.", ("dots.png", "dots.png"), "Be brief.", PAST),
    Multimodal("Name a fruit.", "", "Pear."),
    Kto(instruction="Add 1 and 1.", output="2", kto_tag=True),
    Kto(instruction="3 乘 4", output="十三", system="简短", history=PAST, kto_tag=False),
]


@pytest.mark.parametrize("kind", ["json", "jsonl", "parquet"])
@pytest.mark.parametrize("formatting", ["alpaca", "sharegpt", "openai"])
@pytest.mark.parametrize("split", ["", "1:1"])
def test_the_trainer_keeps_every_row(tmp_path, formatting, kind, split):
    rows = in_memory(ROWS * 2, ROOT / "sample_data" / "images")
    done = export_rows(rows, tmp_path, format=formatting, file=kind, split=split)
    assert done.held_back == 0
    loaded = trainer.load_folder(tmp_path)
    assert len(loaded) == len(done.files) == (10 if split else 5)
    for file in done.files:
        found = loaded["_".join(part for part in ("p", file.type, file.part) if part)]
        assert found["error"] is None, found
        assert found["rows"] == file.rows
        if file.type != "pretrain":  # packed into blocks
            assert found["kept"] == file.rows
