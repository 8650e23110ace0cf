"""Stage 4 by keys: looking, marking, moving, filtering, placing one, some, all; the judge; pictures."""

from __future__ import annotations

import asyncio
import re
import shutil

import msgspec
import pytest

from studio.errors import ModelError
from studio.session import Session
from studio.settings import ProbeSettings
from studio.store.filters import Filter
from studio.store.project import create
from studio.tui import jobs
from tests.support.fake_chat import FakeChat, use
from tests.support.projects import bring_in, contents, drain
from tests.support.screens import opened, press, same_picture, settled, text_of, type_in
from tests.support.segmented import golds, rows
from tests.tui.conftest import SAMPLES


@pytest.fixture(autouse=True)
def _fast_beat(monkeypatch):
    monkeypatch.setattr(jobs, "BEAT", 0.02)


@pytest.fixture(scope="module")
def made_samples(tmp_path_factory):
    """A folder called "place" with the sample rows of this stage."""
    folder = tmp_path_factory.mktemp("projects") / "place"
    create(folder)

    async def fill():
        session = Session.open(folder, must_write=True)
        await drain(session.files.import_files([SAMPLES / "long_context.json", SAMPLES / "positions.json"]))
        await session.close()

    asyncio.run(fill())
    return folder


@pytest.fixture
async def samples(made_samples, tmp_path):
    """A copy of it, open."""
    session = Session.open(shutil.copytree(made_samples, tmp_path / "place"), must_write=True)
    use(session, FakeChat())
    session.project.remember("stage", "position")
    yield session
    await session.close()


@pytest.fixture
async def many(tmp_path):
    """Sixty rows whose gold segment stands at the head, English and Chinese."""
    create(tmp_path / "many")
    session = Session.open(tmp_path / "many", must_write=True)
    await bring_in(session, tmp_path / "rows.jsonl", rows(60, (5, 10)))
    session.project.remember("stage", "position")
    yield session
    await session.close()


def notices(app):
    return [notice.message for notice in app._notifications]


def row_line(app, row_id):
    """The list's line of a row."""
    return next(line for line in text_of(app).splitlines() if re.match(rf"{row_id:>6}[ ●]", line))


# -- one row ---------------------------------------------------------------------------------------


async def test_a_gold_segment_is_marked_and_moved(samples):
    async with opened(samples) as (app, pilot):
        row = app.screen.rows.current
        await press(pilot, "l", "m")
        assert (samples.rows.get(row.id).gold, samples.rows.get(row.id).gold_why) == (3, None)
        assert "★ 4 sure: marked by you" in text_of(app)
        assert "★✓" in row_line(app, 1)
        await press(pilot, "T")
        moved = samples.rows.get(row.id)
        assert moved.gold == 4
        assert moved.row != row.row
        assert "····★" in row_line(app, 1)
        await press(pilot, "less_than_sign", "less_than_sign")
        assert samples.rows.get(row.id).gold == 2
        await press(pilot, "greater_than_sign")
        assert samples.rows.get(row.id).row == row.row  # Back where it was.
        await press(pilot, "H")
        assert samples.rows.get(row.id).gold == 0
        await press(pilot, "M")
        assert samples.rows.get(row.id).gold == 2
        await press(pilot, "u", "u", "u", "u", "u", "u", "u")
        assert samples.rows.get(row.id) == row


async def test_a_mark_is_taken_away_by_the_same_key(samples):
    async with opened(samples) as (app, pilot):
        await press(pilot, "m")
        assert "★ 3 sure: marked by you" in text_of(app)
        await press(pilot, "m")
        assert "★ 3 sure 97 in 100" in text_of(app)


async def test_the_selected_segment_is_in_view(samples):
    async with opened(samples) as (app, pilot):
        await press(pilot, "w")
        for number in (4, 5, 1, 2, 3):
            await press(pilot, "l")
            selected = next(line for line in text_of(app).splitlines() if line.startswith("▶"))
            assert selected[1:].lstrip("★ ")[0] == str(number)
        await press(pilot, "h")
        assert next(line for line in text_of(app).splitlines() if line.startswith("▶")).startswith("▶  2")


