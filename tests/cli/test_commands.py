from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from studio.__main__ import _named
from studio.alpaca.rows import Sft
from studio.cli.main import cli
from studio.curate.duplicates.review_queue import Loss
from studio.errors import UsageError
from studio.session import Session
from studio.store.pairs import Search
from tests.support.projects import ROOT, contents, new_project, start_studio, studio, studio_json

SAMPLES = ROOT / "sample_data"
SEARCH = Search("overlap", "prompt", 0.65, 5, "2026-01-01T00:00:00", (0, 0))


@pytest.fixture
def project(tmp_path):
    asyncio.run(new_project(tmp_path / "p").close())
    return tmp_path / "p"


def write_rows(path, *objects):
    path.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in objects))
    return path


@pytest.fixture
def looking(project):
    """The project as a reader sees it."""
    session = Session.open(project, read_only=True)
    yield session
    asyncio.run(session.close())


# -- new, open, wrong use --------------------------------------------------------------------------


def test_new_makes_a_project_once(capsys, tmp_path):
    assert studio(capsys, "new", tmp_path / "made", "--name", "果园")[0] == 0
    assert studio_json(capsys, "stats", tmp_path / "made")[1]["project"] == "果园"
    code, out, err = studio(capsys, "new", tmp_path / "made")
    assert (code, out) == (2, "")
    assert "is a project already" in err


