"""Random rows, good and bad, under many entries, in every stage and formatting."""

from __future__ import annotations

import random
from typing import Any

from tests.support.loader_matrix import (
    BAD,
    BARE,
    CALL,
    GOOD,
    KTO,
    MARKED_CALL,
    OPENAI,
    PAIR,
    SEEN,
    SFT,
    SHARE,
    SHARE_KTO,
    SHARE_PAIR,
    SHARE_SEEN,
    SHARE_TOOLS,
    TAGS,
    TALK,
    TEXT,
    THOUGHT_CALL,
    entry,
    messaged,
    turns,
)

_WORDS = (
    "Name a fruit.",
    "说出一种水果。",
    "<image>Look.",
    "See <image> and <image>.",
    "<video>",
    "",
    " ",
    "2024-05-17",
)
_ODD = (None, 3, True, ["x"], [], {"a": "x"}, {})
_TOOLS = ("", "[]", "search", None, [], '{"name": "a"}', '[{"name": "a", "parameters": {}}]', "[1]", "5", "null", "{}")
_CALLS = (
    CALL,
    "function_call: b",
    "function_call: []",
    "function_call: [1]",
    "function_call: {}",
    THOUGHT_CALL,
    MARKED_CALL,
    'function_call: {"name": "a"}',
    'function_call: {"name": 3, "arguments": "x"}',
)
_POOLS: dict[str, tuple[Any, ...]] = {
    "text": (*_WORDS, *_ODD),
    "instruction": (*_WORDS, *_ODD),
    "input": ("", "green", "<image>", *_ODD),
    "output": ("Pear.", "梨", "", "<image>", "<audio>", *_ODD),
    "chosen": ("Pear.", "", "<image>", *_ODD),
    "rejected": ("Stone.", "", "<image>", "Pear.", *_ODD),
    "system": ("Be brief.", "", "<image>", *_ODD),
    "tools": _TOOLS,
    "history": (
        [],
        [["a", "b"]],
        [["a", "b"], ["<image>", "d"]],
        [["a"]],
        [["a", "b", "c"]],
        [["a", None]],
        [[None, "b"]],
        [[1, "b"]],
        [None],
        [[]],
        ["ab"],
        ["abc"],
        [{"a": 1, "b": 2}],
        [["2024-05-17", "2024-05-18"]],
        "",
        "a",
        None,
        3,
        {"a": "b"},
    ),
    "images": (
        ["1.png"],
        ["1.png", "1.png"],
        [],
        None,
        "1.png",
        "",
        [""],
        [None],
        ["1.png", None],
        ["1.png", ""],
        [["1.png"]],
    ),
    "kto_tag": (True, False, None, "true", "", 1, 0, [True]),
}
_SAID: tuple[tuple[str, ...], ...] = (
    ("human: Name a fruit.", "gpt: Pear."),
    ("system: Short.", "human: <image>?", "gpt: 梨。"),
    ("human: a", "gpt: b", "human: c", "gpt: d"),
    ("human: a", "gpt: <image>"),
    ("human: a",),
    ("system: a",),
    ("gpt: a", "human: b"),
    ("human: a", "system: b", "gpt: c"),
    ("human: a", "human: b"),
    ("user: a", "assistant: b"),
    ("human: a", "gpt: b", "human: c"),
    *(("human: a", call, "observation: b", "gpt: c") for call in _CALLS),
    *(("human: a", call) for call in _CALLS),
    ("human: a", CALL, "observation: b", "observation: c", "gpt: d"),
    ("observation: a", "gpt: b"),
    ("human: a", "observation: b"),
)
_ROLES = {"human": "user", "gpt": "assistant", "observation": "tool", "user": "someone"}
_CALLED = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "a", "arguments": "{}"}}]}
_TURNS: dict[str, tuple[Any, ...]] = {
    "conversations": (
        *(turns(*said) for said in _SAID),
        [{"from": "human", "value": "a"}, {"from": "gpt", "value": None}],
        [{"from": "human", "value": None}, {"from": "gpt", "value": "b"}],
        [{"from": "human", "value": 3}, {"from": "gpt", "value": "b"}],
        [{"from": "system", "value": None}, *turns("human: a", "gpt: b")],
        [{"from": "human", "text": "a"}],
        [{"from": "human"}, {"from": "gpt", "value": "b"}],
        turns("human: 2024-05-17", "gpt: 2024-05-17"),
        turns("human: a", "gpt: b", role="role", content="content"),
        [{"from": None, "value": "a"}, {"from": "gpt", "value": "b"}],
        [None],
        ["human: a", "gpt: b"],
        [[]],
        [],
        None,
        "",
        "a",
        3,
        {},
        {"from": "human", "value": "a"},
    ),
    "messages": (
        *(
            messaged(*(f"{_ROLES.get(role, role)}:{text}" for role, _, text in (one.partition(":") for one in said)))[
                "messages"
            ]
            for said in _SAID
        ),
        [{"role": "user", "content": "a"}, _CALLED, *messaged("tool: b", "assistant: c")["messages"]],
        [{"role": "user", "content": "a"}, _CALLED],
        [{"role": "user", "content": "a"}, _CALLED | {"tool_calls": [{}]}],
        [{"role": "user", "content": "a"}, _CALLED | {"tool_calls": 3}],
        [{"role": "user", "content": "a", "tool_calls": []}, {"role": "assistant", "content": "b", "tool_calls": None}],
        [{"role": "user", "content": [{"type": "text", "text": "a"}]}, {"role": "assistant", "content": "b"}],
        [{"role": "user"}, {"role": "assistant", "content": "b"}],
        [],
        None,
        "",
    ),
    "tools": _TOOLS,
    "system": ("Be brief.", "", None, 3),
    "chosen": (
        GOOD,
        {"from": "gpt", "value": "<image>"},
        {"from": "human", "value": "a"},
        {"from": "me", "value": "a"},
        {"from": "system", "value": "a"},
        {"from": "function_call", "value": "a"},
        {"from": "gpt"},
        {"value": "a"},
        "a",
        [GOOD],
        None,
    ),
    "rejected": (
        BAD,
        {"from": "gpt", "value": None},
        {"from": "gpt", "value": 3},
        {"from": "gpt", "value": ""},
        "",
        None,
    ),
}
_KTO_POOLS = {"system": ("Be brief.", "", None), "images": (["1.png"], [], None)}
"""Values that leave the neighbours of a row good, for in stage kto they need each other's answers."""
_HEARD = entry("prompt", "query", "response", "system", "history", "images")
_ENTRIES: dict[str, tuple[dict[str, Any], ...]] = {
    "pt": (TEXT, SFT, TALK, SEEN, BARE, SHARE_SEEN, OPENAI, PAIR),
    "sft": (
        *(BARE, SFT, TALK, SEEN, _HEARD, TEXT, KTO, PAIR, entry("response"), entry("prompt", "query", "images")),
        *(
            entry("prompt", "query", "response", "tools", "system"),
            SFT | {"columns": {"promt": "instruction", "response": "output"}},
        ),
        *(SFT | {"ranking": value} for value in (None, "true", 0, 1)),
        *(SHARE, SHARE_SEEN, SHARE_TOOLS, SHARE_KTO, SHARE_PAIR, SHARE | {"ranking": None}),
        SHARE | {"columns": {"messages": "conversations", "system": "system", "tools": "tools"}},
        SHARE | {"tags": {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}},
        SHARE | {"columns": {"images": "images"}},
        *(OPENAI, OPENAI | {"columns": {"messages": "messages"}}, BARE | {"formatting": "openai", "tags": TAGS}),
        OPENAI | {"columns": {"messages": "messages", "system": "system", "tools": "tools"}},
        BARE | {"formatting": "chatml"},
    ),
    "rm": (
        *(PAIR, PAIR | {"ranking": None}, PAIR | {"ranking": "true"}, PAIR | {"ranking": 1}, SFT),
        *(entry("prompt", "query", "chosen", "rejected", "history", "images", ranking=True), SFT | {"ranking": True}),
        *(entry("prompt", "query", "response", "chosen", "rejected", ranking=True), PAIR | {"ranking": ""}),
        *(SHARE_PAIR, SHARE_PAIR | {"ranking": None}, SHARE | {"ranking": True}),
        SHARE_PAIR | {"columns": SHARE_PAIR["columns"] | {"images": "images", "system": "system"}},
        OPENAI | {"ranking": True, "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected"}},
    ),
    "kto": (
        *(KTO, SFT, entry("prompt", "query", "response", "kto_tag", "history"), entry("prompt", "kto_tag")),
        *(entry("prompt", "response", "kto_tag", "images"), entry("prompt", "query", "response", "kto_tag", "system")),
        *(
            SHARE_KTO,
            SHARE,
            SHARE | {"columns": {"messages": "conversations", "kto_tag": "kto_tag", "images": "images"}},
        ),
        OPENAI | {"columns": {"messages": "messages", "kto_tag": "kto_tag"}},
    ),
}
_USUAL = {"alpaca": ("instruction", "input", "output"), "sharegpt": ("conversations",), "openai": ("conversations",)}


def random_entry(chance: random.Random) -> tuple[str, dict[str, Any]]:
    """A stage and an entry, most of which fit."""
    stage = chance.choice(tuple(_ENTRIES))
    return stage, chance.choice(_ENTRIES[stage])


def pools(under: dict[str, Any], stage: str) -> dict[str, tuple[Any, ...]]:
    """The values a column can have in a file of this entry, the first of each a good one."""
    formatting = under.get("formatting", "alpaca")
    names = under["columns"].values() if "columns" in under else _USUAL.get(formatting, _USUAL["alpaca"])
    values = _POOLS if formatting in ("alpaca", "chatml") else _POOLS | _TURNS
    if stage == "kto":
        values = values | _KTO_POOLS
    return {name: values[name] for name in names}


def generated(count: int, seed: int) -> list[tuple[dict[str, Any], dict[str, Any], str]]:
    """Random (row, entry, stage); now and then a row lacks one of the entry's columns."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        stage, under = random_entry(chance)
        row = {
            name: values[0] if chance.random() < 0.6 else chance.choice(values)
            for name, values in pools(under, stage).items()
        }
        if chance.random() < 0.05:
            row.pop(chance.choice(tuple(row)))
        rows.append((row, under, stage))
    return rows
