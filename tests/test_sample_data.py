"""The sample files are what their README says: types, counts, and exactly the faults that were planted."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from studio.alpaca.rows import Sft
from studio.curate.segments.context import context_of
from studio.curate.segments.segment import KINDS as KINDS_OF_SEGMENTS
from studio.text.rouge import rouge_l
from studio.text.tokens import tokenize

SAMPLES = Path(__file__).parents[1] / "sample_data"
KINDS = {
    "open_qa",
    "classification",
    "rewriting",
    "code",
    "maths",
    "extraction",
    "brainstorming",
    "dialogue",
}
EXCHANGE: dict[str, type] = {"instruction": str, "input": str, "output": str}
COLUMNS: dict[str, dict[str, type]] = {
    "seeds_en.jsonl": {**EXCHANGE, "kind": str},
    "seeds_zh.jsonl": {**EXCHANGE, "kind": str},
    "pretrain.jsonl": {"text": str},
    "sft.json": {**EXCHANGE, "system": str, "history": list},
    "long_context.json": EXCHANGE,
    "positions.json": EXCHANGE,
    "preference.json": {"instruction": str, "input": str, "chosen": str, "rejected": str},
    "multimodal.json": {**EXCHANGE, "images": list},
    "kto.jsonl": {**EXCHANGE, "kto_tag": bool},
}
# Row numbers from 1, as in the README.
NEAR_DUPLICATES = {
    "seeds_en.jsonl": {(17, 23)},
    "seeds_zh.jsonl": {(18, 25)},
    "sft.json": {(3, 15), (5, 21), (4, 14), (8, 18)},
}
GOLD_INDEX = [2, 2, 3, 1, 1, 3, 4, 0, 2, 2]


def rows(name: str) -> list[dict[str, Any]]:
    text = (SAMPLES / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()] if name.endswith("l") else json.loads(text)


def prompt(row: dict[str, Any]) -> str:
    return f"{row['instruction']}\n{row['input']}"


def numbers(name: str, wrong: Any) -> list[int]:
    return [number for number, row in enumerate(rows(name), 1) if wrong(row)]


def table(heading: str) -> list[list[str]]:
    """The cells of the README's table whose head line begins with `heading`."""
    _, _, rest = (SAMPLES / "README.md").read_text(encoding="utf-8").partition(heading)
    lines = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("name", [*COLUMNS, "broken.jsonl", "README.md"])
def test_a_file_is_utf8_without_bom_or_carriage_returns(name: str) -> None:
    content = (SAMPLES / name).read_bytes()
    content.decode("utf-8")
    assert not content.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in content
    assert content.endswith(b"\n")


@pytest.mark.parametrize("name", COLUMNS)
def test_every_row_has_the_columns_of_its_type(name: str) -> None:
    for row in rows(name):
        assert {key: type(value) for key, value in row.items()} == COLUMNS[name]


def test_the_readme_counts_the_rows() -> None:
    counted = {name: int(count) for name, _, count, *_ in table("| file | type |")}
    assert counted == {name: len(rows(name)) for name in COLUMNS} | {"broken.jsonl": 5}


def test_there_are_seeds_of_every_kind_in_both_languages() -> None:
    kinds = [Counter(row["kind"] for row in rows(name)) for name in ("seeds_en.jsonl", "seeds_zh.jsonl")]
    for counts in kinds:
        assert set(counts) == KINDS
        assert max(counts.values()) - min(counts.values()) <= 1
        assert counts.total() >= 26
    assert sum(counts.total() for counts in kinds) >= 40


@pytest.mark.parametrize("name", ["seeds_en.jsonl", "seeds_zh.jsonl"])
def test_about_two_seeds_in_five_have_an_input_and_all_have_an_answer(name: str) -> None:
    seeds = rows(name)
    assert 0.35 <= sum(bool(row["input"]) for row in seeds) / len(seeds) <= 0.45
    assert all(row["instruction"].strip() and row["output"].strip() for row in seeds)


@pytest.mark.parametrize("name", COLUMNS)
def test_the_readme_counts_the_rows_of_each_language(name: str) -> None:
    ((english, chinese),) = [(int(en), int(zh)) for file, _, _, en, zh, _ in table("| file | type |") if file == name]
    texts = [json.dumps(row, ensure_ascii=False) for row in rows(name)]
    assert sum(re.search(r"[\u4e00-\u9fff]", text) is not None for text in texts) == chinese
    assert english + chinese == len(texts)