async def test_the_text_is_shown_as_it_is_and_as_it_will_be(samples):
    async with opened(samples, size=(100, 60)) as (app, pilot):
        app.screen.plan.choose(strategy="head", question="both", locate_first=True)
        await press(pilot, "w", "w")
        picture = " ".join(text_of(app).split())
        assert "as it will be" in picture
        assert "The answer is in Document [1]." in picture
        assert "↪ the question both; the output" in picture
        await press(pilot, "p")
        assert samples.rows.get(1).row.output == "The answer is in Document [1].\nStell Head"
        assert samples.rows.get(1).row.input.startswith("Document [1](Title: Stell Head)")


async def test_references_are_seen_to_follow(samples):
    async with opened(samples) as (app, pilot):
        app.screen.plan.choose(strategy="tail")
        await press(pilot, *"jjjjjjjjjjj")
        assert app.screen.rows.current.id == 12
        assert "now ··★·  then ···★ tail" in text_of(app)
        assert "↪ 1 reference follows in output" in text_of(app)
        await press(pilot, "p")
        assert samples.rows.get(12).row.output.endswith("as Document [4] says.")
        assert app.screen.rows.current.id == 13


async def test_what_cannot_be_moved_says_why(samples):
    async with opened(samples) as (app, pilot):
        app.screen.go_to_row(11)
        await press(pilot, "H")
        assert "stays as it is: the text names a segment by its place: 'first document'" in notices(app)[-1]
        app.screen.go_to_row(33)
        await press(pilot, "H")
        assert "has no gold segment" in notices(app)[-1]
        await press(pilot, "p")
        assert notices(app)[-1] == "#33 stays as it is: its gold segment is unsure; m marks it"
        assert samples.journal.history()[0].command != "place"


# -- filter, review, marks -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("guard:steps", [28]),
        ("guard:any", [9, 10, 11, 28, 29, 30, 31]),
        ("gold:citation", [12, 13, 16, 19]),
        ("kind:json", [17, 18]),
        ("segments:2", [31]),
        ("segments:<3 guard:any", [31]),
        ("sure:0.8-0.9", [5, 20]),
        ("gold:none guard:none", [26, 27, 33]),
        ("灯塔", []),
        ("lighthouse", [1]),
        ("placed:yes", []),
    ],
)
async def test_filters(samples, typed, ids):
    async with opened(samples) as (app, pilot):
        await press(pilot, "slash")
        await type_in(pilot, typed)
        await press(pilot, "enter")
        assert list(app.screen.rows.ids) == ids
        assert f"/{typed.split()[0]}" in text_of(app).splitlines()[0]
        await press(pilot, "escape")
        assert len(app.screen.rows) == 33


async def test_a_wrong_filter_is_refused_with_its_cure(samples):
    async with opened(samples) as (app, pilot):
        for typed, said in (("guard:nonsense", "is not one of"), ("segments:many", "is no range")):
            await press(pilot, "slash")
            await type_in(pilot, typed)
            await press(pilot, "enter")
            assert said in notices(app)[-1]
        assert len(app.screen.rows) == 33


async def test_the_review_queue_empties_as_gold_is_marked(samples):
    async with opened(samples) as (app, pilot):
        await press(pilot, "r")
        assert list(app.screen.rows.ids) == [22, 23, 32, 33]
        await press(pilot, "m")
        assert samples.rows.get(22).gold == 0  # The suggested one is selected, so one key confirms it.
        assert app.screen.rows.current.id == 23
        await press(pilot, "l", "m")
        assert samples.rows.get(23).gold == 1
        assert list(app.screen.rows.ids) == [32, 33]
        await press(pilot, "r")
        assert len(app.screen.rows) == 33


async def test_the_filter_and_the_row_are_remembered(samples):
    async with opened(samples) as (app, pilot):
        app.screen.rows.filtered("guard:any")
        await press(pilot, "j", "j")
        app.screen.remember()
    async with opened(samples) as (app, _):
        assert "/guard:any  3/7" in text_of(app).splitlines()[0]
        assert app.screen.rows.current.id == 11


