"""Which files a benchmark may be, and what is said of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import orjson
import pyarrow
import pyarrow.parquet
import pytest

from studio.alpaca.rows import Sft
from studio.curate.selecting.contamination import Benchmark, Entry
from studio.errors import StudioError, UsageError
from studio.jobs.duplicates.contamination import evidence, find_contamination
from studio.jobs.duplicates.redundancy_events import BenchmarkRead, ContaminationFound
from studio.jobs.events import Progressed
from studio.store.reader import Reader
from tests.support.projects import new_project

LONG = "At which hour does the last ferry leave the island when the tide is low in autumn?"
LANG = "秋天退潮的时候，岛上最后一班渡船几点钟开？"
ENTRIES = [{"question": LONG, "answer": "nine"}, {"question": LANG, "answer": "九点"}]


@pytest.fixture
def store(tmp_path):
    session = new_project(tmp_path / "p")
    session.rows.add(Sft("Say it.", "", f"They asked: {LONG}"))
    session.rows.add(Sft("Say it.", "", "Nothing."))
    session.rows.add(Sft("请回答。", LANG, "九点"))
    yield Reader(session.project.database)
    session.project.close()


def json_file(folder):
    path = folder / "bench.json"
    path.write_bytes(orjson.dumps(ENTRIES))
    return path


def wrapped_file(folder):
    path = folder / "bench.json"
    path.write_bytes(orjson.dumps({"version": 2, "data": ENTRIES}))
    return path


def json_lines(folder):
    path = folder / "bench.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, ENTRIES)))
    return path


def packed_lines(folder):
    path = folder / "bench.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(map(orjson.dumps, ENTRIES))))
    return path


def csv_file(folder):
    path = folder / "bench.csv"
    path.write_text("题目,answer\n" + "".join(f'"{one["question"]}",{one["answer"]}\n' for one in ENTRIES), "utf-8")
    return path


def parquet_file(folder):
    path = folder / "bench.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ENTRIES), path)
    return path


def text_file(folder):
    path = folder / "bench.txt"
    path.write_text(f"{LONG}\n{LANG}\n", "utf-8")
    return path


def strings(folder):
    path = folder / "bench.json"
    path.write_bytes(orjson.dumps([LONG, LANG]))
    return path


FORMS = (json_file, wrapped_file, json_lines, packed_lines, csv_file, parquet_file, text_file, strings)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_every_kind_of_file_is_read(tmp_path, store, form):
    path = form(tmp_path)
    *_, found = events = list(find_contamination(store, [path]))
    assert isinstance(found, ContaminationFound)
    assert [(hit.row, hit.places[0].field) for hit in found.hits] == [(1, "output"), (3, "input")]
    assert {hit.entry.file for hit in found.hits} == {path.name}
    first, second = (hit.entry.number for hit in found.hits)
    assert second == first + 1
    assert [event for event in events if isinstance(event, BenchmarkRead)] == [BenchmarkRead(path.name, 2, 0, [])]
    assert {event.unit for event in events if isinstance(event, Progressed)} == {
        "bytes of benchmarks read",
        "rows searched",
        "rows compared with entries",
    }


def test_folders_stand_for_their_files_and_names_that_clash_are_told_apart(tmp_path, store):
    for name in ("one", "two"):
        (tmp_path / "all" / name).mkdir(parents=True)
        json_lines(tmp_path / "all" / name)
    (tmp_path / "all" / "two" / "bench.jsonl").write_bytes(orjson.dumps({"q": "Nothing of the kind in here"}))
    events = list(find_contamination(store, [tmp_path / "all"]))
    read = [event.path for event in events if isinstance(event, BenchmarkRead)]
    assert read == [str(tmp_path / "all" / name / "bench.jsonl") for name in ("one", "two")]
    assert {hit.entry.file for hit in events[-1].hits} == {read[0]}


def test_broken_lines_cost_nothing_but_themselves_and_are_told(tmp_path, store):
    path = tmp_path / "bench.jsonl"
    path.write_bytes(b"\n".join([b'{"question": ', orjson.dumps({"id": None}), *map(orjson.dumps, ENTRIES)]))
    *events, found = find_contamination(store, [path])
    read = next(event for event in events if isinstance(event, BenchmarkRead))
    assert (read.entries, read.mute, [(one.line, one.column) for one in read.broken]) == (2, 1, [(1, 14)])
    assert [hit.entry.number for hit in found.hits] == [3, 4]


def test_a_benchmark_without_a_text_is_an_error(tmp_path, store):
    path = tmp_path / "bench.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": "?"}\n')
    with pytest.raises(StudioError, match="nothing was searched"):
        list(find_contamination(store, [path]))
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match="holds no dataset file"):
        list(find_contamination(store, [tmp_path / "none"]))
    with pytest.raises(StudioError, match="cannot be read"):
        list(find_contamination(store, [tmp_path / "absent.json"]))


def test_evidence_names_the_longest_stretch_and_counts_the_others():
    made = Benchmark()
    for number, entry in enumerate(ENTRIES, start=1):
        made.add(Entry("bench.jsonl", number), entry)
    found = made.overlaps([(1, Sft(LANG, f"{LONG}\n另外", ""))])
    assert evidence(found) == f"instruction: 19 tokens of bench.jsonl, entry 2, and 1 more: {LANG[:-1]}"
    assert evidence(found[1:]) == f"input: 17 tokens of bench.jsonl, entry 1: {LONG[:80]}…"
    parts = ("An evening ferry leaves the small island", "every two hours until nine o'clock")
    made.add(Entry("two.csv", 7), " ".join(parts))
    across = made.overlaps([(1, Sft(*parts, ""))])
    assert evidence(across) == f"instruction and input: 14 tokens of two.csv, entry 7: {' '.join(parts)}"


@pytest.mark.filterwarnings("ignore")  # `datasets` leaves files open
def test_a_dataset_is_read_by_its_name(tmp_path, store):
    (tmp_path / "named").mkdir()
    json_lines(tmp_path / "named")
    *_, found = find_contamination(store, [Path(f"hf:{tmp_path / 'named'}")])
    assert [(hit.row, hit.entry) for hit in found.hits] == [
        (row, Entry(f"hf:{tmp_path / 'named'}@train", number)) for row, number in ((1, 1), (3, 2))
    ]


def test_a_prompt_that_is_a_near_duplicate_of_an_entry_is_found_and_rejected(tmp_path, capsys):
    import asyncio

    from tests.support.projects import studio, studio_json

    session = new_project(tmp_path / "q")
    for number in range(20):
        session.rows.add(Sft(f"Describe how the people of street {number} keep their doors painted", "", "x"))
    twin = session.rows.add(Sft("Which bird builds its nest on the cliffs of the cape?", "", "The puffin."))
    zh = session.rows.add(Sft("哪一种鸟在海角的悬崖上筑巢过冬？", "", "海鹦。"))
    asyncio.run(session.close())
    path = tmp_path / "bench.jsonl"
    questions = ["Which bird builds a nest on the cliffs of the cape?", "哪种鸟在海角悬崖上筑巢过冬？", "yes"]
    path.write_bytes(b"\n".join(orjson.dumps({"question": question}) for question in questions))
    for words in (["decontaminate", tmp_path / "q", path], ["dedup", tmp_path / "q", "--against", path]):
        code, found = studio_json(capsys, *words)
        assert code == 1
        assert found["contaminated"] == []
        assert [(hit["row"], hit["entry"]) for hit in found["near"]] == [(twin, 1), (zh, 2)]
    code, out, _ = studio(capsys, "decontaminate", tmp_path / "q", path, "--apply", "reject")
    assert code == 0
    assert "contaminated: 2 of 22 rows, 2 rejected" in out
    code, found = studio_json(capsys, "rejected", tmp_path / "q", "--rule", "contaminated")
    assert all(row["evidence"].startswith("prompt: overlap 0.") for row in found["rows"])


def test_a_row_near_many_entries_is_listed_as_common(tmp_path, capsys):
    import asyncio

    from tests.support.projects import studio, studio_json

    session = new_project(tmp_path / "q")
    for number in range(20):
        session.rows.add(Sft(f"Describe how the people of street {number} keep their doors painted", "", "x"))
    rows = [
        session.rows.add(Sft(text, "", "x"))
        for text in ("Which bird nests on the cliffs of the cape", "哪种鸟在海角悬崖上筑巢")
    ]
    asyncio.run(session.close())
    path = tmp_path / "bench.jsonl"
    asked = ["Which bird nests on the cliffs of the cape {}", "哪种鸟在海角悬崖上筑巢{}"]
    for n, near, common in ((10, rows, []), (12, [], rows)):
        questions = [one.format(end) for one in asked for end in "甲乙丙丁戊己庚辛壬癸子丑"[:n]]
        path.write_bytes(b"\n".join(orjson.dumps({"question": question}) for question in questions))
        code, found = studio_json(capsys, "decontaminate", tmp_path / "q", path)
        assert (code, [hit["row"] for hit in found["near"]], found["common"]) == (int(bool(near)), near, common)
    told = studio(capsys, "decontaminate", tmp_path / "q", path, "--apply", "reject")[1]
    assert "share only what many entries have in common: 2, such as\n#21  Which bird nests" in told
    assert "contaminated: 0 of 22 rows, 0 rejected" in told
