from __future__ import annotations

import json

import pytest

from studio.alpaca.dataset_info import encode, entry, merge, safe_name
from studio.alpaca.rows import COLUMNS, ROW_TYPES
from studio.errors import StudioError


def test_canonical_entries():
    assert entry("pretrain", "x.jsonl", ["text"]) == {"file_name": "x.jsonl", "columns": {"prompt": "text"}}
    assert entry("sft", "x.json", COLUMNS["sft"])["columns"] == {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "system": "system",
        "history": "history",
    }
    assert entry("preference", "x.json", ["instruction", "input", "chosen", "rejected"]) == {
        "file_name": "x.json",
        "ranking": True,
        "columns": {"prompt": "instruction", "query": "input", "chosen": "chosen", "rejected": "rejected"},
    }
    assert entry("kto", "x.json", COLUMNS["kto"])["columns"]["kto_tag"] == "kto_tag"
    assert entry("multimodal", "x.json", ["instruction", "images"])["columns"] == {
        "prompt": "instruction",
        "images": "images",
    }


@pytest.mark.parametrize("type", ROW_TYPES)
def test_every_column_is_mapped_and_only_preference_ranks(type):
    made = entry(type, "x.json", COLUMNS[type])
    assert sorted(made["columns"].values()) == sorted(COLUMNS[type])
    assert ("ranking" in made) == (type == "preference")


def test_sharegpt_entries_name_the_columns_beside_the_turns():
    assert entry("sft", "x.json", ["instruction", "input", "output", "system", "history"], "sharegpt") == {
        "file_name": "x.json",
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "system": "system"},
    }
    found = entry("preference", "x.json", COLUMNS["preference"], "sharegpt")
    assert found["ranking"] is True
    assert found["columns"] == {
        "messages": "conversations",
        "chosen": "chosen",
        "rejected": "rejected",
        "system": "system",
    }


def test_openai_entries_say_what_roles_are_called_and_have_no_system_column():
    found = entry("kto", "x.jsonl", COLUMNS["kto"], "openai")
    assert found["columns"] == {"messages": "messages", "kto_tag": "kto_tag"}
    assert (found["formatting"], found["tags"]["role_tag"], found["tags"]["system_tag"]) == ("openai", "role", "system")


def test_pretrain_is_a_column_of_text_in_every_formatting():
    for formatting in ("alpaca", "sharegpt", "openai"):
        assert entry("pretrain", "x", ["text"], formatting) == {"file_name": "x", "columns": {"prompt": "text"}}


def test_merge_keeps_other_datasets():
    old = {"mine": {"file_name": "mine.json"}, "studio": {"file_name": "old.json"}}
    new = {"studio": {"file_name": "new.json"}}
    assert list(merge(old, new).items()) == [("mine", old["mine"]), ("studio", new["studio"])]
    assert merge(None, new) == new


def test_merge_refuses_what_is_no_dataset_info():
    with pytest.raises(StudioError, match="left as it is"):
        merge([], {})


def test_bytes_are_ascii():
    info = {"潮汐": {"file_name": "tides.json"}}
    assert encode(info).isascii()
    assert encode(info).endswith(b"}\n")
    assert json.loads(encode(info)) == info


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (" tides ", "tides"),
        ("a, b,,c", "a-b-c"),
        ("潮汐，一", "潮汐，一"),
        (",", "dataset"),
        ("", "dataset"),
        ("${x", "{x"),
    ],
)
def test_safe_name(text, name):
    assert safe_name(text) == name
