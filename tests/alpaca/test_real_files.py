"""LLaMA-Factory's demo files and Self-Instruct's seed tasks, read from the shared folder where there is one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from studio.alpaca import conversations
from studio.alpaca.checks import RULES, checker
from studio.alpaca.columns import guess_type
from studio.alpaca.dataset_info import encode, entry
from studio.alpaca.export_rows import columns_of, export_object, filled
from studio.alpaca.llamafactory import STAGE_OF, verdict
from studio.alpaca.rows import parse
from tests.support import trainer

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
FILES = (
    ("llamafactory/alpaca_en_demo.json", "sft", 999),
    ("llamafactory/c4_demo.jsonl", "pretrain", 300),
    ("llamafactory/dpo_en_demo.json", "preference", 300),
    ("llamafactory/kto_en_demo.json", "kto", 300),
    ("llamafactory/mllm_demo.json", "multimodal", 6),
    ("self-instruct/seed_tasks.jsonl", "sft", 175),
)

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not here")


def rows_of(name):
    """The type and rows of a file, each object brought in the way an import does."""
    path = SHARED / name
    text = path.read_text("utf-8")
    objects = [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)
    guess = guess_type(objects[:100])
    rows = []
    for obj in objects:
        type, columns = (guess.type, obj) if guess.shape == "alpaca" else conversations.convert(obj)
        assert type == guess.type
        rows.append(parse(type, columns)[0])
    return guess.type, rows


@pytest.mark.parametrize(("name", "type", "count"), FILES)
def test_no_row_is_lost(name, type, count):
    found, rows = rows_of(name)
    assert (found, len(rows)) == (type, count)
    columns = columns_of(type, set().union(*map(filled, rows)))
    made = entry(type, "rows.json", columns)
    verdicts = Counter(verdict(export_object(row, columns), made, STAGE_OF[type]).kind for row in rows)
    assert verdicts == {"kept": count}
    check = checker(RULES)
    errors = Counter(issue.code for row in rows for issue in check(row) if issue.severity == "error")
    assert not errors


@pytest.mark.slow
@pytest.mark.skipif(bool(trainer.missing()), reason=trainer.missing())
@pytest.mark.filterwarnings("ignore")
def test_trainer_keeps_every_row_of_the_export(tmp_path):
    info = {}
    for name, _, _ in FILES:
        type, rows = rows_of(name)
        columns = columns_of(type, set().union(*map(filled, rows)))
        file_name = f"{Path(name).stem}.json"
        objects = [export_object(row, columns) for row in rows]
        (tmp_path / file_name).write_text(json.dumps(objects, ensure_ascii=False), "utf-8")
        info[Path(name).stem] = entry(type, file_name, columns)
    (tmp_path / "mllm_demo_data").symlink_to(SHARED / "llamafactory" / "mllm_demo_data")
    (tmp_path / "dataset_info.json").write_bytes(encode(info))
    loaded = trainer.load_folder(tmp_path)
    assert loaded == {
        Path(name).stem: {"stage": STAGE_OF[type], "rows": count, "kept": count, "error": None}
        for name, type, count in FILES
    }
