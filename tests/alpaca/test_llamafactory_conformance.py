"""The loader model against LLaMA-Factory itself. CONTRIBUTING.md tells how to install it; pytest -m slow."""

from __future__ import annotations

import random
import re

import pytest

from studio.alpaca.dataset_info import encode
from studio.alpaca.explain import explain
from studio.alpaca.llamafactory import verdict
from tests.support import trainer
from tests.support.file_matrix import PNG, FileCase, array, lines, outlook
from tests.support.generated_files import made_file
from tests.support.generated_rows import generated
from tests.support.loader_matrix import CASES, SEEN, seen, sft
from tests.support.trap_table import FILES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(trainer.missing()), reason=trainer.missing()),
    pytest.mark.filterwarnings("ignore"),  # the trainer's own libraries warn at import
]


@pytest.fixture(scope="module")
def media_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    (folder / "1.png").write_bytes(PNG)
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_matrix(case, media_folder):
    kind, error = trainer.outcome(case.row, case.entry, case.stage, media_folder)
    assert kind == case.verdict, error


@pytest.mark.parametrize("case", FILES.values(), ids=FILES.keys())
def test_files(case, tmp_path):
    case.write(tmp_path)
    loaded = trainer.load(tmp_path, "rows", case.entry, case.stage)
    assert loaded["kept"] == case.kept
    assert (loaded["error"] is None) == (not case.error)
    assert case.error in (loaded["error"] or "")
    if case.kept or case.dropped:
        assert loaded["rows"] - loaded["kept"] == case.dropped
    for words in (WORDS_OF_TRAP[code] for code in case.traps[:1] if case.error):
        assert says(loaded["error"], words), loaded["error"]


WORDS_OF_TRAP = {
    "absent-column": "not in the file",
    "absent-key": "lacks the key",
    "byte-order-mark": "byte-order mark",
    "cells-first": "first 10,000 rows",
    "csv-numbers": "Every row was dropped",
    "dates": "Every row was dropped|took for a date|two types",
    "dates-first": "only dates at the beginning",
    "duplicate-key": "same key twice",
    "empty-file": "no rows",
    "encoding": "not UTF-8|no JSON",
    "file-type": "ending",
    "late-column": "first time after the first 10 MB",
    "lone-surrogate": "half of a character",
    "mixed-types": "two types",
    "no-response": "Every row was dropped|ranking",
    "no-rows": "no rows",
    "null-first": "null or an empty list",
    "syntax": "syntax error",
    "wrapper": "wrapper",
}
"""The first trap of a file, and words that the explanation of the trainer's own error must hold."""


def says(error, words):
    return any(re.search(words, one.meaning + one.cure) for one in explain(error))


RIGHT_WORDS = {
    r"formatting .* does not exist": "`formatting`",
    r"ranking is .*, which stage": "ranking",
    r"the entry maps no column": "does not map",
    r"column .* is not in the file": "not in the file",
    r"the role .* has no tag|the role of": "role that `tags` does not name",
    r"a turn has no": "lacks the key|not in the file",
    r"a turn counts as a system prompt": "role",
    r"the conversation is an object": "object where a list",
    r"the conversation is|a turn is .*, not an object": "list of turns|lacks the key",
    r"the prompt is|the text is": "instruction or input is not text|not text",
    r"a turn of history": "pair",
    r"a turn is|the answer of a tool": "null|two types|number|text",
    r"\w+s: \d+, but|<\w+> in the answer|\w+ mixes paths|\w+ holds": "image",
    r"the system prompt is": "system prompt|not text",
    r"tools is|a function call|tool_calls": "tools|function|null, a text or a number",
    r"the row has no answer": "needs an answer|null",
    r"the turns are out of order, which leaves no text": "first turn",
}
"""Reasons of our model for a run that stops, and words that the explanation of the trainer's own error must hold."""


def test_generated_rows(media_folder):
    differing, unexplained = [], {}
    for row, entry, stage in generated(count=4000, seed=20):
        kind, error = trainer.outcome(row, entry, stage, media_folder)
        found = verdict(row, entry, stage)
        if kind != found.kind:
            differing.append((stage, entry, row, f"trainer {kind} {error}", found))
        elif kind == "aborts" and not explained(error, found.reason):
            unexplained[found.reason] = (error, explain(error))
    assert not differing
    assert not unexplained


def explained(error, reason):
    """Whether the trainer's error is explained by words that go with the reason our model gives."""
    words = next(words for pattern, words in RIGHT_WORDS.items() if re.match(pattern, reason))
    return says(error, words)