@pytest.mark.parametrize(
    "words",
    [
        ["stats", "nowhere/at-all"],
        ["evolve", "."],
        ["import", ".", "absent.jsonl"],
        ["export", "."],
        ["dedup", ".", "--threshold", "7"],
        ["dedup", ".", "--threshold", "nan"],
        ["dedup", ".", "--pairs", "-", "--json"],
        ["dedup", ".", "--against", ".", "--pairs", "-"],
        ["dedup", ".", "--against", ".", "--method", "exact", "--field", "row"],
        ["place", ".", "--sure", "nan"],
        ["evolve", ".", "--budget-usd", "inf"],
        ["place", ".", "--strategy", "sideways"],
        ["evolve", ".", "--rounds", "0"],
        ["check", "absent"],
        ["evole"],
        ["stats", ".", "--nonsense"],
        ["."],
    ],
)
def test_wrong_use_is_exit_code_2_and_says_why(capsys, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    code, out, err = studio(capsys, *words)
    assert (code, out) == (2, "")
    assert err.strip()
    assert "Traceback" not in err


def test_a_mistyped_command_is_not_a_folder():
    with pytest.raises(UsageError, match="evole") as error:
        _named(["evole"])
    assert "evolve" in error.value.hint
    assert _named(["my-data"]) == ["open", "my-data"]
    assert _named(["./evole"]) == ["open", "./evole"]
    assert _named(["--theme", "dark", "x"]) == ["open", "--theme", "dark", "x"]
    assert _named(["stats", "x"]) == ["stats", "x"]
    assert _named([]) == []


def test_a_flag_that_is_not_given_leaves_the_settings_alone(tmp_path):
    opening = cli.main(["open", str(tmp_path / "p")], standalone_mode=False)
    assert opening.flags == {"screen": {"theme": None, "mouse": None, "color": None}}
    opening = cli.main(["open", str(tmp_path / "p"), "--color", "16", "--mouse"], standalone_mode=False)
    assert opening.flags == {"screen": {"theme": None, "mouse": True, "color": "16"}}


def test_a_setting_of_a_wrong_value_is_wrong_use(capsys, project, monkeypatch):
    monkeypatch.setenv("STUDIO_EVOLVE_CONCURRENCY", "0")
    code, _, err = studio(capsys, "stats", project)
    assert code == 2
    assert "concurrency" in err


# -- import ----------------------------------------------------------------------------------------


def test_import_reports_rows_files_and_what_was_set_aside(capsys, project, tmp_path):
    good = write_rows(tmp_path / "good.jsonl", {"instruction": "a", "output": "b"})
    code, found = studio_json(capsys, "import", project, good, SAMPLES / "broken.jsonl")
    assert code == 1
    assert (found["imported"], found["set_aside"]) == (5, 1)
    assert [(file["type"], file["rows"]) for file in found["files"]] == [("sft", 1), ("sft", 4)]
    (broken,) = found["broken"]
    assert (broken["file"], broken["line"]) == ("broken.jsonl", 3)
    assert broken["column"] > 1
    assert broken["cause"]
    (kept_line,) = map(json.loads, Path(found["side_file"]).read_text("utf-8").splitlines())
    assert kept_line["raw"] == (SAMPLES / "broken.jsonl").read_text("utf-8").splitlines()[2]
    code, out, err = studio(capsys, "import", project, SAMPLES / "broken.jsonl")
    assert code == 1
    assert "imported 4 rows" in out
    assert "broken.jsonl:3:" in err
    assert found["side_file"].rsplit("/", 1)[0] in err


def test_import_of_good_rows_is_exit_code_0(capsys, project, tmp_path):
    file = write_rows(tmp_path / "seeds.jsonl", {"instruction": "写一首诗"})
    code, found = studio_json(capsys, "import", project, file, "--seed")
    assert (code, found["imported"], found["side_file"]) == (0, 1, None)
    assert studio_json(capsys, "stats", project)[1]["seeds"] == 1


# -- dedup -----------------------------------------------------------------------------------------

TWINS = [
    {"instruction": "Name three rivers that cross the old town of Prague", "output": "a"},
    {"instruction": "Name three rivers that cross the old town of Lyon", "output": "b"},
    {"instruction": "Name three rivers that cross the new town of Lyon", "output": "c"},
    {"instruction": "说明为什么海水是咸的而河水是淡的", "output": "d"},
    {"instruction": "说明为什么海水是咸的而湖水是淡的", "output": "e"},
    {"instruction": "Bake bread.", "output": "f"},
]


def test_dedup_finds_pairs_and_rejects_later_rows_only_when_asked(capsys, project, tmp_path, looking):
    studio(capsys, "import", project, write_rows(tmp_path / "rows.jsonl", *TWINS))
    code, found = studio_json(capsys, "dedup", project, "--threshold", "0.65")
    assert (code, found["rows"], found["clusters"], found["would_go"], found["rejected"]) == (0, 6, 2, 3, 0)
    assert {(pair["left"], pair["right"]) for pair in found["pairs"]} >= {(1, 2), (2, 3), (4, 5)}
    assert all(0.65 <= pair["score"] < 1 and pair["shared"] for pair in found["pairs"])
    assert studio_json(capsys, "dedup", project, "--threshold", "0.99")[1]["pairs"] == []
    before = contents(looking)
    code, found = studio_json(capsys, "dedup", project, "--threshold", "0.65", "--apply", "keep-first")
    gone = {row_id for row_id, row in contents(looking).items() if row[1] == "rejected"}
    pairs = {(pair["left"], pair["right"]) for pair in found["pairs"]}
    # A row goes exactly when it is near an earlier row that stays.
    assert gone == {right for left, right in pairs if left not in gone}
    assert found["rejected"] == len(gone)
    assert looking.rows.get(5).evidence.startswith("overlap 0.")
    assert looking.rows.get(5).evidence.endswith(" with #4")
    session = Session.open(project, must_write=True)
    session.journal.undo()
    assert contents(session) == before
    asyncio.run(session.close())


def test_each_method_and_field_of_dedup(capsys, project, tmp_path):
    studio(capsys, "import", project, write_rows(tmp_path / "rows.jsonl", *TWINS, TWINS[0] | {"output": "z"}))
    for method in ("exact", "overlap", "rouge-l", "minhash"):
        code, found = studio_json(capsys, "dedup", project, "--method", method)
        assert (code, found["method"], found["conflicts"]) == (0, method, 1)
    for field in ("instruction", "output", "row"):
        assert studio_json(capsys, "dedup", project, "--field", field)[1]["field"] == field
    code, _, err = studio(capsys, "dedup", project, "--threshold", "0.2")
    assert code == 2
    assert "between 0.4 and 1" in err


def test_pairs_are_written_as_json_lines(capsys, project, tmp_path):
    studio(capsys, "import", project, write_rows(tmp_path / "rows.jsonl", *TWINS))
    studio(capsys, "dedup", project, "--threshold", "0.65", "--pairs", tmp_path / "pairs.jsonl")
    listed = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text("utf-8").splitlines()]
    assert {"left", "right", "score", "kind", "shared"} == set(listed[0])
    code, out, err = studio(capsys, "dedup", project, "--threshold", "0.65", "--pairs", "-")
    assert [json.loads(line) for line in out.splitlines()] == listed
    assert "clusters" in err
    code, _, err = studio(capsys, "dedup", project, "--pairs", tmp_path / "no" / "pairs.jsonl")
    assert code == 1
    assert "cannot be written" in err


