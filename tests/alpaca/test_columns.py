from __future__ import annotations

import pytest

from studio.alpaca.columns import Guess, guess_type, parse_mapping, row_of
from studio.alpaca.rows import Kto, Multimodal, Preference, Pretrain, RowError, Sft
from studio.errors import UsageError


@pytest.mark.parametrize(
    ("columns", "type"),
    [
        (["text"], "pretrain"),
        (["text", "url"], "pretrain"),
        (["instruction", "input", "output"], "sft"),
        (["instruction"], "sft"),
        (["instruction", "text", "output"], "sft"),
        (["instruction", "chosen", "rejected"], "preference"),
        (["instruction", "output", "kto_tag"], "kto"),
        (["instruction", "output", "images"], "multimodal"),
        (["instruction", "output", "audios"], "multimodal"),
    ],
)
def test_alpaca_columns(columns, type):
    guess = guess_type([dict.fromkeys(columns, "x")])
    assert guess.type == type
    assert guess.shape == "alpaca"
    assert guess.why.startswith("column")
    assert not guess.sources


@pytest.mark.parametrize(
    ("sample", "guess"),
    [
        ({"conversations": []}, Guess("sft", "ShareGPT conversations", "sharegpt")),
        ({"messages": [], "images": ["a.png"]}, Guess("multimodal", "OpenAI messages with media files", "openai")),
        ({"messages": [], "images": []}, Guess("sft", "OpenAI messages", "openai")),
        ({"messages": [], "label": False}, Guess("kto", "OpenAI messages with a true or false label", "openai")),
        ({"messages": [], "label": "sport"}, Guess("sft", "OpenAI messages", "openai")),
        (
            {"conversations": [], "chosen": {}, "rejected": {}},
            Guess("preference", "ShareGPT conversations with chosen and rejected", "sharegpt"),
        ),
        (
            {"chosen": [{"role": "user", "content": "a"}], "rejected": []},
            Guess("preference", "prompts and answers in turns with chosen and rejected", "turns"),
        ),
    ],
)
def test_other_shapes_by_sample(sample, guess):
    assert guess_type([sample]) == guess


def test_one_row_with_pictures_among_others_makes_all_multimodal():
    assert guess_type([{"messages": []}, {"messages": [], "images": ["a.png"]}]).type == "multimodal"


def test_seed_tasks():
    guess = guess_type([dict.fromkeys(["id", "instruction", "instances"])])
    assert (guess.type, guess.shape) == ("sft", "seed_tasks")


def test_unknown_columns_are_named_but_not_hundreds_of_them():
    guess = guess_type([{"topic": "a", "body": "b"}])
    assert guess.type is None
    assert "columns found: body, topic" in guess.why
    assert "and 80 more" in guess_type([dict.fromkeys(map(str, range(100)), "x")]).why


# -- usual names -----------------------------------------------------------------------------------

USUAL = [
    ({"question": "q", "answer": "a"}, Sft("q", "", "a")),
    ({"Question": "q", "Answer": "a"}, Sft("q", "", "a")),
    ({"query": "q", "response": "a"}, Sft("q", "", "a")),
    ({"task": "q", "target": "a"}, Sft("q", "", "a")),
    ({"prompt": "q", "completion": "a", "system_prompt": "s"}, Sft("q", "", "a", "s")),
    ({"prompt": "q", "query": "i", "reply": "a"}, Sft("q", "i", "a")),
    ({"question": "q", "context": "i", "answer": "a"}, Sft("q", "i", "a")),
    ({"指令": "问", "输入": "料", "输出": "答"}, Sft("问", "料", "答")),
    ({"问题": "问", "回答": "答"}, Sft("问", "", "答")),
    ({"prompt": "q", "chosen": "a", "rejected": "b"}, Preference("q", "", "a", "b")),
    ({"prompt": "q", "completion": "a", "label": True}, Kto(instruction="q", output="a", kto_tag=True)),
    ({"question": "<image>q", "image": "a.png", "answer": "a"}, Multimodal("<image>q", "", "a", ("a.png",))),
    ({"正文": "文"}, Pretrain("文")),
    ({"content": "c", "url": "u"}, Pretrain("c")),
]