ROWS = {"file_name": "rows.jsonl"}
ONE = lines(sft())
BROKEN = {
    "no such file": ({"rows.json": ONE}, ROWS, "dataset_dir"),
    "no file named": ({"rows.json": ONE}, {}, "names no file"),
    "split": ({"rows.jsonl": ONE}, ROWS | {"split": "validation"}, "split train only"),
    "a folder of two types": ({"all/a.json": ONE, "all/README.md": b"# A"}, {"file_name": "all"}, "README|ending"),
    "undefined": ({"rows.jsonl": ONE, "dataset_info.json": b"{}"}, ROWS, "not there"),
    "entries in GBK": ({"rows.jsonl": ONE, "dataset_info.json": '{"行": {}}'.encode("gbk")}, ROWS, "ASCII"),
    "entries after a mark": ({"rows.jsonl": ONE, "dataset_info.json": b"\xef\xbb\xbf{}"}, ROWS, "byte-order mark"),
    "control character": ({"rows.jsonl": ONE.replace(b"Pear", b"Pe\tar")}, ROWS, "control character"),
    "line cut off": ({"rows.jsonl": ONE + ONE[:-9]}, ROWS, "quotation mark"),
    "comma after a line": ({"rows.jsonl": (ONE + ONE).replace(b"}", b"},")}, ROWS, "comma"),
    "comment": ({"rows.jsonl": b"// pears\n" + ONE}, ROWS, "no JSON"),
    "single quotes": ({"rows.jsonl": b"{'instruction': 'a'}\n"}, ROWS, "quotation mark"),
    "number too big": ({"rows.jsonl": ONE[:-2] + b', "x": 1e400}\n'}, ROWS, "too large"),
    "nested too deep": ({"rows.jsonl": ONE[:-2] + b', "x": ' + b"[" * 300 + b"]" * 300 + b"}\n"}, ROWS, "deeper"),
    "a number for a line": ({"rows.jsonl": ONE + b"3\n"}, ROWS, "no object"),
    "null in an array": ({"rows.jsonl": array(sft(), None)}, ROWS, "no object"),
    "objects over several lines": ({"rows.jsonl": ONE.replace(b", ", b",\n") * 9000}, ROWS, "several lines"),
    "csv, whole numbers first": (
        {"rows.csv": b"instruction,input,output,x\n" + b"a,,b,1\n" * 10_000 + b"a,,b,1.5\n"},
        {"file_name": "rows.csv"},
        "first 10,000 rows",
    ),
    "csv, true and false first": (
        {"rows.csv": b"instruction,input,output,x\n" + b"a,,b,True\n" * 10_000 + b"a,,b,c\n"},
        {"file_name": "rows.csv"},
        "first 10,000 rows",
    ),
    "image missing": ({"rows.jsonl": lines(seen(images=["2.png"]))}, SEEN | ROWS, "missing"),
    "no image": ({"rows.jsonl": lines(seen(images=["2.png"])), "2.png": b"pear"}, SEEN | ROWS, "no image"),
}
"""Folders the trainer stops at: their files, the entry, and words of the explanation."""


@pytest.mark.parametrize(("files", "entry", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_errors_of_broken_folders_are_explained(files, entry, words, tmp_path):
    for name, raw in ({"dataset_info.json": encode({"rows": entry})} | files).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(raw)
    error = trainer.load(tmp_path, "rows", entry, "sft")["error"]
    assert error is not None
    assert says(error, words), (error, explain(error))


def test_images_for_a_model_of_texts_are_explained(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "_template_name", lambda entry: "qwen")
    FileCase("", "a.jsonl", lines(seen()), SEEN, "sft", 0).write(tmp_path)
    error = trainer.load(tmp_path, "rows", SEEN, "sft")["error"]
    assert says(error, "template is one for text")


def test_generated_files(tmp_path):
    differing, unexplained = [], []
    chance = random.Random(20)
    for _ in range(1500):
        case = made_file(chance)
        found = outlook(case)
        if any(trap.code == "null-in-list" for trap in found.traps):
            continue  # it may crash the interpreter
        if any("KTO" in reason.reason for reason in found.reasons):
            continue  # said of a row among good ones, as in test_generated_rows; these neighbours are not
        case.write(tmp_path)
        loaded = trainer.load(tmp_path, "rows", case.entry, case.stage)
        if (loaded["error"] is None, loaded["kept"]) != (found.trains, found.kept if found.trains else 0):
            differing.append((case, loaded, found))
        if loaded["error"] and not explain(loaded["error"]):
            unexplained.append(loaded["error"])
    assert not differing
    assert not unexplained