def test_the_row_that_stays_goes_by_the_rule(capsys, project, tmp_path, looking):
    ask = TWINS[0]["instruction"]
    rows = [{"instruction": f"{ask} {word}", "output": "x" * size} for size, word in ((1, "now"), (9, "soon"))]
    studio(capsys, "import", project, write_rows(tmp_path / "rows.jsonl", *rows))
    studio(capsys, "dedup", project, "--threshold", "0.65", "--apply", "longest")
    assert [row.status for row in looking.rows.page([1, 2])] == ["rejected", "accepted"]


def test_pairs_keep_their_names_over_searches(tmp_path):
    session = new_project(tmp_path / "pairs")
    for text in "abcd":
        session.rows.add(_row(text))

    def search(*pairs):
        with session.project.database.transaction():
            session.project.pairs.replace_open([(*pair, 0.9, "overlap") for pair in pairs], SEARCH)

    search((1, 2), (3, 4))
    session.review.drop_duplicates([Loss(4, 3, 0.9)])
    session.journal.undo()
    search((1, 3), (3, 4))
    assert {pair.id: (pair.left, pair.right) for pair in session.project.pairs.all()} == {2: (3, 4), 3: (1, 3)}
    search((1, 2))
    session.journal.redo()  # of a pair that is gone: the row it rejected is what counts
    assert [(pair.left, pair.right, pair.verdict) for pair in session.project.pairs.all()] == [(1, 2, "open")]
    assert session.rows.get(4).status == "rejected"
    asyncio.run(session.close())


# -- check and stats -------------------------------------------------------------------------------


def test_check_of_a_project_and_of_a_file(capsys, project):
    code, found = studio_json(capsys, "check", SAMPLES / "sft.json")
    assert code == 1
    assert found["rows"] == 24
    assert found["errors"] == len([issue for issue in found["issues"] if issue["severity"] == "error"]) > 0
    told = {"row", "code", "severity", "field", "message", "where", "fix", "span", "waived"}
    assert set(found["issues"][0]) == told
    studio(capsys, "import", project, SAMPLES / "sft.json", SAMPLES / "kto.jsonl")
    code, whole = studio_json(capsys, "check", project)
    assert (code, whole["rows"]) == (1, 32)
    assert {issue["code"] for issue in found["issues"]} <= {issue["code"] for issue in whole["issues"]}
    assert studio_json(capsys, "check", project, "--type", "kto")[1]["errors"] == 0
    code, out, _ = studio(capsys, "check", SAMPLES / "broken.jsonl")
    assert code == 1
    assert "unreadable" in out


def test_a_clean_file_is_exit_code_0(capsys, tmp_path):
    file = write_rows(tmp_path / "rows.jsonl", {"instruction": "Name a pear.", "output": "Conference."})
    code, found = studio_json(capsys, "check", file)
    assert (code, found["rows"], found["issues"]) == (0, 1, [])


def test_an_empty_file_is_a_problem(capsys, tmp_path):
    (tmp_path / "rows.jsonl").write_bytes(b"")
    assert studio_json(capsys, "check", tmp_path / "rows.jsonl")[0] == 1


