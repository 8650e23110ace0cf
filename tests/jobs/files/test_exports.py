"""What an export writes, beside what, and what a preview says of it before."""

from __future__ import annotations

import hashlib
import json
import re

import orjson
import pytest

from studio.alpaca.rows import Kto, Multimodal, Preference, Pretrain, Sft
from studio.errors import StudioError, UsageError
from studio.jobs.files import exports
from studio.store.files import readers, writers
from tests.support.export_rows_in_memory import (
    export_rows,
    files_in,
    in_memory,
    inspection,
    preview_rows,
    stored,
)

SOME = [
    Sft("Name the largest ocean.", "", "The Pacific."),
    Sft("把这句话译成英文。", "潮水退了。", "The tide went out.", history=(("你好", "你好！"),)),
    Preference("Say thanks.", "", "Thank you very much.", "k"),
    Kto(instruction="算一下 3 乘 4。", output="等于 12。", kto_tag=True),
    Kto(instruction="Add 1 and 1.", output="Three, as everybody knows.", kto_tag=False),
    Pretrain("春天，河水涨了起来，两岸的柳树发了新芽。" * 20),
]
FORMATS = ("alpaca", "sharegpt", "openai")
KINDS = ("json", "jsonl", "parquet")


def objects(path):
    return [value for block in readers.read(path) for value in block.values]


