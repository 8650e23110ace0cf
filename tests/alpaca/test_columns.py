from __future__ import annotations

import pytest

from studio.alpaca.columns import Guess, guess_type


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
    guess = guess_type(columns)
    assert guess.type == type
    assert guess.shape == "alpaca"
    assert guess.why.startswith("column")


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
    ],
)
def test_other_shapes_by_sample(sample, guess):
    assert guess_type(sample.keys(), sample) == guess


def test_seed_tasks():
    assert guess_type(["id", "instruction", "instances"])[::2] == ("sft", "seed_tasks")


def test_unknown_columns_are_named():
    guess = guess_type(["question", "answer"])
    assert guess.type is None
    assert "columns found: answer, question" in guess.why