@pytest.mark.parametrize("name", NEAR_DUPLICATES)
def test_only_the_planted_pairs_are_near_duplicates(name: str) -> None:
    tokens = [(number, tokenize(prompt(row))) for number, row in enumerate(rows(name), 1)]
    scores = {(left[0], right[0]): rouge_l(left[1], right[1]) for left, right in combinations(tokens, 2)}
    assert {pair for pair, score in scores.items() if score > 0.6} == NEAR_DUPLICATES[name]
    assert min(scores[pair] for pair in NEAR_DUPLICATES[name]) > 0.85


def test_sft_has_history_in_pairs_and_exactly_its_planted_faults() -> None:
    sft = rows("sft.json")
    assert sum(bool(row["system"]) for row in sft) == 5
    assert sum(bool(row["history"]) for row in sft) == 4
    assert all([type(text) for text in turn] == [str, str] for row in sft for turn in row["history"])
    assert numbers("sft.json", lambda row: not row["output"].strip()) == [13]
    assert numbers("sft.json", lambda row: not prompt(row).strip()) == [10]
    assert prompt(sft[7]) == prompt(sft[17])
    assert sft[7]["output"] != sft[17]["output"]


def test_preference_has_one_pair_of_equals() -> None:
    assert numbers("preference.json", lambda row: row["chosen"] == row["rejected"]) == [9]


def test_kto_has_both_tags_and_no_fault() -> None:
    assert {row["kto_tag"] for row in rows("kto.jsonl")} == {True, False}
    assert numbers("kto.jsonl", lambda row: not row["instruction"].strip() or not row["output"].strip()) == []


def test_placeholders_match_the_images_but_in_the_planted_row() -> None:
    assert numbers("multimodal.json", lambda row: prompt(row).count("<image>") != len(row["images"])) == [7]


def test_every_image_exists_but_the_planted_one() -> None:
    named = {path for row in rows("multimodal.json") for path in row["images"]}
    assert {path for path in named if not (SAMPLES / path).is_file()} == {"images/harbour.png"}
    shipped = {path.relative_to(SAMPLES).as_posix() for path in (SAMPLES / "images").iterdir()}
    assert shipped == named - {"images/harbour.png"}
    for path in shipped:
        content = (SAMPLES / path).read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert len(content) <= 8_000


def test_the_gold_segment_alone_holds_the_answer() -> None:
    placed = rows("long_context.json")[: len(GOLD_INDEX)]
    for row, gold in zip(placed, GOLD_INDEX, strict=True):
        segments = row["input"].lower().split("\n\n")
        assert len(segments) == 5
        holding = [index for index, text in enumerate(segments) if row["output"].lower() in text]
        assert holding == [gold], row["instruction"]


def test_the_last_long_row_points_at_a_document_by_its_place() -> None:
    (last,) = rows("long_context.json")[len(GOLD_INDEX) :]
    assert "the first document" in last["instruction"]


def test_the_planted_rows_of_positions_stay_and_no_others() -> None:
    found = [context_of(Sft(**row)) for row in rows("positions.json")]
    assert [number for number, one in enumerate(found, 1) if one is None or one.guard] == [17, 18, 19, 20]
    assert [one.guard.code for one in found if one and one.guard] == [
        "steps", "dialogue", "cross-reference", "names-place",
    ]  # fmt: skip
    unsure = [number for number, one in enumerate(found, 1) if one and not one.guard and not one.sure(0.6)]
    # Examples and constraints have no gold segment that a rule could be sure of.
    assert unsure == [11, 12, 15, 16, 21, 22]
    assert {one.segments.kind for one in found if one} == set(KINDS_OF_SEGMENTS) - {"pattern"}


def test_only_the_third_line_of_the_broken_file_is_broken() -> None:
    broken = []
    for number, line in enumerate((SAMPLES / "broken.jsonl").read_text(encoding="utf-8").splitlines(), 1):
        try:
            json.loads(line)
        except json.JSONDecodeError:
            broken.append(number)
    assert broken == [3]
