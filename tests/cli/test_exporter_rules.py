"""The exporter rules that follow from the loader's behaviour (reference 1.10), each against `studio export`."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict

import orjson
import pyarrow.parquet
import pytest
from PIL import Image

from studio.alpaca.column_survey import CHUNK
from studio.alpaca.preflight import Preflight
from tests.support import trainer
from tests.support.file_matrix import PNG
from tests.support.projects import drain, new_project, studio, studio_json

PAST = [["你好", "你好！"], ["How are you?", "Well."]]
TEXT = {"text": "第一天，潮水在清晨退去。The boats lay dry until noon. " * 300}
SFT = {"instruction": "Name a fruit.", "input": "", "output": "Pear."}
TALK = {"instruction": "翻译", "input": "潮水", "output": "tide", "system": "简短", "history": PAST}
PAIR = {"instruction": "道谢", "input": "", "chosen": "非常感谢您。", "rejected": "谢"}
SEEN = {"instruction": "<image>What is it?", "output": "A grey square.", "images": ["1.png"]}
KTO = SFT | {"kto_tag": True}
ALL = {"text": [TEXT], "sft": [SFT, TALK | {"source": "book", "page": 3}], "pair": [PAIR], "seen": [SEEN], "kto": [KTO]}

every_form = pytest.mark.parametrize(
    ("formatting", "kind"),
    [("alpaca", "json"), ("alpaca", "jsonl"), ("alpaca", "parquet"), ("sharegpt", "json"), ("openai", "jsonl")],
)


@pytest.fixture
def export(capsys, tmp_path):
    """Import files of these rows into a new project and export it: (the report, the folder)."""

    async def fill(files):
        session = new_project(tmp_path / "果, 园")
        for name, rows in files.items():
            raw = rows if isinstance(rows, bytes) else b"".join(orjson.dumps(row) + b"\n" for row in rows)
            (tmp_path / f"{name}.jsonl").write_bytes(raw)
            await drain(session.files.import_files([tmp_path / f"{name}.jsonl"]))
        await session.close()

    def run(files, *flags):
        (tmp_path / "1.png").write_bytes(PNG)
        asyncio.run(fill(files))
        out = tmp_path / "out"
        return studio_json(capsys, "export", tmp_path / "果, 园", "--out", out, *flags)[1], out

    return run


def entries(out):
    return orjson.loads((out / "dataset_info.json").read_bytes())


def rows_of(path):
    """The rows of a written file."""
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    raw = path.read_bytes()
    return [orjson.loads(line) for line in raw.splitlines()] if path.suffix == ".jsonl" else orjson.loads(raw)


@every_form
def test_rule_1_every_row_has_every_mapped_column_of_one_type(export, formatting, kind):
    _, out = export(ALL | {"kto": [KTO, KTO | TALK]}, "--format", formatting, "--file", kind)
    for entry in entries(out).values():
        types = defaultdict(set)
        for row in rows_of(out / entry["file_name"]):
            assert set(row) == set(entry["columns"].values())
            for name, value in row.items():
                types[name].add(type(value))
            for past in row.get("history", ()):
                assert [type(text) for text in past] == [str, str]
        assert all(len(found) == 1 and type(None) not in found for found in types.values()), types


def test_rule_1_history_that_is_empty_in_all_rows_is_left_out(export):
    _, out = export({"sft": [SFT, SFT | {"history": [], "input": "green"}]})
    [entry] = entries(out).values()
    assert "history" not in entry["columns"]
    assert all("history" not in row for row in rows_of(out / entry["file_name"]))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["auto", "jsonl"])
def test_rule_1_sparse_history_survives_ten_megabytes(export, kind):
    long = [SFT | {"input": f"{n}", "output": "梨" * 35_000} for n in range(105)]
    _, out = export({"sft": [*long, TALK]}, "--file", kind)
    [(name, entry)] = entries(out).items()
    path = out / entry["file_name"]
    assert path.stat().st_size > CHUNK
    flight = Preflight(name, entry, "sft", "lines" if path.suffix == ".jsonl" else "array")
    offset = 0
    for row in rows_of(path):
        flight.see(row, offset)
        offset += len(orjson.dumps(row)) + 1
    assert (flight.finish().trains, flight.finish().kept) == (True, 106)


@every_form
def test_rule_2_plain_utf_8_in_lower_case_names(export, formatting, kind):
    odd = [SFT | {"output": "half \ud800 a pair"}, SFT | {"score": float("nan")}, SFT | {"output": "\x00\u2028 “é” ½"}]
    raw = b"\xef\xbb\xbf" + "\n".join(map(json.dumps, odd)).encode()
    _, out = export({"sft": [TALK], "Odd": raw}, "--format", formatting, "--file", kind)
    (out / "dataset_info.json").read_text("ascii")
    for entry in entries(out).values():
        path = out / entry["file_name"]
        assert path.name == path.name.lower()
        if kind != "parquet":
            text = path.read_bytes().decode("utf-8")
            assert text[0] in "[{"
            assert "NaN" not in text
            assert "\\ud8" not in text.lower()
        assert len(rows_of(path)) >= 2


def test_rule_3_the_whole_map_and_no_column_beside_it(export):
    _, out = export(ALL)
    for entry in entries(out).values():
        mapped = set(entry["columns"].values())
        for row in rows_of(out / entry["file_name"]):
            assert set(row) == mapped
    roles = {tuple(entry["columns"]) for entry in entries(out).values()}
    assert ("prompt",) in roles
    assert all({"prompt", "query"} <= set(one) for one in roles if one != ("prompt",))


@every_form
def test_rule_4_ranking_for_preference_alone_and_tags_that_are_true_or_false(export, formatting, kind):
    _, out = export(ALL, "--format", formatting, "--file", kind)
    for entry in entries(out).values():
        chosen = "chosen" in entry["columns"]
        assert entry.get("ranking", False) is chosen
        if "kto_tag" in entry["columns"]:
            assert all(isinstance(row["kto_tag"], bool) for row in rows_of(out / entry["file_name"]))


@pytest.mark.parametrize(
    "changes",
    [
        {"instruction": "What is it?"},
        {"instruction": "<image><image>"},
        {"output": "Write <image> for an image."},
        {"history": [["<image>", "A square."]]},
        {"images": []},
    ],
)
def test_rule_5_as_many_placeholders_as_images(export, changes):
    report, out = export({"seen": [SEEN, SEEN | changes]})
    assert report["held_back"] == 1
    [entry] = entries(out).values()
    [row] = rows_of(out / entry["file_name"])
    assert sum(text.count("<image>") for text in (row["instruction"], row["output"])) == len(row["images"]) == 1


def test_rule_5_placeholders_in_history_count(export):
    row = SEEN | {"instruction": "And now?", "history": [["<image>", "A square."]]}
    report, _ = export({"seen": [SEEN, row]})
    assert report["held_back"] == 0


@every_form
def test_rule_6_media_lie_beside_the_data_and_open(export, formatting, kind):
    (_, out) = export({"seen": [SEEN]}, "--format", formatting, "--file", kind)
    [entry] = entries(out).values()
    [row] = rows_of(out / entry["file_name"])
    [image] = row["images"]
    assert not image.startswith(("/", ".."))
    with Image.open(out / image) as picture:
        assert picture.size == (28, 28)


@pytest.mark.parametrize(
    "row", [SFT | {"instruction": " "}, SFT | {"output": "\n"}, PAIR | {"rejected": PAIR["chosen"]}]
)
def test_rule_7_empty_and_equal_rows_are_held_back(export, row):
    report, out = export({"rows": [row]})
    assert (report["held_back"], report["files"], entries(out)) == (1, [], {})


def test_rule_7_what_the_trainer_takes_amiss_is_told(export, capsys, tmp_path):
    export(
        {"sft": [SFT | {"output": "Stop <|im_end|> here."}, SFT | {"output": "tide " * 4000}], "text": [{"text": "A."}]}
    )
    _, found = studio_json(capsys, "check", tmp_path / "果, 园")
    assert {"control-token", "over-cutoff", "too-few-tokens"} <= set(found["codes"]), found["codes"]


def test_rule_8_a_part_has_its_own_file_and_entry(export):
    rows = [SFT | {"input": str(n)} for n in range(10)]
    report, out = export({"sft": rows}, "--split", "8:2")
    assert [(file["part"], file["rows"]) for file in report["files"]] == [("train", 8), ("valid", 2)]
    files = [entry["file_name"] for entry in entries(out).values()]
    assert len(set(files)) == 2
    assert not any("split" in entry for entry in entries(out).values())
    assert sorted(row["input"] for name in files for row in rows_of(out / name)) == sorted(row["input"] for row in rows)


def test_rule_9_entries_are_merged_under_names_that_can_be_asked_for(export, capsys, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    theirs = {"theirs": {"file_name": "x.json"}}
    (out / "dataset_info.json").write_text(json.dumps(theirs))
    export({"sft": [SFT]})
    names = list(entries(out))
    assert names[0] == "theirs"
    assert len(names) == 2
    assert not any("," in name or name != name.strip() for name in names)
    assert json.loads((out / "dataset_info.json.bak").read_bytes()) == theirs


@every_form
def test_rule_10_what_was_written_is_read_back(export, capsys, formatting, kind):
    report, out = export(ALL, "--format", formatting, "--file", kind)
    assert report["held_back"] == 0
    assert len(entries(out)) == 5
    for name, entry in entries(out).items():
        path = out / entry["file_name"]
        _, found = studio_json(capsys, "check", path, "--stage", trainer.stage_of(entry))
        [run] = found["trainer"]
        assert (run["name"], run["trains"], run["traps"]) == (name, True, [])
        assert run["kept"] == run["rows"] == len(rows_of(path))
    code, said, _ = studio(capsys, "export", out.parent / "果, 园", "--out", out)
    assert (code, said.count("read back and verified")) == (0, 5)
