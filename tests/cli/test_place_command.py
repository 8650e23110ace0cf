"""`studio place`: every strategy, what stays and why, the plan as JSON, variants, the judge."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path

import orjson
import pytest

from studio.session import Session
from studio.store.filters import Filter
from tests.support.projects import contents, start_studio, studio, studio_json
from tests.support.segmented import golds, rows
from tests.support.serving import serving

SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.fixture
def project(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("STUDIO_CONFIG_FILE", str(tmp_path / "none.toml"))
    folder = tmp_path / "p"
    studio(capsys, "new", folder)
    return folder


@pytest.fixture
def looking(project):
    session = Session.open(project, read_only=True)
    yield session
    asyncio.run(session.close())


def undo(project):
    session = Session.open(project, must_write=True)
    told = session.journal.undo()
    asyncio.run(session.close())
    return told[0]


def fill(capsys, project, objects):
    file = project.parent / "rows.jsonl"
    file.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in objects))
    studio(capsys, "import", project, file)


def test_place_moves_gold_and_says_what_stays(capsys, project, looking):
    studio(capsys, "import", project, SAMPLES / "long_context.json", SAMPLES / "positions.json")
    before = contents(looking)
    code, found = studio_json(capsys, "place", project, "--strategy", "head")
    assert code == 0
    assert found["placed"] > 10
    assert len(found["before"]) == len(found["after"]) == 10
    assert sum(found["before"]) == sum(found["after"])
    assert found["after"][0] > sum(found["after"][1:])
    assert found["skipped"]["told in the order of time"] == 2
    assert found["left"]["told in the order of time"] == {
        "rows": 2,
        "row": 9,
        "evidence": "Around noon, In the afternoon",
    }
    assert "lopsided" in found["verdicts"]["after"]
    assert studio_json(capsys, "place", project, "--strategy", "head")[1]["placed"] == 0
    assert undo(project).startswith("place ")
    assert contents(looking) == before
    one = studio_json(capsys, "place", project, "--strategy", "shuffle", "--seed", "3")[1]
    first = contents(looking)
    undo(project)
    assert studio_json(capsys, "place", project, "--strategy", "shuffle", "--seed", "3")[1] == one
    assert contents(looking) == first
    assert studio_json(capsys, "place", project, "--strategy", "original")[1]["placed"] == one["placed"]
    assert contents(looking) == before


def test_what_is_told_to_people(capsys, project):
    fill(capsys, project, rows(50))
    studio(capsys, "import", project, SAMPLES / "long_context.json")
    code, out, _ = studio(capsys, "place", project)
    assert code == 0
    assert "rows changed (balanced, seed 42); gold segments by tenth of the context, head to tail:" in out
    assert "lopsided: spread by chance, fewer than 1 dataset in 10,000 would be as uneven (chi-square" in out
    assert "even enough: spread by chance" in out
    assert "1 row stays as it is: the text names a segment by its place (#61: first document)" in out


def test_a_dry_run_prints_the_plan_and_changes_nothing(capsys, project, looking):
    fill(capsys, project, rows(12))
    before = contents(looking)
    code, out, _ = studio(
        capsys, "place", project, "--dry-run", "--strategy", "tail", "--distractors", "1", "--question", "both"
    )
    plan = json.loads(out)
    assert code == 0
    assert contents(looking) == before
    assert (plan["strategy"], plan["distractors"], plan["question"]) == ("tail", 1, "both")
    assert len(plan["rows"]) == 12
    for one in plan["rows"]:
        assert (one["from"], one["to"], one["segments"]) == (1, 6, 6)
        assert sorted(one["order"]) == [0, 1, 2, 3, 4, 5]
        assert one["order"][5] == 1
        assert len(one["distractors"]) == 1
    cited = next(one for one in plan["rows"] if any(edit["field"] == "output" for edit in one["edits"]))
    assert [edit["was"] for edit in cited["edits"] if edit["field"] == "output"] == ["1"]
    assert plan["before"]["tenths"] == [12] + [0] * 9
    assert plan["after"]["tenths"] == [0] * 9 + [12]


def test_variants_distractors_question_and_locate_first(capsys, project, looking):
    fill(capsys, project, rows(10))
    code, found = studio_json(
        capsys, "place", project, "--variants", "2", "--distractors", "2", "--question", "both", "--locate-first"
    )
    assert (code, found["placed"], found["variants"]) == (0, 0, 20)
    for stored in looking.rows.each(Filter(generated=True)):
        assert stored.row.output.startswith(("The answer is in Document [", "答案在文档["))
        assert stored.row.input.endswith(stored.row.instruction)
    assert {count for _, count in list(golds(looking).values())[10:]} == {7}
    assert studio_json(capsys, "place", project, "--variants", "2", "--distractors", "2", "--question", "both",
                       "--locate-first")[1]["variants"] == 0  # fmt: skip
    code, out, _ = studio(capsys, "why", project, "11")
    assert code == 0
    assert "#11 variant 1 placement" in out


def test_only_some_rows_an_own_pattern_and_weights(capsys, project, looking):
    fill(capsys, project, rows(20, (10,)))
    assert studio_json(capsys, "place", project, "--row", "3", "--row", "4", "--strategy", "tail")[1]["placed"] == 2
    weights = "0,0,0,0,1,1,0,0,0,0"
    found = studio_json(capsys, "place", project, "--strategy", "inverse", "--weights", weights)[1]
    assert found["after"] == [0, 0, 0, 0, 10, 10, 0, 0, 0, 0]
    fill(capsys, project, [{"instruction": "When?", "input": "A| in 1901\nB| in 1902\nC| in 1903", "output": "1903"}])
    found = studio_json(capsys, "place", project, "--row", "21", "--strategy", "head", "--pattern", "^[A-Z]\\|")[1]
    assert found["placed"] == 1
    assert looking.rows.get(21).row.input == "C| in 1903\nA| in 1901\nB| in 1902"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--weights", "1,2"], "weights is 1, 2"),
        (["--weights", "a,b"], "no list of numbers"),
        (["--strategy", "head", "--variants", "2"], "the same order"),
        (["--pattern", "("], "no regular expression"),
        (["--judge", "--dry-run"], "asks nobody"),
        (["--strategy", "sideways"], "sideways"),
        (["--sure", "2"], "--sure"),
    ],
)
def test_wrong_use_is_exit_code_2_and_says_why(capsys, project, words, said):
    code, out, err = studio(capsys, "place", project, *words)
    assert (code, out) == (2, "")
    assert said in err


def test_placing_does_not_overwrite_an_edit_made_meanwhile(project, capsys):
    studio(capsys, "import", project, SAMPLES / "long_context.json")
    session = Session.open(project, must_write=True)
    edited = session.rows.get(2).row
    original = session.project.reading

    async def slow(job):
        async for event in original(job):
            session.rows.edit(1, edited)
            yield event

    async def place():
        return [event async for event in session.placing.place()]

    session.project.reading = slow
    asyncio.run(place())
    assert session.rows.get(1).row == edited
    asyncio.run(session.close())


def test_the_judge_is_asked_at_an_endpoint_and_what_it_cannot_say_is_told(capsys, project, looking, tmp_path):
    fill(capsys, project, [{**one, "output": "Nobody knows."} for one in rows(6)])
    with serving(tmp_path) as url:
        where = ["--base-url", url, "--model", "teacher-small"]
        code, found = studio_json(capsys, "place", project, "--judge", *where)
    # The teacher of the tests knows nothing of passages: every verdict is for none.
    assert code == 0
    assert found["judge"] == {"asked": 6, "sure": 0, "unsure": 0, "none": 6, "failed": 0, "error": None}
    assert found["placed"] == 0
    assert looking.rows.stats()["replies"] == 6
    code, _, err = studio(capsys, "place", project, "--judge", *where)
    assert code == 0
    assert "about 0 rows of which no rule is sure" in err


@pytest.mark.parametrize("kills", [2, pytest.param(12, marks=pytest.mark.slow)])
def test_a_placing_that_is_killed_can_be_undone_whole(capsys, project, kills):
    fill(capsys, project, rows(3000, (10,)))
    session = Session.open(project, read_only=True)
    before = contents(session)
    asyncio.run(session.close())
    for number in range(kills):
        strategy = "tail" if number % 2 else "balanced"
        with start_studio("place", project, "--strategy", strategy) as child:
            time.sleep(0.9 + 0.12 * number)
            child.send_signal(signal.SIGKILL)
            child.wait()
        session = Session.open(project, must_write=True)
        while any(group.command == "place" for group in session.journal.history(1)):
            session.journal.undo()
            if contents(session) == before:
                break
        assert contents(session) == before
        assert all(stored.placement is None for stored in session.rows.page(range(1, 3001)))
        asyncio.run(session.close())
