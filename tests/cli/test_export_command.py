from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from studio.alpaca.rows import Sft
from studio.errors import StudioError
from studio.jobs.files import exports
from studio.session import Session
from tests.support import trainer
from tests.support.export_rows_in_memory import files_in
from tests.support.projects import ROOT, bring_in, drain, new_project, start_studio, studio, studio_json

SAMPLES = ROOT / "sample_data"
REAL = ROOT.parent / "shared" / "data" / "llamafactory"
FILES = ("seeds_en.jsonl", "pretrain.jsonl", "sft.json", "preference.json", "multimodal.json", "kto.jsonl")


@pytest.fixture
def project(tmp_path):
    """A project with every sample: some rows are faulty on purpose."""
    session = new_project(tmp_path / "p")
    asyncio.run(drain(session.files.import_files([SAMPLES / name for name in FILES])))
    asyncio.run(session.close())
    return tmp_path / "p"


def test_every_type_with_rows_gets_a_file_and_an_entry(capsys, project, tmp_path):
    out = tmp_path / "out"
    code, found = studio_json(capsys, "export", project, "--out", out)
    assert code == 1  # the samples have planted faults
    assert found["held_back"] == sum(found["reasons"].values()) > 0
    info = json.loads((out / "dataset_info.json").read_text("ascii"))
    assert len(info) == len(found["files"]) == 5
    for entry in info.values():
        assert (out / entry["file_name"]).is_file()
    rows = {file["type"]: file["rows"] for file in found["files"]}
    assert len(json.loads((out / "sft.json").read_text("utf-8"))) == rows["sft"]
    assert len((out / "pretrain.jsonl").read_text("utf-8").splitlines()) == rows["pretrain"]
    held = [json.loads(line) for line in (out / "held_back.jsonl").read_text("utf-8").splitlines()]
    assert len(held) == found["held_back"]
    assert {"row", "type", "code", "field", "reason", "content"} == set(held[0])
    total = studio_json(capsys, "stats", project)[1]["rows"]
    assert sum(rows.values()) + len(held) + found["seeds_without_answer"] == total
    images = {path for row in json.loads((out / "multimodal.json").read_text("utf-8")) for path in row["images"]}
    assert images
    assert all((out / path).read_bytes() == (SAMPLES / path).read_bytes() for path in images)


def test_a_second_export_is_the_same_to_the_byte(capsys, project, tmp_path):
    for name in ("one", "two", "one"):
        studio(capsys, "export", project, "--out", tmp_path / name)
    assert files_in(tmp_path / "one") == files_in(tmp_path / "two")
    assert not [name for name in files_in(tmp_path / "one") if ".bak" in name or "studio-export" in name]


def test_strict_refuses_the_whole_export(capsys, project, tmp_path):
    code, _, err = studio(capsys, "export", project, "--out", tmp_path / "out", "--strict")
    assert code == 1
    assert "Nothing was written" in err
    assert not (tmp_path / "out").exists()


def test_types_and_statuses_narrow_the_export(capsys, project, tmp_path):
    words = ("export", project, "--out", tmp_path / "out", "--type", "kto", "--type", "pretrain")
    code, found = studio_json(capsys, *words)
    assert (code, {file["type"] for file in found["files"]}) == (0, {"kto", "pretrain"})
    code, found = studio_json(capsys, *words, "--status", "pending")
    assert (code, found["files"]) == (0, [])
    assert (tmp_path / "out" / "kto.json").exists()  # an export of nothing takes nothing away


def test_rejected_rows_and_seeds_without_an_answer_stay(capsys, tmp_path):
    session = new_project(tmp_path / "p")
    asyncio.run(bring_in(session, tmp_path / "s.jsonl", [{"instruction": "a"}], seed=True))
    session.rows.add(Sft("kept", "", "y"))
    session.rows.add(Sft("dropped", "", "y"))
    session.rows.reject(3)
    asyncio.run(session.close())
    code, found = studio_json(capsys, "export", tmp_path / "p", "--out", tmp_path / "out")
    assert (code, found["held_back"], found["seeds_without_answer"]) == (0, 0, 1)
    assert json.loads((tmp_path / "out" / "sft.json").read_bytes()) == [
        {"instruction": "kept", "input": "", "output": "y"}
    ]


