from __future__ import annotations

import asyncio

import pytest

from tests.support.projects import bring_in, new_project, studio, studio_json

SEEDS = [
    {"instruction": "Describe a plane and its parts.", "output": "It has a blade."},
    {"instruction": "Describe a plane and all its parts.", "output": "A blade and a body."},
    {"instruction": "判断这句话是不是真的。", "input": "天是绿的。", "output": "不是"},
    {"instruction": "画一张桌子的图片并说明。", "output": ""},
]


@pytest.fixture
def folder(tmp_path):
    async def make():
        session = new_project(tmp_path / "p")
        await bring_in(session, tmp_path / "seeds.jsonl", SEEDS, seed=True)
        await bring_in(session, tmp_path / "rows.jsonl", [{"instruction": "Draw!", "output": ""}])
        await session.close()

    asyncio.run(make())
    return tmp_path / "p"


def test_the_balance_and_hints_are_printed(capsys, folder):
    code, told, _ = studio(capsys, "seeds", folder)
    assert code == 0
    assert told.splitlines()[0] == "4 seed tasks; Self-Instruct began with 175"
    assert "! no English classification task" in told
    assert "  classification                      1   25%  paper 15%" in told
    assert "  #1  near-duplicate: ROUGE-L 0.92 with #2" in told
    assert "  #2  near-duplicate: ROUGE-L 0.92 with #1" in told
    assert "  #4  blacklisted: contains '画一张'" in told
    assert "#5" not in told


def test_the_same_as_json(capsys, folder):
    code, told = studio_json(capsys, "seeds", folder)
    assert code == 0
    assert told["balance"]["kinds"] == {
        "en": {"classification": 0, "with input": 0, "open": 2},
        "zh": {"classification": 1, "with input": 0, "open": 1},
    }
    assert len(told["balance"]["lengths"]) == len(told["balance"]["outputs"])
    assert [(one["row"], [hint["rule"] for hint in one["hints"]]) for one in told["hints"]] == [
        (1, ["near-duplicate"]),
        (2, ["near-duplicate"]),
        (4, ["blacklisted", "no-output"]),
    ]


def test_an_empty_pool_is_no_fault_and_a_writer_is_not_in_the_way(capsys, tmp_path):
    session = new_project(tmp_path / "p")
    try:
        code, told, _ = studio(capsys, "seeds", tmp_path / "p")
        assert (code, told.splitlines()[1]) == (0, "! no seed task at all")
    finally:
        asyncio.run(session.close())