def test_stats_count_by_type_and_status(capsys, project):
    studio(capsys, "import", project, SAMPLES / "kto.jsonl", SAMPLES / "pretrain.jsonl")
    session = Session.open(project, must_write=True)
    session.rows.reject(1)
    asyncio.run(session.close())
    code, found = studio_json(capsys, "stats", project)
    assert code == 0
    assert found["types"] == {
        "pretrain": {"pending": 0, "accepted": 12, "rejected": 0},
        "kto": {"pending": 0, "accepted": 7, "rejected": 1},
    }
    assert found["rows"] == 20
    assert found["rejected"] == {"by-hand": 1}
    code, out, _ = studio(capsys, "stats", project)
    assert code == 0
    assert "pretrain" in out


# -- the terminal ----------------------------------------------------------------------------------

HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e[/] [@click=app.quit]\x00\x7f"


def test_no_control_byte_of_the_data_reaches_the_terminal(capsys, project, tmp_path):
    rows = [{"instruction": f"{HOSTILE} a long enough task {n}", "output": "a"} for n in range(2)]
    (tmp_path / "bad\x1b]0;x\x07.jsonl").write_bytes(b'{"instruction": "\x1b"}\n')
    printed = ""
    for words in (
        ["import", project, write_rows(tmp_path / "rows.jsonl", *rows), tmp_path / "bad\x1b]0;x\x07.jsonl"],
        ["dedup", project], ["check", project], ["stats", project], ["place", project],
        ["check", tmp_path / "bad\x1b]0;x\x07.jsonl"],
        ["dedup", project, "--json"], ["check", project, "--json"], ["stats", "no\x1b[2Jproject"],
    ):  # fmt: skip
        _, out, err = studio(capsys, *words)
        printed += out + err
    assert not [char for char in printed if char != "\n" and (not char.isprintable() and char != " ")]


def test_output_that_nobody_reads_on_is_no_traceback(project, tmp_path):
    file = write_rows(tmp_path / "rows.jsonl", *[{"instruction": f"q{n}"} for n in range(5000)])
    with start_studio("check", file, "--json") as child:
        child.stdout.close()
        child.wait(30)
        said = child.stderr.read()
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_a_refusing_system_is_an_error_not_a_traceback(capsys, project, tmp_path):
    (project / "set_aside").write_text("in the way")
    code, _, err = studio(capsys, "import", project, SAMPLES / "broken.jsonl")
    assert code == 1
    assert "set_aside" in err
    assert "Traceback" not in err
    assert studio_json(capsys, "stats", project)[1]["types"]["sft"]["accepted"] == 0


def test_a_database_damaged_in_the_middle_is_an_error_not_a_traceback(capsys, project, tmp_path):
    studio(capsys, "import", project, write_rows(tmp_path / "rows.jsonl", *[{"instruction": "q" * 400}] * 3000))
    path = project / "studio.db"
    with path.open("r+b") as file:
        file.seek(200_000)
        file.write(b"\xff" * (path.stat().st_size - 300_000))
    code, _, err = studio(capsys, "check", project)
    assert code == 1
    assert "damaged" in err
    assert "Traceback" not in err


def test_ctrl_c_is_exit_code_130_and_says_what_is_kept(project, tmp_path):
    big = tmp_path / "big.jsonl"
    big.write_bytes(b'{"instruction": "Name a pear.", "output": "Conference."}\n' * 300_000)
    with start_studio("import", project, big) as child:
        viewer = Session.open(project, read_only=True)
        end = time.monotonic() + 30
        while not viewer.project.rows.last_id() and time.monotonic() < end:
            time.sleep(0.01)
        asyncio.run(viewer.close())
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 130
        said = child.stderr.read()
    assert "Stopped." in said
    assert "Traceback" not in said


def test_no_color_and_pipes_leave_plain_text(project):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "studio", "stats", str(project)]
    found = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert b"\x1b" not in found.stdout + found.stderr


def _row(text):
    return Sft(text, "", "y")
