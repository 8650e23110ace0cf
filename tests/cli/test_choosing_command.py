"""`studio redundancy`, `select` and `decontaminate`: what they print, change and return."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from studio.session import Session
from studio.store.filters import Filter
from studio.store.project import create
from tests.support.projects import bring_in, new_project, studio, studio_json

LONG = "A clockmaker sets two clocks at noon; one gains a minute each hour and the other loses two."
LANG = "钟表匠在正午校准两座钟，一座每小时快一分钟，另一座每小时慢两分钟。"
TASKS = [
    "List the tools that a clockmaker keeps on the bench.",
    "List all the tools that a clockmaker keeps on the bench.",
    "说明摆钟为什么会走慢。",
    f"Solve it: {LONG}",
    f"请解题：{LANG}",
    "Why do tower clocks have one hand in old towns?",
]


@pytest.fixture
def folder(tmp_path):
    async def make():
        session = new_project(tmp_path / "p")
        objects = [{"instruction": text, "output": f"It is so, {n}."} for n, text in enumerate(TASKS)]
        await bring_in(session, tmp_path / "clocks.jsonl", objects)
        await session.close()

    asyncio.run(make())
    return tmp_path / "p"


@pytest.fixture
def benchmark(tmp_path):
    path = tmp_path / "bench.jsonl"
    path.write_bytes(b"".join(orjson.dumps({"q": text}) + b"\n" for text in (LONG, LANG)))
    return path


def rows(folder, **chosen):
    session = Session.open(folder, read_only=True)
    found = list(session.rows.each(Filter(**chosen)))
    asyncio.run(session.close())
    return found


def test_redundancy_is_printed(capsys, folder):
    code, told, _ = studio(capsys, "redundancy", folder)
    assert code == 0
    assert told.startswith("6 rows, 0.0 MB of text, compression ratio 1.")
    assert f"no near-duplicates are known; `studio dedup {folder}` finds them" in told
    studio(capsys, "dedup", folder)
    told = studio(capsys, "redundancy", folder)[1]
    assert "clusters of near-duplicates: 1, with 2 rows (33.3%)" in told
    assert "with only the first row of each: 5 rows, compression ratio 1." in told
    assert "  file clocks.jsonl                        6        33.3%    1." in told
    assert "  imported                                 6        33.3%    1." in told


def test_redundancy_as_json(capsys, folder):
    studio(capsys, "dedup", folder)
    code, told = studio_json(capsys, "redundancy", folder)
    assert code == 0
    assert told["whole"] == told["by_source"]["file clocks.jsonl"] == told["by_method"]["imported"]
    whole = told["whole"]
    assert (whole["rows"], whole["clustered"], whole["clusters"], whole["share"]) == (6, 2, 1, 0.3333)
    assert whole["ratio"] == round(whole["bytes"] / whole["compressed"], 4)
    assert told["first_of_each_cluster"]["rows"] == 5


def test_an_empty_project_has_no_redundancy_and_nothing_to_select(capsys, tmp_path):
    create(tmp_path / "p")
    code, told = studio_json(capsys, "redundancy", tmp_path / "p")
    assert (code, told["whole"]["rows"], told["whole"]["ratio"], told["by_source"]) == (0, 0, 0.0, {})
    code, told = studio_json(capsys, "select", tmp_path / "p", "--size", 3)
    assert (code, told["selected"], told["changed"]) == (0, [], 0)


@pytest.mark.parametrize("measure", ["compression", "overlap"])
def test_select_tags(capsys, folder, measure):
    words = ("select", folder, "--size", 3, "--measure", measure, "--seed", 5)
    code, told = studio_json(capsys, *words, "--tag", " few ")
    assert code == 0
    assert (len(told["selected"]), told["rows"], told["changed"], told["measure"], told["seed"]) == (
        3,
        6,
        3,
        measure,
        5,
    )
    assert sorted(told["selected"]) == [row.id for row in rows(folder, tags=("few",))]
    assert told["before"]["rows"] == 6
    assert told["after"]["rows"] == 3
    assert studio_json(capsys, *words, "--apply", "none")[1]["selected"] == told["selected"]
    printed = studio(capsys, *words)[1]
    assert f"selected 3 of 6 rows by {measure}, seed 5" in printed
    assert f"tagged: studio export {folder} --tag diverse" in printed


@pytest.mark.parametrize("tag", ["a b", "a,b", "　", "诗 词"])
def test_a_tag_that_filters_could_not_reach_is_refused(capsys, folder, tag):
    code, _, err = studio(capsys, "select", folder, "--size", 3, "--tag", tag)
    assert code == 2
    assert "tag" in err.casefold()


def test_the_command_for_a_tag_works_as_it_is_printed(capsys, folder):
    printed = studio(capsys, "select", folder, "--size", 3, "--tag", "好&$HOME")[1]
    assert f"studio export {folder} --tag '好&$HOME'" in printed


def test_select_rejects_the_others(capsys, folder):
    code, told, _ = studio(capsys, "select", folder, "--size", 4, "--apply", "reject")
    assert code == 0
    assert f"2 rows rejected; undo, or `studio restore {folder} --rule less-diverse`, brings them back" in told
    assert len(rows(folder, statuses=("rejected",), rule="less-diverse")) == 2
    assert studio_json(capsys, "restore", folder, "--rule", "less-diverse")[0] == 0
    assert len(rows(folder, statuses=("accepted",))) == 6


def test_decontaminate_lists_and_says_so_by_its_exit_code(capsys, folder, benchmark):
    code, told, talk = studio(capsys, "decontaminate", folder, benchmark)
    assert code == 1
    assert told.splitlines() == [
        f"#4  Solve it: {LONG[:53]}…",
        f"    instruction: 18 tokens of bench.jsonl, entry 1: {LONG[:80]}…",
        f"#5  请解题：{LANG[:27]}…",
        f"    instruction: 30 tokens of bench.jsonl, entry 2: {LANG[:-1]}",
        "contaminated: 2 of 6 rows",
    ]
    assert "bench.jsonl: 2 entries" in talk
    assert len(rows(folder, statuses=("accepted",))) == 6
    code, told = studio_json(capsys, "decontaminate", folder, benchmark)
    assert (code, told["contaminated"], told["common"], told["rejected"], told["rows"]) == (1, [4, 5], [], 0, 6)
    assert told["benchmarks"] == [{"file": "bench.jsonl", "entries": 2, "mute": 0, "broken": []}]
    assert told["hits"][0] == {
        "row": 4,
        "places": [{"field": "instruction", "begin": 10, "end": 10 + len(LONG) - 1}],
        "text": LONG[:-1],
        "tokens": 18,
        "file": "bench.jsonl",
        "entry": 1,
        "path": "q",
        "texts": 1,
        "common": False,
    }


def test_decontaminate_rejects(capsys, folder, benchmark):
    code, told, _ = studio(capsys, "decontaminate", folder, benchmark, "--apply", "reject")
    assert (code, told.splitlines()[-1]) == (0, "contaminated: 2 of 6 rows, 2 rejected")
    assert [row.id for row in rows(folder, rule="contaminated")] == [4, 5]
    code, told = studio_json(capsys, "decontaminate", folder, benchmark)
    assert (code, told["contaminated"]) == (0, [])


def test_what_many_entries_share_is_told_and_not_counted(capsys, folder, tmp_path):
    path = tmp_path / "frame.txt"
    path.write_text("".join(f"{LANG} 第{n}题\n" for n in range(12)), "utf-8")
    code, told, _ = studio(capsys, "decontaminate", folder, path, "--apply", "reject")
    assert code == 0
    assert "not counted, for they share only what many entries have in common: 1, such as\n#5  钟表匠" in told
    assert told.splitlines()[-1] == "contaminated: 0 of 6 rows, 0 rejected"


def test_what_cannot_be_read_of_a_benchmark_is_told(capsys, folder, benchmark):
    benchmark.write_bytes(benchmark.read_bytes() + b'{"q": \n' * 30)
    _, _, talk = studio(capsys, "decontaminate", folder, benchmark)
    assert "  left out: bench.jsonl:3:" in talk
    assert talk.count("left out") == 20
    assert "  and 10 more" in talk


@pytest.mark.parametrize(
    "words",
    [
        ("select", "p"),
        ("select", "p", "--size", "0"),
        ("select", "p", "--size", "3", "--measure", "taste"),
        ("select", "p", "--size", "3", "--tag", " "),
        ("select", "absent", "--size", "3"),
        ("redundancy", "absent"),
        ("decontaminate", "p"),
        ("decontaminate", "p", "absent.json"),
        ("decontaminate", "clocks.jsonl", "p"),
    ],
)
def test_wrong_use_says_why(capsys, folder, monkeypatch, words):
    monkeypatch.chdir(folder.parent)
    code, out, err = studio(capsys, *words)
    assert (code, out) == (2, "")
    assert err.strip()
    assert "Traceback" not in err


def test_nothing_a_terminal_obeys_is_printed(capsys, tmp_path):
    hostile = "\x1b]52;c;aGk=\x07\x1b[2J\u202e[/] "
    hostile += "a clock of thirteen words that nobody has wound since the spring of last year"

    async def make():
        session = new_project(tmp_path / "p")
        await bring_in(session, tmp_path / "in\x1b[2J.jsonl", [{"instruction": hostile, "output": "\x1b[1m"}] * 2)
        await session.close()

    asyncio.run(make())
    path = tmp_path / "bench\x1b[2J.jsonl"
    path.write_bytes(orjson.dumps({"q": hostile}) + b"\n" + b'{"\x1b')
    printed = ""
    for words in (
        ("redundancy", tmp_path / "p"),
        ("redundancy", tmp_path / "p", "--json"),
        ("select", tmp_path / "p", "--size", 1, "--tag", "\x1b[2J"),
        ("decontaminate", tmp_path / "p", path),
        ("decontaminate", tmp_path / "p", path, "--json"),
        ("decontaminate", tmp_path / "p", path, "--apply", "reject"),
        ("rejected", tmp_path / "p"),
    ):
        _, out, err = studio(capsys, *words)
        printed += out + err
    assert "thirteen words" in printed
    assert not [char for char in printed if char != "\n" and not char.isprintable() and char != " "]