async def test_marked_rows_are_placed_and_the_others_not(samples):
    async with opened(samples) as (app, pilot):
        app.screen.plan.choose(strategy="tail")
        await press(pilot, "v", "v", "j", "v")
        assert "● 3" in text_of(app).splitlines()[0]
        assert "1●" in row_line(app, 1)
        await press(pilot, "p")
        assert re.search(r"Place the 3 rows marked: tail\? The gold of \d rows? moves\.", text_of(app))
        await press(pilot, "y")
        placed = [row_id for row_id in range(1, 34) if samples.rows.get(row_id).placement]
        assert placed == [1, 2, 4]
        assert notices(app)[-1] == "placed 3 rows; u takes it back"
        assert not app.screen.rows.marked
        await press(pilot, "V")
        assert len(app.screen.rows.marked) == 33
        await press(pilot, "V")
        assert not app.screen.rows.marked


# -- all rows --------------------------------------------------------------------------------------


async def test_all_rows_are_placed_after_a_look_and_undo_takes_it_back(many):
    before = contents(many)
    async with opened(many) as (app, pilot):
        assert "lopsided: under 1 in 10,000 by chance" in text_of(app).splitlines()[1]
        assert "balanced  even: chance is worse 100 in 100" in text_of(app).splitlines()[2]
        await press(pilot, "P")
        assert "Place all 60 rows: balanced?" in text_of(app)
        assert "60 rows  can be placed by their gold segment" in text_of(app)
        await press(pilot, "n")
        assert contents(many) == before
        await press(pilot, "P", "y")
        # Rows of 5 and of 10 segments fill all ten tenths together.
        assert app.screen.plan.foreseen.before == [6] * 10
        assert notices(app)[-1] == "placed 54 rows; u takes it back"
        await press(pilot, "u")
        assert contents(many) == before
        assert app.screen.plan.foreseen.before == [60] + [0] * 9


async def test_a_filtered_list_is_placed_alone(many):
    async with opened(many) as (app, pilot):
        app.screen.plan.choose(strategy="tail")
        app.screen.rows.filtered("segments:10")
        await press(pilot, "P")
        assert "Place 30 rows of segments:10: tail?" in text_of(app)
        await press(pilot, "y")
        assert {place for place, count in golds(many).values() if count == 10} == {9}
        assert {place for place, count in golds(many).values() if count == 5} == {0}


async def test_a_strategy_is_picked_and_remembered(many):
    async with opened(many) as (app, pilot):
        await press(pilot, "s")
        assert "equally often in every tenth, over all rows" in text_of(app)
        await type_in(pilot, "last place")
        await press(pilot, "enter")
        assert app.screen.plan.chosen.strategy in ("tail", "edges")
        app.screen.plan.choose(strategy="tail")
        await press(pilot, "k")
        assert "tail" in text_of(app).splitlines()[2]
    async with opened(many) as (app, _):
        assert app.screen.plan.chosen.strategy == "tail"


async def test_options_are_typed_checked_and_go_with_the_placing(many):
    async with opened(many) as (app, pilot):
        await press(pilot, "o")
        for name, text in (("variants", "2"), ("distractors", "1"), ("question", "sideways")):
            field = app.screen._fields[name]
            field.value = text
        await press(pilot, "enter")
        assert "question: 'sideways' does not do" in text_of(app)
        app.screen._fields["question"].value = "both"
        app.screen._fields["locate_first"].value = "yes"
        await press(pilot, "enter")
        assert "balanced, ×2 variants, +1 distractor, question" in text_of(app)
        await press(pilot, "p")
        made = list(many.rows.each(Filter(generated=True)))
        assert [one.parent for one in made] == [1, 1]
        assert "2 variants made; u takes it back" in notices(app)
        assert len(app.screen.rows) == 62


async def test_the_figures_say_it_in_words(samples):
    async with opened(samples) as (app, pilot):
        await press(pilot, "f")
        picture = " ".join(text_of(app).split())
        assert "now: too few rows to judge by (chi-square" in picture
        assert "20 rows can be placed by their gold segment" in picture
        assert "2 rows ≡ are constraints, which take turns at the head" in picture
        assert "chronology: told in the order of time" in picture


