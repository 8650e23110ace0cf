from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from pathlib import Path

import orjson
import pytest

from studio.alpaca.rows import Pretrain, Sft, fields
from studio.errors import StudioError, UsageError
from studio.jobs.events import FileOpened, ImportedBefore, SetAside
from studio.session import Session
from studio.store.filters import Filter
from tests.support.projects import bring_in, drain, kept, new_project, recount, start_studio


@pytest.fixture
async def session(tmp_path):
    opened = new_project(tmp_path / "p")
    yield opened
    await opened.close()


async def test_rows_come_in_accepted_with_where_they_came_from(session, tmp_path):
    file = tmp_path / "题.jsonl"
    ids = await bring_in(session, file, [{"instruction": "a"}, {"instruction": "b", "id": 7, "tags": ["x"]}])
    rows = session.rows.page(ids)
    assert [(row.status, row.seed, row.generated) for row in rows] == [("accepted", False, False)] * 2
    assert [row.number for row in rows] == [1, 2]
    assert session.rows.origin(rows[1]) == "题.jsonl, row 2"
    assert orjson.loads(rows[1].extras) == {"id": 7, "tags": ["x"]}
    assert session.project.runs.folder(rows[0].source) == tmp_path
    assert rows[1].offset == file.read_bytes().index(b"\n") + 1


async def test_seeds_need_an_instruction_only(session, tmp_path):
    ids = await bring_in(session, tmp_path / "s.jsonl", [{"instruction": "写一首诗"}], seed=True)
    row = session.rows.get(ids[0])
    assert (row.row, row.seed, row.status) == (Sft("写一首诗"), True, "accepted")
    assert session.rows.stats()["seeds"] == 1


async def test_rows_that_cannot_be_seeds_are_refused_before_anything_is_read(session, tmp_path):
    (tmp_path / "good.jsonl").write_text('{"instruction":"a"}\n')
    (tmp_path / "text.jsonl").write_text('{"text":"a"}\n')
    files = [tmp_path / "good.jsonl", tmp_path / "text.jsonl"]
    with pytest.raises(UsageError, match="seed tasks are instructions"):
        await drain(session.files.import_files(files, seed=True))
    assert session.project.rows.last_id() == 0


@pytest.mark.parametrize(
    ("objects", "type", "why"),
    [
        ([{"text": "雨"}], "pretrain", "column text"),
        ([{"instruction": "a", "output": "b"}], "sft", "column instruction"),
        ([{"instruction": "a", "chosen": "b", "rejected": "c"}], "preference", "chosen and rejected"),
        ([{"instruction": "<image>a", "output": "b", "images": ["1.png"]}], "multimodal", "column images"),
        ([{"instruction": "a", "output": "b", "kto_tag": True}], "kto", "column kto_tag"),
        ([{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}], "sft", "ShareGPT"),
    ],
)
async def test_the_type_is_told_from_the_columns(session, tmp_path, objects, type, why):
    file = tmp_path / "rows.json"
    file.write_bytes(orjson.dumps(objects))
    opened, *_, ended = await drain(session.files.import_files([file]))
    assert isinstance(opened, FileOpened)
    assert (opened.type, ended.rows) == (type, 1)
    assert why in opened.why


async def test_the_type_can_be_forced_and_must_be_known(session, tmp_path):
    file = tmp_path / "rows.json"
    file.write_bytes(b'[{"topic": "a", "text": "b"}]')
    await drain(session.files.import_files([file], "sft"))
    assert session.rows.get(1).row == Sft()
    file.write_bytes(b'[{"topic": "a"}]')
    with pytest.raises(UsageError, match="columns found: topic") as error:
        await drain(session.files.import_files([file]))
    assert "--type" in error.value.hint


async def test_what_is_broken_is_set_aside_with_place_and_cause(session, tmp_path):
    file = tmp_path / "rows.jsonl"
    good = [orjson.dumps({"instruction": f"q{n}", "output": "a"}) for n in range(4)]
    wrong = b'{"instruction": 5}'
    bad = b'{"instruction": "\xff"}'
    deep = b'{"instruction": "d", "x": ' + b"[" * 1010 + b"]" * 1010 + b"}"
    file.write_bytes(b"\n".join([good[0], b"{nonsense}", good[1], wrong, good[2], bad, deep, b"7", good[3]]))
    events = await drain(session.files.import_files([file]))
    ended = events[-1]
    assert (ended.rows, ended.broken) == (4, 5)
    assert [row.row.instruction for row in session.rows.each(Filter())] == ["q0", "q1", "q2", "q3"]
    kept_lines = side_file(ended)
    assert [line["line"] for line in kept_lines] == [2, 4, 6, 7, 8]
    assert [line["file"] for line in kept_lines] == ["rows.jsonl"] * 5
    assert kept_lines[0]["raw"] == "{nonsense}"
    assert "expected text, found a number" in kept_lines[1]["cause"]
    assert "not UTF-8" in kept_lines[2]["cause"]
    assert "nested" in kept_lines[3]["cause"]
    assert "expected an object" in kept_lines[4]["cause"]
    assert any(isinstance(event, SetAside) for event in events)


