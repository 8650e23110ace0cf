from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.alpaca.dataset_info import entry
from studio.alpaca.entries import traps_of_entry, traps_of_types
from studio.alpaca.llamafactory import STAGE_OF
from studio.alpaca.rows import COLUMNS

SFT = {"file_name": "a.json", "columns": {"prompt": "instruction", "query": "input", "response": "output"}}
HELD = ("instruction", "input", "output")
THEIRS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "llamafactory" / "dataset_info.json"


def found(made, stage="sft", columns=None, name="rows"):
    return [(trap.code, trap.column) for trap in traps_of_entry(name, made, stage, columns)]


@pytest.mark.parametrize("type", COLUMNS)
def test_our_own_entries_are_clean(type):
    assert found(entry(type, "rows.json", COLUMNS[type]), STAGE_OF[type], COLUMNS[type]) == []


@pytest.mark.skipif(not THEIRS.is_file(), reason="the shared data folder is not here")
def test_their_own_entries_are_clean():
    info = json.loads(THEIRS.read_text("utf-8"))
    for name, made in info.items():
        stage = "rm" if made.get("ranking") else "kto" if "kto_tag" in made.get("columns", {}) else "pt"
        assert found(made, stage, name=name) == []


@pytest.mark.parametrize(
    ("changes", "trap", "cure"),
    [
        ({"format": "sharegpt"}, ("unknown-key", "format"), 'Did you mean "formatting"?'),
        ({"colums": {}}, ("unknown-key", "colums"), 'Did you mean "columns"?'),
        ({"zebra": 1}, ("unknown-key", "zebra"), "Known here: hf_hub_url"),
        ({"columns": {"promt": "a", "response": "output"}}, ("unknown-key", "columns.promt"), '"prompt"'),
        ({"columns": {"response": "output", "input": "input"}}, ("unknown-key", "columns.input"), '"query"'),
        ({"tags": {"role": "from"}}, ("unknown-key", "tags.role"), '"role_tag"'),
        ({"columns": ["prompt"]}, ("entry-shape", "columns"), "object"),
        ({"formatting": "ShareGTP"}, ("formatting", "formatting"), '"sharegpt"'),
        ({"formatting": "chatml"}, ("formatting", "formatting"), "Known: alpaca, sharegpt, openai."),
        ({"ranking": True}, ("ranking", "ranking"), "stage rm or dpo"),
        ({"ranking": "false"}, ("ranking-type", "ranking"), "true or false"),
        ({"file_name": "a.JSON"}, ("file-type", "file_name"), "lower case"),
        ({"file_name": "a.jsonl.zst"}, ("file-type", "file_name"), "export"),
        ({"split": "validation"}, ("split", "split"), "of its own"),
        ({"num_samples": 9}, ("num-samples", "num_samples"), "Export"),
        ({"hf_hub_url": "a/b"}, ("two-sources", "file_name"), "one of them"),
        ({"columns": {"prompt": "text"}}, ("no-response", "columns.response"), "stage pt"),
    ],
)
def test_mistake(changes, trap, cure):
    [one] = traps_of_entry("rows", SFT | changes, "sft")
    assert (one.code, one.column) == trap
    assert cure in one.cure


@pytest.mark.parametrize(
    ("made", "stage", "columns", "traps"),
    [
        ({"columns": {"response": "output"}}, "sft", None, [("no-source", "file_name")]),
        (SFT, "rm", None, [("ranking", "ranking")]),
        (SFT, "kto", None, [("kto-tag", "columns.kto_tag")]),
        (SFT, "sft", HELD, []),
        (SFT, "sft", ("instruction", "output"), [("absent-column", "query")]),
        ({"file_name": "a.json"}, "sft", ("instruction", "output"), [("absent-column", "query")]),
        (SFT, "sft", (*HELD, "system", "made"), [("unmapped-column", "system")]),
        (
            {"file_name": "a.json", "columns": {"prompt": "instruction", "response": "output"}},
            "sft",
            HELD,
            [("unmapped-column", "input")],
        ),
        ({"file_name": "a.json"}, "sft", (*HELD, "history"), [("unmapped-column", "history")]),
        ({"file_name": "a.json", "formatting": "sharegpt"}, "sft", ("conversations", "id"), []),
        (
            {"file_name": "a.json", "formatting": "sharegpt"},
            "sft",
            ("messages", "images"),
            [("absent-column", "messages"), ("unmapped-column", "images")],
        ),
        (
            SFT | {"ranking": True},
            "rm",
            ("instruction", "input", "chosen", "rejected"),
            [("absent-column", "response"), ("unmapped-column", "chosen"), ("unmapped-column", "rejected")],
        ),
    ],
)
def test_entry_against_stage_and_file(made, stage, columns, traps):
    assert found(made, stage, columns) == traps


SHARE = {"file_name": "a.json", "formatting": "sharegpt"}
PAIR = {"file_name": "a.json", "ranking": True, "columns": {"prompt": "q", "chosen": "good", "rejected": "bad"}}


@pytest.mark.parametrize(
    ("made", "stage", "column", "effect"),
    [
        (SFT, "sft", "output", "loses"),
        (SFT, "pt", "output", None),
        (SFT, "pt", "input", "aborts"),
        (SFT, "sft", "made", None),
        (SFT | {"columns": SFT["columns"] | {"system": "s"}}, "sft", "s", "aborts"),
        (SFT | {"columns": SFT["columns"] | {"system": "s"}}, "pt", "s", None),
        (SFT | {"columns": SFT["columns"] | {"kto_tag": "tag"}}, "kto", "output", "aborts"),
        (SFT | {"columns": SFT["columns"] | {"kto_tag": "tag"}}, "kto", "tag", None),
        (PAIR, "rm", "good", "loses"),
        (SHARE, "sft", "conversations", "aborts"),
    ],
)
def test_columns_that_are_text_no_more(made, stage, column, effect):
    traps = traps_of_types(made, stage, {column: "date"})
    assert [(trap.code, trap.column, trap.effect) for trap in traps] == [("dates", column, effect)] * bool(effect)
    assert [trap.code for trap in traps_of_types(made, stage, {column: "number"})] == ["csv-numbers"] * bool(effect)


@pytest.mark.parametrize(
    ("made", "keys", "count"),
    [
        (SHARE, {"conversations": ("from", "value", "id")}, 0),
        (SHARE, {"conversations": ("role", "content")}, 2),
        (SHARE, {"messages": ("role",)}, 0),
        (SHARE | {"tags": {"role_tag": "role", "content_tag": "text"}}, {"conversations": ("role", "content")}, 1),
        (PAIR, {"good": ("role", "content")}, 0),
    ],
)
def test_keys_no_turn_has(made, keys, count):
    traps = traps_of_entry("rows", made, "sft", ("conversations", *HELD, "q", "good", "bad"), keys)
    assert sum(trap.code == "absent-key" for trap in traps) == count


def test_openai_asks_for_tools_and_system_politely():
    roles = {"messages": "messages", "tools": "tools", "system": "system"}
    assert found(SHARE | {"formatting": "openai", "columns": roles}, columns=("messages",)) == []


@pytest.mark.parametrize("name", ["a,b", " a", ""])
def test_names(name):
    assert found(SFT, name=name) == [("name", name)]


def test_entry_that_is_no_object():
    assert found([1]) == [("entry-shape", "")]