def info_of(out):
    return json.loads((out / "dataset_info.json").read_text("ascii"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("formatting", FORMATS)
def test_every_type_in_every_form_and_kind(tmp_path, formatting, kind):
    done = export_rows(SOME, tmp_path, format=formatting, file=kind)
    assert {file.type: file.rows for file in done.files} == {"pretrain": 1, "sft": 2, "preference": 1, "kto": 2}
    assert done.held_back == 0
    info = info_of(tmp_path)
    for file in done.files:
        entry = info[f"p_{file.type}"]
        assert entry["file_name"] == f"{file.type}.{kind}"
        assert entry.get("formatting", "alpaca") == ("alpaca" if file.type == "pretrain" else formatting)
        assert len(objects(tmp_path / entry["file_name"])) == file.rows
        columns = set(objects(tmp_path / entry["file_name"])[0])
        assert set(entry["columns"].values()) == columns


def test_two_exports_are_the_same_to_the_byte(tmp_path):
    for out in ("a", "b", "a"):
        export_rows(SOME, tmp_path / out, split="9:1", file="parquet")
    assert files_in(tmp_path / "a") == files_in(tmp_path / "b")
    assert not re.search(rb"20[0-9][0-9]-[0-9][0-9]-", (tmp_path / "a" / "manifest.json").read_bytes())
    export_rows(SOME * 9, tmp_path / "c", split="9:1", seed=1)
    export_rows(SOME * 9, tmp_path / "d", split="9:1", seed=2)
    assert (tmp_path / "c" / "sft_valid.json").read_bytes() != (tmp_path / "d" / "sft_valid.json").read_bytes()


def test_split_files_have_entries_of_their_own_and_hold_each_row_once(tmp_path):
    rows = [Sft(f"question {n}", "", f"answer {n}") for n in range(50)]
    done = export_rows(rows, tmp_path, split="8:1:1")
    assert [(file.part, file.rows) for file in done.files] == [("train", 40), ("valid", 5), ("test", 5)]
    info = info_of(tmp_path)
    assert list(info) == ["p_sft_train", "p_sft_valid", "p_sft_test"]
    found = [one["instruction"] for entry in info.values() for one in objects(tmp_path / entry["file_name"])]
    assert sorted(found) == sorted(row.instruction for row in rows)


def test_a_part_without_rows_is_told_and_has_no_file(tmp_path):
    done = export_rows([Sft(f"q{n}", "", "an answer") for n in range(10)], tmp_path, split="megatron")
    assert [file.part for file in done.files] == ["train"]
    assert [note for note in done.preview.notes if "none for valid" in note]
    assert list(info_of(tmp_path)) == ["p_sft_train"]
    assert "nothing magical" in (tmp_path / "README.md").read_text("utf-8")


def test_a_part_with_less_than_its_share_is_told(tmp_path):
    def alike():
        yield from ()
        return [(n, n + 1) for n in range(1, 10)]

    rows = [Sft(f"question {n}", "", "an answer") for n in range(10)]
    done = export_rows(in_memory(rows, alike=alike), tmp_path, split="8:2")
    assert "sft: valid has 2 rows less than its share, since duplicates stay together in one part" in done.preview.notes
    assert [file.part for file in done.files] == ["train"]


def test_near_duplicates_share_a_part(tmp_path):
    rows = [Sft(f"question {n // 2} {n}", "", "an answer") for n in range(40)]

    def alike():
        yield from ()
        return [(n, n + 1) for n in range(1, 40, 2)]

    export_rows(in_memory(rows, alike=alike), tmp_path, split="8:2")
    (valid,) = [
        {one["instruction"].split()[1] for one in objects(tmp_path / f"sft_{part}.json")} for part in ("valid",)
    ]
    train = {one["instruction"].split()[1] for one in objects(tmp_path / "sft_train.json")}
    assert len(valid) == 4
    assert not valid & train


def test_a_split_that_is_none_is_told_before_anything_else(tmp_path):
    with pytest.raises(UsageError, match="no split"):
        export_rows(SOME, tmp_path / "out", split="most:few")
    assert not (tmp_path / "out").exists()


def test_another_split_or_kind_takes_the_place_of_the_earlier_files(tmp_path):
    export_rows(SOME, tmp_path, split="1:1")
    export_rows(SOME, tmp_path, file="parquet")
    names = set(files_in(tmp_path))
    assert not [name for name in names if "valid" in name or (name.endswith(".json") and name.startswith("sft"))]
    assert list(info_of(tmp_path)) == ["p_pretrain", "p_sft", "p_preference", "p_kto"]
    assert "dataset_info.json.bak" in names


def test_types_that_are_not_exported_again_stay(tmp_path):
    export_rows(SOME, tmp_path)
    export_rows(SOME, tmp_path, types=("kto",))
    info = info_of(tmp_path)
    assert all((tmp_path / entry["file_name"]).exists() for entry in info.values())
    assert len(info) == 4
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())["files"]
    assert (manifest["sft.json"]["earlier"], "earlier" in manifest["kto.json"]) == (True, False)
    export_rows(SOME, tmp_path)
    assert not [name for name in files_in(tmp_path) if "-2" in name]


def test_the_manifest_has_the_sum_of_every_file(tmp_path):
    export_rows(SOME, tmp_path, split="1:1", seed=7)
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    on_disk = files_in(tmp_path)
    assert set(manifest["files"]) == set(on_disk) - {"manifest.json"}
    for name, told in manifest["files"].items():
        assert told["sha256"] == hashlib.sha256(on_disk[name]).hexdigest()
        assert told["bytes"] == len(on_disk[name])
    assert manifest["files"]["sft_train.json"]["rows"] == 1
    assert (manifest["settings"]["split"], manifest["settings"]["seed"]) == ("1:1", 7)
    assert str(tmp_path) not in json.dumps(manifest)


@pytest.mark.parametrize(
    "name", ["README.md", "train_sft.yaml", "manifest.json", "held_back.jsonl", "figures/stages.svg"]
)
def test_a_file_that_is_not_ours_stays_and_ours_takes_another_name(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    broken = [*SOME, Sft("no answer", "", "")]
    export_rows(broken, tmp_path)
    export_rows(broken, tmp_path)
    assert (tmp_path / name).read_bytes() == b"mine"
    numbered = [found for found in files_in(tmp_path) if "-2." in found]
    assert [found.replace("-2.", ".") for found in numbered] == [name]


def test_a_file_of_ours_that_a_person_changed_is_theirs(tmp_path):
    export_rows(SOME, tmp_path)
    (tmp_path / "README.md").write_text("my own words")
    export_rows(SOME, tmp_path)
    assert (tmp_path / "README.md").read_text() == "my own words"
    assert (tmp_path / "README-2.md").exists()


def test_a_manifest_from_elsewhere_cannot_lead_out_of_the_folder(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"keep")
    told = {"sha256": hashlib.sha256(b"keep").hexdigest(), "type": "sft"}
    files = {"../secret.txt": told, str(secret): told, "sft.json": 3}
    (out / "manifest.json").write_bytes(orjson.dumps({"made_by": "dataset-studio", "name": "p", "files": files}))
    export_rows(SOME, out)
    assert secret.read_bytes() == b"keep"
    assert "secret" not in (out / "manifest.json").read_text()


def test_exports_of_two_names_live_in_one_folder(tmp_path):
    export_rows(SOME[:1], tmp_path, name="p-en")
    export_rows(SOME[1:2], tmp_path, name="p-zh")
    export_rows(SOME[:1], tmp_path, name="p-en")
    info = info_of(tmp_path)
    assert {name: objects(tmp_path / entry["file_name"])[0]["instruction"] for name, entry in info.items()} == {
        "p-en_sft": SOME[0].instruction,
        "p-zh_sft": SOME[1].instruction,
    }
    assert {"manifest.json", "manifest-2.json", "README.md", "README-2.md"} <= set(files_in(tmp_path))


def test_rows_held_back_are_told_by_reason_and_listed(tmp_path):
    rows = [
        *SOME,
        Sft("no answer", "", ""),
        Sft("", "", "no question"),
        Multimodal("<image>什么？", "", "花", ("a.png",)),
    ]
    done = export_rows(in_memory(rows, tmp_path), tmp_path / "out")
    assert done.reasons == {"empty-output": 1, "empty-prompt": 1, "media-missing": 1}
    listed = objects(tmp_path / "out" / "held_back.jsonl")
    assert {one["row"]: one["code"] for one in listed} == {7: "empty-output", 8: "empty-prompt", 9: "media-missing"}
    assert done.held_list == str(tmp_path / "out" / "held_back.jsonl")
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "empty-output: The answer to learn is empty." in card
    done = export_rows(SOME, tmp_path / "out")
    assert done.held_list == ""
    assert not (tmp_path / "out" / "held_back.jsonl").exists()


def test_an_issue_a_person_let_pass_does_not_hold_a_row_back_but_the_trainer_does(tmp_path):
    rows = [
        stored(1, Sft("q", "", ""), waived={"empty-output": "teaches silence"}),
        stored(2, Multimodal("two <image><image>", "", "x", ()), waived={"image-count": "I know"}),
    ]
    done = export_rows(in_memory(rows), tmp_path)
    assert done.reasons == {"trainer-aborts": 1}
    assert [file.rows for file in done.files if file.type == "sft"] == [1]


@pytest.mark.slow
def test_a_list_that_is_filled_late_in_a_large_file_of_lines_goes_in_front(tmp_path, monkeypatch):
    """JSON Lines are typed by their first 10 MB."""
    rows = [Sft(f"q{n}", "", "word " * 20_000) for n in range(120)]
    rows.append(Sft("the one with a past", "", "answer", history=(("早", "好"),)))
    export_rows(rows, tmp_path, file="jsonl")
    found = objects(tmp_path / "sft.jsonl")
    assert found[0]["history"] == [["早", "好"]]
    assert [one["instruction"] for one in found[1:]] == [row.instruction for row in rows[:-1]]
    export_rows(rows, tmp_path / "array", file="json")
    assert objects(tmp_path / "array" / "sft.json")[-1]["history"]


def test_what_the_reader_would_misread_is_refused_with_the_cure(tmp_path):
    rows = [Sft(f"When was letter {n} sent?", "", f"2024-05-{n:02}") for n in range(1, 9)]
    with pytest.raises(StudioError, match="looks like a date") as caught:
        export_rows(rows, tmp_path, file="jsonl")
    assert "JSON array" in caught.value.hint
    assert export_rows(rows, tmp_path, file="json").files[0].rows == 8
    assert export_rows(rows, tmp_path, file="parquet").files[0].rows == 8


def test_a_row_that_does_not_read_back_refuses_the_export(tmp_path, monkeypatch):
    def losing(path, made, shapes=None):
        return writers.write_objects(path, list(made)[1:], shapes)

    monkeypatch.setattr(exports, "write_objects", losing)
    with pytest.raises(StudioError, match="1 rows of 2 are there"):
        export_rows(SOME[:2], tmp_path)
    assert files_in(tmp_path) == {}


def test_strict_refuses(tmp_path):
    with pytest.raises(StudioError, match=r"empty-output \(1\)"):
        export_rows([*SOME, Sft("q")], tmp_path / "out", strict=True)
    assert not (tmp_path / "out").exists()


def test_configs_of_the_stages_there_are(tmp_path):
    export_rows(SOME[:2], tmp_path / "sft", split="1:1")
    assert {name for name in files_in(tmp_path / "sft") if name.startswith("train_")} == {"train_sft.yaml"}
    text = (tmp_path / "sft" / "train_sft.yaml").read_text("ascii")
    assert 'dataset: "p_sft_train"' in text
    assert 'eval_dataset: "p_sft_valid"' in text
    export_rows(SOME, tmp_path / "all", checks=inspection(cutoff=300))
    configs = {name for name in files_in(tmp_path / "all") if name.startswith("train_")}
    assert configs == {"train_pt.yaml", "train_sft.yaml", "train_dpo.yaml", "train_kto.yaml"}
    assert "cutoff_len: 300" in (tmp_path / "all" / "train_kto.yaml").read_text("ascii")


def test_the_card_tells_where_rows_come_from_and_quotes_nobody(tmp_path):
    rows = [
        stored(1, SOME[0], status="pending", generated=True, operation="deepening", source=None),
        stored(2, SOME[1]),
    ]
    rows_of = in_memory(
        rows, origin=lambda one: "evol-instruct by m|x <b>, run 1" if one.generated else "file a_b.json"
    )
    export_rows(rows_of, tmp_path, name="tides | 潮汐")
    card = (tmp_path / "README.md").read_text("utf-8")
    assert "# tides \\| 潮汐" in card
    assert "evol-instruct by m\\|x \\<b\\>, run 1 | 1 |" in card
    assert "| deepening | 1 |" in card
    assert "| Chinese | 1 |" in card
    assert "License" in card
    assert all((tmp_path / path).exists() for path in re.findall(r"!\[[^]]*\]\(([^)]*)\)", card))


# -- the preview -----------------------------------------------------------------------------------


def test_a_preview_says_what_the_export_does(tmp_path):
    rows = [*SOME, Sft("no answer"), stored(8, Sft("a seed"), seed=True)]
    told = preview_rows(rows, tmp_path / "out", split="1:1")
    assert not (tmp_path / "out").exists()
    done = export_rows(rows, tmp_path / "out", split="1:1")
    assert done.preview == told
    by_type = {one.facts.type: one for one in told.types}
    sft = by_type["sft"]
    assert (sft.facts.rows, sft.parts, sft.waiting) == (2, {"train": 1, "valid": 1}, 1)
    assert [(held.code, held.rows, held.row) for held in sft.held_back] == [("empty-output", 1, 7)]
    assert told.estimated
    assert told.reasons == {"empty-output": 1}


def test_a_preview_counts_tokens_and_lengths_against_the_cutoff():
    rows = [Sft("q", "", "w" * 4 * 100), Sft("q", "", "w" * 4)]
    told = preview_rows(rows, checks=inspection(cutoff=64))
    facts = told.types[0].facts
    assert facts.over_cutoff == 1
    # 64 less the prompt of 1 token and 10 of the template, and the short answer's 1.
    assert facts.tokens == 64 - 11 + 1
    assert sum(rows for _, _, rows in facts.lengths) == 2
    assert facts.lengths[0][0] <= 12 < facts.lengths[0][1]
    assert any(start <= 64 <= below for start, below, _ in facts.lengths)


def test_a_small_corpus_is_told():
    (note,) = preview_rows([Pretrain("春江潮水连海平。")]).notes
    assert "do not fill one block of 2,048" in note


def test_nothing_to_export(tmp_path):
    done = export_rows([], tmp_path / "out")
    assert done.files == []
    assert preview_rows([]).types == []