async def test_a_wrong_type_inside_an_array_is_reported_at_its_line(session, tmp_path):
    file = tmp_path / "rows.json"
    file.write_text('[\n  {"instruction": "中"}, {"instruction": 5},\n  {"instruction": "b", "id": 1}\n]')
    *_, aside, _, ended = await drain(session.files.import_files([file]))
    assert ended.rows == 2
    (broken,) = aside.broken
    assert (broken.line, broken.column) == (2, 25)


async def test_many_wrong_rows_in_an_array_cost_no_more_than_reading_them(session, tmp_path):
    file = tmp_path / "rows.json"
    file.write_bytes(orjson.dumps([{"instruction": "a", "output": "b" * 40}] * 20_000))
    start = time.process_time()
    *_, ended = await drain(session.files.import_files([file], "kto"))
    assert ended.broken == 20_000
    assert time.process_time() - start < 10


async def test_an_empty_file_is_reported(session, tmp_path):
    (tmp_path / "rows.jsonl").write_bytes(b"")
    *_, ended = await drain(session.files.import_files([tmp_path / "rows.jsonl"]))
    assert (ended.rows, ended.broken) == (0, 1)


async def test_undoing_an_import_takes_its_rows_back_and_redo_brings_them(session, tmp_path):
    session.rows.add(Pretrain("by hand"))
    ids = await bring_in(session, tmp_path / "a.jsonl", [{"instruction": f"q{n}"} for n in range(200)])
    before = session.rows.page(ids)
    assert session.journal.undo() == ("import 200 rows", ids[0])
    assert Counter(row.status for row in session.rows.page(ids)) == {"rejected": 200}
    assert kept(session) == recount(session)
    assert session.rows.stats()["rejected"] == {"by-hand": 200}
    assert session.journal.redo() == ("import 200 rows", ids[0])
    assert session.rows.page(ids) == before
    assert kept(session) == recount(session)


async def test_several_files_are_one_step(session, tmp_path):
    files = []
    for name in "abc":
        files.append(tmp_path / f"{name}.jsonl")
        files[-1].write_text(f'{{"instruction":"{name}"}}\n')
    await drain(session.files.import_files(files))
    assert [session.rows.origin(row) for row in session.rows.page([1, 2, 3])] == [
        "a.jsonl, row 1", "b.jsonl, row 1", "c.jsonl, row 1",
    ]  # fmt: skip
    session.journal.undo()
    assert session.rows.stats()["types"]["sft"]["rejected"] == 3
    assert session.journal.undo() is None


async def test_an_import_that_fails_or_is_left_brings_nothing_in(session, tmp_path, monkeypatch):
    file = tmp_path / "a.jsonl"
    file.write_text('{"instruction":"a"}\n')
    (tmp_path / "gone.jsonl").write_text('{"instruction":"a"}\n')
    events = session.files.import_files([file, tmp_path / "gone.jsonl"])
    async for event in events:
        if not isinstance(event, FileOpened):
            (tmp_path / "gone.jsonl").unlink(missing_ok=True)
            break
    with pytest.raises((StudioError, FileNotFoundError)):
        await drain(events)
    assert session.rows.get(1).rule == "interrupted"
    events = session.files.import_files([file])
    async for event in events:
        if not isinstance(event, FileOpened):
            break
    await events.aclose()
    assert session.rows.get(2).rule == "interrupted"
    assert kept(session) == recount(session)
    assert session.journal.undo() is None
    *_, ended = await drain(session.files.import_files([file]))
    assert ended.rows == 1


async def test_a_cancelled_import_ends_between_two_steps(session, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"\n".join(orjson.dumps({"instruction": "x" * 200}) for _ in range(40_000)))
    begun = asyncio.Event()

    async def bring_it_in():
        async for _ in session.files.import_files([file]):
            if session.project.rows.last_id():
                begun.set()

    task = asyncio.create_task(bring_it_in())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert session.project.rows.last_id()
    assert not session.rows.ids(Filter(statuses=("accepted",)))


def test_a_killed_import_is_taken_out_of_the_way_and_importing_again_is_right(tmp_path):
    asyncio.run(new_project(tmp_path / "p").close())
    small, big = tmp_path / "small.jsonl", tmp_path / "big.jsonl"
    small.write_text('{"instruction":"small"}\n')
    objects = [{"instruction": f"question {n}", "output": "一" * 60} for n in range(60_000)]
    big.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in objects))
    killed = 0
    for wait in (0.0, 0.03, 0.06):
        with start_studio("import", tmp_path / "p", small, big) as child:
            _until_rows(tmp_path / "p", 2 + killed)
            time.sleep(wait)
            child.send_signal(signal.SIGKILL)
            child.wait()
        session = Session.open(tmp_path / "p", must_write=True)
        killed = session.project.rows.last_id()
        assert session.rows.stats()["rejected"] == {"interrupted": killed}
        assert kept(session) == recount(session)
        asyncio.run(session.close())
    with start_studio("import", tmp_path / "p", small, big) as child:
        assert child.wait(60) == 0, child.stderr.read()
    session = Session.open(tmp_path / "p", must_write=True)
    rows = list(session.rows.each(Filter(statuses=("accepted",))))
    assert [fields(row.row)["instruction"] for row in rows] == ["small"] + [one["instruction"] for one in objects]
    assert {row.rule for row in session.rows.each(Filter(statuses=("rejected",)))} == {"interrupted"}
    asyncio.run(session.close())