async def test_a_decision_elsewhere_is_seen_on_coming_back(samples):
    async with opened(samples) as (app, pilot):
        await press(pilot, "1")
        samples.placing.mark_gold(32, 1)
        samples.rows.reject(33)
        await press(pilot, "4")
        assert len(app.screen.rows) == 32
        assert app.screen.rows.survey.at(31).by == "hand"


async def test_read_only_one_looks_and_changes_nothing(samples):
    looking = Session.open(samples.folder, read_only=True)
    async with opened(looking) as (app, pilot):
        await press(pilot, "l", "m", "T", "p", "f")
        assert "Read-only" in " ".join(notices(app))
        assert "now: too few rows" in text_of(app)
    await looking.close()


# -- the judge -------------------------------------------------------------------------------------


async def test_the_judge_is_asked_after_a_question(samples):
    chat = FakeChat(lambda request: "Passage: 1\nConfidence: 90\nQuote: Winter hours")
    use(samples, chat)
    async with opened(samples) as (app, pilot):
        await press(pilot, "c")
        assert "Which segment is gold in 4 rows that no rule is sure of?" in text_of(app)
        await press(pilot, "n")
        assert not chat.asked
        await press(pilot, "c", "y")
        assert len(chat.asked) == 4
        assert "the judge answered for 4 rows; u takes it back" in notices(app)
        app.screen.go_to_row(32)
        await press(pilot, "l", "h")
        assert '★ 1 sure 90 in 100: the judge quotes "Winter hours"' in text_of(app)
        await press(pilot, "u")
        assert samples.rows.get(32).gold is None


async def test_a_probe_is_made_drawn_and_gone_by(many):
    many.project.settings = msgspec.structs.replace(many.settings, probe=ProbeSettings(keys=15, samples=8))
    use(many, FakeChat())  # It forgets the middle.
    async with opened(many) as (app, pilot):
        await press(pilot, "s")
        await type_in(pilot, "inverse")
        await press(pilot, "enter")
        assert "there is none yet" in notices(app)[-1]
        await press(pilot, "b")
        assert "15 key-value pairs, the right one at 5 positions, 8 times each." in text_of(app)
        await press(pilot, "y")
        assert "head 100%, tail 100%, least 0% at 8 of 15" in text_of(app)
        assert any("middle" in notice for notice in notices(app))
        after = app.screen.plan.foreseen.after
        assert min(after[4:6]) > 2 * max(after[0], after[9])
        await pilot.resize_terminal(80, 60)
        await settled(pilot)
        assert "├" in text_of(app)  # There is room for all of it.


async def test_a_probe_stops_and_goes_on(many):
    many.project.settings = msgspec.structs.replace(many.settings, probe=ProbeSettings(keys=15, samples=8))
    use(many, FakeChat(delay=0.1))
    async with opened(many) as (app, pilot):
        await press(pilot, "b")
        await pilot.press("y", "b")
        await settled(pilot)
        assert any("stops after what is in flight" in notice for notice in notices(app))
        (stopped,) = many.runs.probes()
        assert not stopped.ended
        await press(pilot, "b", "y")
        (probe,) = many.runs.probes()
        assert probe.ended


async def test_a_judge_that_cannot_be_asked_is_told(samples):
    use(samples, FakeChat(lambda request: ModelError("the key is wrong")))
    async with opened(samples) as (app, pilot):
        await press(pilot, "v", "c", "y")
        await press(pilot, "r", "v", "c", "y")
        assert "the key is wrong" in " ".join(notices(app))
        assert not app.screen.judge.asking


# -- pictures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "name"),
    [("", "place"), ("f", "place_figures"), ("s", "place_strategies"), ("o", "place_options"), ("r", "place_review")],
)
async def test_pictures_at_80x24(samples, keys, name):
    async with opened(samples) as (app, pilot):
        await press(pilot, *keys)
        same_picture(app, name)


async def test_a_wide_picture_with_the_text_as_it_will_be(samples):
    async with opened(samples, size=(160, 40)) as (app, pilot):
        app.screen.go_to_row(12)
        app.screen.plan.choose(strategy="head", locate_first=True)
        await press(pilot, "w", "w")
        same_picture(app, "wide_place")
