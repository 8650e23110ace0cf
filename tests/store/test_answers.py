"""What is kept of tasks, and scores of rows."""

from __future__ import annotations

import pytest

from studio.errors import ProjectError
from studio.methods.asking import Answer
from studio.store.answers import Answers, Scored, Scores
from studio.store.database import Database


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "studio.db", writable=True)
    yield database
    database.close()


@pytest.fixture
def answers(database):
    return Answers(database)


def test_a_brief_is_there_before_its_answer_and_stays_with_it(database, answers):
    with database.transaction():
        answers.note(1, [(("list", 1), [{"row": 3, "instruction": "绳"}]), (("list", 2), None)])
    assert answers.done(1) == set()
    with database.transaction():
        answers.keep(1, ("list", 1), {"new": 2}, ("teacher:k", "judge:l"))
    assert answers.of(1) == [
        Answer(("list", 1), [{"row": 3, "instruction": "绳"}], {"new": 2}),
        Answer(("list", 2), None, None),
    ]
    assert answers.done(1) == {("list", 1)}
    assert answers.asked(1, ("list", 1)) == ("teacher:k", "judge:l")
    assert answers.requests(1) == [("teacher:k", "judge:l")]
    assert answers.asked(1, ("list", 2)) == answers.asked(1, ("list", 3)) == ()


def test_a_key_that_is_noted_again_keeps_what_it_has(database, answers):
    with database.transaction():
        answers.note(1, [((1,), "first")])
        answers.keep(1, (2,), {}, ())
        answers.note(1, [((1,), "again"), ((2,), "late"), ((3,), "new")])
    assert answers.of(1) == [Answer((1,), "first", None), Answer((2,), None, {}), Answer((3,), "new", None)]


def test_answers_come_in_the_order_in_which_they_were_written_down(database, answers):
    keys = [(9, 1), ("b", 2), (1, 1), ("a", "x")]
    with database.transaction():
        answers.note(1, [(key, None) for key in keys])
        for key in reversed(keys):
            answers.keep(1, key, 0, ())
    assert [answer.key for answer in answers.of(1)] == keys


def test_keys_of_numbers_and_of_words_are_different_and_so_are_runs(database, answers):
    with database.transaction():
        answers.keep(1, (1,), "number", ())
        answers.keep(1, ("1",), "word", ())
        answers.keep(2, (1,), "other run", ())
    assert answers.done(1) == {(1,), ("1",)}
    assert (answers.get(1, (1,)).value, answers.get(1, ("1",)).value) == ("number", "word")
    assert answers.get(2, (1,)) == Answer((1,), None, "other run")
    assert answers.get(2, ("1",)) is None


@pytest.mark.parametrize("value", [0, False, "", [], {}, {"长": [1, 2.5, None, "\u2028"]}])
def test_any_json_value_is_an_answer(database, answers, value):
    with database.transaction():
        answers.keep(1, (1,), value, ())
    assert answers.done(1) == {(1,)}
    assert answers.of(1)[0].value == value


def test_an_answer_stands_and_falls_with_its_transaction(database, answers):
    def fail():
        with database.transaction() as connection:
            answers.keep(1, (1,), {}, ())
            connection.execute("NONSENSE")

    with pytest.raises(ProjectError):
        fail()
    assert answers.of(1) == []


def test_a_score_by_its_name_takes_the_place_of_an_earlier_one(database):
    scores = Scores(database)
    with database.transaction():
        scores.keep(7, "curation", 3.5, 2, "clear")
        scores.keep(7, "ifd", 0.25)
        scores.keep(8, "ifd", 1)
        scores.keep(7, "curation", 4.0, 3, "clearer")
    assert scores.of(7) == {"curation": Scored(4.0, 3, "clearer"), "ifd": Scored(0.25, None, "")}
    assert scores.of(9) == {}