async def test_the_offset_of_an_arrays_row_is_where_it_begins(session, tmp_path):
    file = tmp_path / "rows.json"
    objects = [{"instruction": f"题 {n}", "output": '}, {"' * (n % 3)} for n in range(4000)]
    file.write_bytes(orjson.dumps(objects))
    text = file.read_bytes()
    await drain(session.files.import_files([file]))
    for stored, written in zip(session.rows.each(Filter()), objects, strict=True):
        raw = orjson.dumps(written)
        assert text[stored.offset : stored.offset + len(raw)] == raw


async def test_columns_by_usual_and_by_given_names(session, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"question": "a", "reply": "b", "topic": "c", "id": 1}\n')
    opened, *_ = await drain(session.files.import_files([file]))
    assert opened.why == "column question read as instruction, column reply read as output"
    await drain(session.files.import_files([file], columns={"instruction": "topic"}))
    rows = session.rows.page([1, 2])
    assert [row.row for row in rows] == [Sft("a", "", "b"), Sft("c", "", "b")]
    assert orjson.loads(rows[1].extras) == {"id": 1, "question": "a"}
    assert "column topic read as instruction, as you said" in session.project.runs.source(rows[1].source).note


async def test_a_given_column_must_be_there(session, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"question": "a"}\n')
    with pytest.raises(UsageError, match="has no column topic") as caught:
        await drain(session.files.import_files([file], columns={"instruction": "topic"}))
    assert "question" in caught.value.hint
    assert session.project.rows.last_id() == 0


async def test_what_a_wrapper_holds_beside_its_rows_stands_in_the_note(session, tmp_path):
    file = tmp_path / "rows.json"
    file.write_text('{"version": 1, "data": [{"instruction": "a"}, {"instruction": "b"}]}')
    opened, *_, ended = await drain(session.files.import_files([file]))
    assert (ended.rows, ended.broken) == (2, 0)
    assert opened.why.endswith("left out beside the list of rows: version")


async def test_a_picture_in_a_later_row_does_not_make_the_others_strangers(session, tmp_path):
    def talk(**more):
        return {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}], **more}

    await bring_in(session, tmp_path / "a.jsonl", [talk(), talk(images=["a.png"]), talk(images=[])])
    assert [row.row.images for row in session.rows.page([1, 2, 3])] == [(), ("a.png",), ()]


async def test_importing_the_same_file_again_is_said(session, tmp_path):
    file, copy = tmp_path / "a.jsonl", tmp_path / "copy.jsonl"
    file.write_text('{"instruction":"a"}\n{"instruction":"b"}\n')
    await drain(session.files.import_files([file]))
    copy.write_bytes(file.read_bytes())
    again = await drain(session.files.import_files([copy]))
    (before,) = [event for event in again if isinstance(event, ImportedBefore)]
    assert (before.path, before.source, before.rows) == (str(copy), 1, 2)
    assert again[-1].rows == 2
    session.journal.undo()
    session.journal.undo()
    assert not any(isinstance(event, ImportedBefore) for event in await drain(session.files.import_files([file])))
    file.write_text('{"instruction":"a"}\n{"instruction":"c"}\n')
    assert not any(isinstance(event, ImportedBefore) for event in await drain(session.files.import_files([file])))


@pytest.mark.filterwarnings("ignore")
async def test_a_dataset_of_the_hub_comes_in_split_by_split(session, tmp_path):
    (tmp_path / "set").mkdir()
    for split in ("train", "test"):
        (tmp_path / "set" / f"{split}.jsonl").write_text(f'{{"question": "{split}", "answer": "a"}}\n')
    name = f"hf:{tmp_path / 'set'}"
    *_, ended = await drain(session.files.import_files([Path(name)], seed=True))
    assert (ended.rows, ended.broken) == (2, 0)
    rows = session.rows.page([1, 2])
    assert [row.row for row in rows] == [Sft("train", "", "a"), Sft("test", "", "a")]
    assert [session.rows.origin(row) for row in rows] == [f"{name}@train, row 1", f"{name}@test, row 1"]
    assert session.project.runs.folder(rows[0].source) is None
    again = await drain(session.files.import_files([Path(f"{name}@test")]))
    assert any(isinstance(event, ImportedBefore) for event in again)


def side_file(ended):
    return [orjson.loads(line) for line in Path(ended.path).read_bytes().splitlines()]


def _until_rows(folder, n):
    viewer = Session.open(folder, read_only=True)
    end = time.monotonic() + 30
    while viewer.project.rows.last_id() < n:
        assert time.monotonic() < end
        time.sleep(0.002)
    asyncio.run(viewer.close())
