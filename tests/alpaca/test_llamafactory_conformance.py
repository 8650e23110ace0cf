"""The loader model against LLaMA-Factory itself. CONTRIBUTING.md tells how to install it; pytest -m slow."""

from __future__ import annotations

import random
import re

import pytest

from studio.alpaca.explain import explain
from studio.alpaca.llamafactory import verdict
from tests.support import trainer
from tests.support.file_matrix import PNG, outlook
from tests.support.generated_files import made_file
from tests.support.generated_rows import generated
from tests.support.loader_matrix import CASES
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
    return any(re.search(words, one.meaning + one.cure) for one in explain(error))


def test_generated_files(tmp_path):
    differing, unexplained = [], []
    chance = random.Random(20)
    for _ in range(1500):
        case = made_file(chance)
        found = outlook(case)
        if any(trap.code == "null-in-list" for trap in found.traps):
            continue  # it may crash the interpreter
        case.write(tmp_path)
        loaded = trainer.load(tmp_path, "rows", case.entry, case.stage)
        if (loaded["error"] is None, loaded["kept"]) != (found.trains, found.kept if found.trains else 0):
            differing.append((case, loaded, found))
        if loaded["error"] and not explain(loaded["error"]):
            unexplained.append(loaded["error"])
    assert not differing
    assert not unexplained