def test_other_peoples_entries_stay_and_the_old_file_is_backed_up(capsys, project, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    old = b'{"theirs": {"file_name": "x.json"}}'
    (out / "dataset_info.json").write_bytes(old)
    studio(capsys, "export", project, "--out", out, "--type", "kto")
    info = json.loads((out / "dataset_info.json").read_bytes())
    assert list(info) == ["theirs", "p_kto"]
    assert (out / "dataset_info.json.bak").read_bytes() == old


@pytest.mark.parametrize("broken", [b"{nonsense", b"[1]", b"7"])
def test_a_broken_dataset_info_is_left_alone(capsys, project, tmp_path, broken):
    out = tmp_path / "out"
    out.mkdir()
    (out / "dataset_info.json").write_bytes(broken)
    code, _, err = studio(capsys, "export", project, "--out", out)
    assert code == 1
    assert "left as it" in err
    assert files_in(out) == {"dataset_info.json": broken}


@pytest.mark.parametrize("image", ["../secret.png", "/etc/hostname", "link.png", "absent.png", "x" * 3000])
def test_no_file_from_outside_is_exported(capsys, tmp_path, image):
    home = tmp_path / "set"
    home.mkdir()
    picture = (SAMPLES / "images" / "dots.png").read_bytes()
    (tmp_path / "secret.png").write_bytes(picture)
    (home / "link.png").symlink_to(tmp_path / "secret.png")
    session = new_project(tmp_path / "p")
    row = {"instruction": "<image>What is it?", "output": "A picture.", "images": [image]}
    asyncio.run(bring_in(session, home / "rows.jsonl", [row]))
    asyncio.run(session.close())
    code, found = studio_json(capsys, "export", tmp_path / "p", "--out", tmp_path / "out")
    ((reason, n),) = found["reasons"].items()
    assert (code, n, found["files"]) == (1, 1, [])
    assert reason.startswith("media-")
    assert not (tmp_path / "out" / "images").exists()


def test_a_fault_at_any_write_leaves_the_old_export(monkeypatch, project, tmp_path):
    """The n-th write, copy, sync or rename fails, for every n: one clear error, every file old or new."""
    out = tmp_path / "out"
    session = Session.open(project, must_write=True)
    asyncio.run(drain(session.files.export(out)))
    old = files_in(out)
    first = session.rows.page([60])[0]
    session.rows.edit(60, Sft("changed", "", "answer") if isinstance(first.row, Sft) else first.row)
    asyncio.run(drain(session.files.export(tmp_path / "new")))
    new = files_in(tmp_path / "new")
    failing, calls = 0, 0

    def counted(work):
        def call(*arguments, **named):
            nonlocal calls
            calls += 1
            if calls == failing:
                raise OSError(28, "No space left on device")
            return work(*arguments, **named)

        return call

    monkeypatch.setattr(os, "fsync", counted(os.fsync))
    monkeypatch.setattr(Path, "replace", counted(Path.replace))
    monkeypatch.setattr(Path, "write_text", counted(Path.write_text))
    monkeypatch.setattr(Path, "write_bytes", counted(Path.write_bytes))
    monkeypatch.setattr(shutil, "copyfile", counted(shutil.copyfile))
    monkeypatch.setattr(exports, "write_objects", counted(exports.write_objects))
    while True:
        failing, calls = failing + 1, 0
        if (error := refusal(session, out)) is None:
            break
        assert "No space left" in error
        found = {name: content for name, content in files_in(out).items() if not name.endswith(".bak")}
        assert set(found) == set(old)
        assert all(content in (old[name], new[name]) for name, content in found.items())
    assert failing > 30
    assert not list(out.glob(".studio-export-*"))
    assert {name: content for name, content in files_in(out).items() if not name.endswith(".bak")} == new
    asyncio.run(session.close())


def refusal(session, out):
    try:
        asyncio.run(drain(session.files.export(out)))
    except StudioError as error:
        return error.message
    return None


@pytest.mark.slow
def test_a_killed_export_leaves_every_file_old_or_new(tmp_path):
    luck = random.Random(3)
    session = new_project(tmp_path / "p")
    objects = [{"instruction": f"问题 {n}", "output": "答" * 50} for n in range(8000)]
    asyncio.run(bring_in(session, tmp_path / "rows.jsonl", objects))
    asyncio.run(bring_in(session, tmp_path / "texts.jsonl", [{"text": "雨" * 60}] * 4000))
    out = tmp_path / "out"
    asyncio.run(drain(session.files.export(out)))
    old = files_in(out)
    for row_id in (1, 9000):
        session.rows.reject(row_id)
    asyncio.run(drain(session.files.export(tmp_path / "new")))
    new = files_in(tmp_path / "new")
    asyncio.run(session.close())
    assert old != new
    for _ in range(4):
        with start_studio("export", tmp_path / "p", "--out", out) as child:
            end = time.monotonic() + 20
            while not list(out.glob(".studio-export-*")) and child.poll() is None and time.monotonic() < end:
                time.sleep(0.002)
            time.sleep(luck.random() * 0.3)
            child.send_signal(signal.SIGKILL)
            child.wait()
        found = files_in(out)
        assert set(found) == set(old)
        assert all(content in (old[name], new[name]) for name, content in found.items())
    with start_studio("export", tmp_path / "p", "--out", out) as child:
        assert child.wait(30) == 0
    assert files_in(out) == new
    assert not list(out.glob(".studio-export-*")), "what the killed ones were writing is gone"


def test_rows_decided_on_during_an_export_do_not_mix_into_it(tmp_path):
    session = new_project(tmp_path / "p")
    ids = asyncio.run(
        bring_in(session, tmp_path / "r.jsonl", [{"instruction": f"q{n}", "output": "a"} for n in range(9)])
    )

    async def run():
        async for _ in session.files.export(tmp_path / "out"):
            for row_id in ids:
                session.rows.edit(row_id, Sft("changed", "", ""))

    asyncio.run(run())
    written = json.loads((tmp_path / "out" / "sft.json").read_bytes())
    assert [row["instruction"] for row in written] == [f"q{n}" for n in range(9)]
    asyncio.run(session.close())


def test_filters_choose_rows(capsys, tmp_path):
    session = new_project(tmp_path / "p")
    objects = [{"instruction": f"q{n}", "output": "an answer"} for n in range(6)]
    ids = asyncio.run(bring_in(session, tmp_path / "r.jsonl", objects))
    session.rows.add(Sft("by hand", "", "an answer"))
    session.rows.set_tags(ids[:2], ["good", "en"])
    session.rows.set_score(ids[1:4], 4.5)
    session.rows.set_score(ids[3:4], 2)
    asyncio.run(session.close())

    def rows(*flags):
        _, found = studio_json(capsys, "export", tmp_path / "p", "--dry-run", *flags)
        return sum(one["rows"] for one in found["types"])

    assert rows() == 7
    assert rows("--tag", "good") == rows("--tag", "en", "--tag", "fr") == 2
    assert rows("--min-score", "4") == 2
    assert rows("--tag", "good", "--min-score", "4") == 1
    assert rows("--method", "written") == 1
    assert rows("--method", "imported") == 6
    assert rows("--status", "pending") == 0


def test_a_named_export_and_flags_over_it(capsys, project, tmp_path):
    settings = project / "studio.toml"
    named = '\n[exports.chat]\nout = "chat"\ntypes = ["sft"]\nformat = "openai"\nsplit = "8:2"\n'
    settings.write_text(settings.read_text("utf-8") + named, "utf-8")
    code, found = studio_json(capsys, "export", project, "--name", "chat", "--split", "9:1", "--file", "jsonl")
    assert (code, found["out"]) == (1, str(project / "chat"))
    assert [(file["type"], file["part"]) for file in found["files"]] == [("sft", "train"), ("sft", "valid")]
    info = json.loads((project / "chat" / "dataset_info.json").read_bytes())
    assert list(info) == ["p-chat_sft_train", "p-chat_sft_valid"]
    assert info["p-chat_sft_train"]["formatting"] == "openai"
    assert (project / "chat" / "sft_train.jsonl").exists()
    code, _, err = studio(capsys, "export", project, "--name", "chatt")
    assert (code, "chat" in err) == (2, True)


def test_a_dry_run_writes_nothing_and_says_it_all(capsys, project):
    code, out, _ = studio(capsys, "export", project, "--dry-run", "--split", "megatron")
    assert code == 1
    assert not (project / "export").exists()
    assert "about" in out
    assert "cutoff 2,048" in out
    assert "held back: 1 empty-output" in out
    code, found = studio_json(capsys, "export", project, "--dry-run", "--type", "kto")
    (kto,) = found["types"]
    assert (code, kto["type"], kto["rows"], kto["held_back"]) == (0, "kto", 8, [])
    assert sum(bar["rows"] for bar in kto["lengths"]) == 8
    assert kto["by"]["language"] == {"en": 4, "zh": 4}
    assert (found["cutoff"], found["estimated"]) == (2048, True)


def test_pushing_without_a_token_is_told_and_the_export_is_there(capsys, project, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    code, _, err = studio(capsys, "export", project, "--push", "me/tides")
    assert (code, "HF_TOKEN" in err) == (1, True)
    assert (project / "export" / "manifest.json").exists()
    assert studio(capsys, "export", project, "--private")[0] == 2


@pytest.mark.parametrize("words", [("--split", "a:b"), ("--format", "csv"), ("--file", "xml")])
def test_wrong_words(capsys, project, words):
    assert studio(capsys, "export", project, *words)[0] == 2


def test_help_says_what_969_30_1_is(capsys):
    assert "nothing magical" in " ".join(studio(capsys, "export", "--help")[1].split())


# -- LLaMA-Factory's own loader --------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(bool(trainer.missing()), reason=trainer.missing() or "-")
@pytest.mark.parametrize("source", ["samples", "real"])
def test_the_trainer_loads_every_row_of_an_export(capsys, tmp_path, source):
    if source == "real" and not REAL.is_dir():
        pytest.skip("LLaMA-Factory's demo files are not here")
    files = [SAMPLES / name for name in FILES] if source == "samples" else sorted(REAL.glob("*demo.json*"))
    asyncio.run(new_project(tmp_path / "p").close())
    assert studio(capsys, "import", tmp_path / "p", *files)[0] == 0
    _, found = studio_json(capsys, "export", tmp_path / "p", "--out", tmp_path / "out")
    if source == "real":
        assert (found["held_back"], found["seeds_without_answer"]) == (0, 0)
    command = [sys.executable, str(ROOT / "tests" / "support" / "trainer.py"), str(tmp_path / "out")]
    loaded = orjson.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert {entry["rows"] for entry in loaded.values()} == {file["rows"] for file in found["files"]}
    for name, entry in loaded.items():
        assert entry["error"] is None, name
        assert entry["kept"] == entry["rows"], name


def test_files_of_other_people_in_the_folder_stay_as_they_are(capsys, project, tmp_path):
    out = tmp_path / "data"
    (out / "images").mkdir(parents=True)
    theirs = {"sft.json": b'[{"instruction": "MINE"}]', "images/bars.png": b"my picture",
              "dataset_info.json": b'{"mine": {"file_name": "sft.json"}}'}  # fmt: skip
    for name, content in theirs.items():
        (out / name).write_bytes(content)
    studio(capsys, "export", project, "--out", out)
    studio(capsys, "export", project, "--out", out)
    now = files_in(out)
    assert {name: now[name] for name in ("sft.json", "images/bars.png")} == {
        name: theirs[name] for name in ("sft.json", "images/bars.png")
    }
    info = json.loads(now["dataset_info.json"])
    assert info["mine"] == {"file_name": "sft.json"}
    assert info["p_sft"]["file_name"] == "p_sft.json"
    assert now["dataset_info.json.bak"] == theirs["dataset_info.json"]
    assert "p_sft-2.json" not in now, "exporting again writes to the same file"