@pytest.mark.parametrize(("obj", "row"), USUAL, ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")
def test_usual_names_are_read_and_said(obj, row):
    guess = guess_type([obj])
    assert row_of(guess, obj)[0] == row
    assert all(f"column {source} read as {target}" in guess.why for target, source in guess.sources.items())
    assert guess.sources


@pytest.mark.parametrize(
    ("obj", "sources"),
    [
        ({"instruction": "a", "question": "b", "output": "c"}, {}),
        ({"question": "a", "prompt": "b", "answer": "c"}, {"instruction": "question", "output": "answer"}),
        ({"question": "a", "answer": "b", "response": "c"}, {"instruction": "question", "output": "response"}),
        ({"text": "a", "question": "b"}, {}),
        ({"text": "a", "question": "b", "answer": "c"}, {"instruction": "question", "output": "answer"}),
        ({"question": "a", "answer": {"text": ["b"]}}, {"instruction": "question"}),
        ({"instruction": "a", "label": "sport"}, {}),
    ],
)
def test_a_name_is_never_guessed_twice_nor_over_one_of_ours(obj, sources):
    assert guess_type([obj]).sources == sources


def test_a_conversation_under_another_name():
    obj = {"id": 1, "对话": [{"from": "human", "value": "早"}, {"from": "gpt", "value": "早上好"}]}
    guess = guess_type([obj])
    assert "column 对话 read as messages" in guess.why
    assert row_of(guess, obj) == (Sft("早", "", "早上好"), {"id": 1})


# -- given names -----------------------------------------------------------------------------------


def test_given_names_go_before_usual_ones_and_lose_nothing():
    obj = {"question": "a", "topic": "b", "output": "c", "better": "d"}
    guess = guess_type([obj], {"instruction": "topic", "output": "better"})
    assert "column topic read as instruction, as you said" in guess.why
    assert row_of(guess, obj) == (Sft("b", "", "d"), {"question": "a", "output": "c"})


def test_columns_can_be_swapped():
    obj = {"instruction": "a", "output": "b"}
    assert row_of(guess_type([obj], {"instruction": "output", "output": "instruction"}), obj) == (Sft("b", "", "a"), {})


def test_given_names_work_for_every_shape():
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    obj = {"talk": turns, "verdict": False}
    guess = guess_type([obj], {"conversations": "talk", "kto_tag": "verdict"})
    assert row_of(guess, obj)[0] == Kto(instruction="Hi", output="Hello", kto_tag=False)


def test_mappings_are_parsed():
    assert parse_mapping(["instruction=a=b", "输出=x".replace("输出", "output")]) == {
        "instruction": "a=b",
        "output": "x",
    }


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["instruction"], "no column mapping", "instruction=question"),
        (["=a"], "no column mapping", ""),
        (["instruction="], "no column mapping", ""),
        (["instructoin=a"], "no dataset type", "Did you mean instruction?"),
        (["question=instruction"], "no dataset type", "instruction=question"),
        (["output=a", "output=b"], "a and b cannot both be read as output", ""),
    ],
)
def test_wrong_mappings_are_explained(words, message, hint):
    with pytest.raises(UsageError) as caught:
        parse_mapping(words)
    assert message.lower() in caught.value.message.lower()
    assert hint in caught.value.hint


# -- the dataset viewer's rows ---------------------------------------------------------------------


def test_rows_of_the_dataset_viewer():
    obj = {"row_idx": 0, "row": {"question": "a", "answer": "b"}, "truncated_cells": []}
    guess = guess_type([obj])
    assert row_of(guess, obj) == (Sft("a", "", "b"), {})
    with pytest.raises(RowError, match="cut its cells short \\(answer\\)"):
        row_of(guess, obj | {"truncated_cells": ["answer"]})
    with pytest.raises(RowError, match="expected an object"):
        row_of(guess, {"row_idx": 1})


def test_a_row_of_another_type_is_refused():
    guess = guess_type([{"messages": []}])
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    with pytest.raises(RowError, match="a kto row in a file of sft rows"):
        row_of(guess, {"messages": turns, "label": True})


def test_columns_a_conversation_puts_in_the_shade_are_kept_beside():
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    obj = {"messages": turns, "instruction": "Hi!", "input": "", "id": 7}
    row, beside = row_of(guess_type([obj]), obj)
    assert (row, beside) == (Sft("Hi", "", "Hello"), {"id": 7, "instruction": "Hi!"})
