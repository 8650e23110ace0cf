"""What counts as a duplicate among the rows of a project, and what is left to the person."""

from __future__ import annotations

import asyncio
import json

import pytest

from studio.alpaca import rows as alpaca
from studio.curate.duplicates.ties import pairs_of
from studio.jobs.duplicates.dedup_events import DuplicatesFound, QueueMade
from studio.session import neighbours
from studio.settings import DedupSettings, ExportSettings
from studio.store import index_folder
from tests.support.projects import bring_in, drain, new_project

LONG = "Write a short thank-you note to the neighbour who watered the tomato plants all summer"
ZH = "请用三句话介绍中秋节的由来，并说明今天人们怎样过节"


def session_with(tmp_path, objects, **how):
    session = new_project(tmp_path / "p")
    ids = asyncio.run(bring_in(session, tmp_path / "rows.jsonl", objects, **how))
    return session, list(ids)


def search(session, **chosen):
    """The pairs of a search, as (left, right): kind."""
    events = asyncio.run(drain(session.review.find_duplicates(DedupSettings(**chosen))))
    assert isinstance(events[-1], DuplicatesFound)
    return {
        (left, right): kind for left, right, score, kind in events[-1].pairs if score >= DedupSettings(**chosen).limit
    }


def queue(session, **chosen):
    *_, made = asyncio.run(drain(session.review.queue(DedupSettings(**chosen))))
    assert isinstance(made, QueueMade)
    return made.queue


@pytest.mark.parametrize(
    ("objects", "pairs"),
    [
        ([{"instruction": LONG, "output": "a"}, {"instruction": f"{LONG} long", "output": "a"}], 1),
        ([{"instruction": ZH, "output": "a"}] * 2, 1),
        ([{"instruction": ZH, "output": "a"}, {"instruction": ZH.replace("今天", "现在"), "output": "b"}], 1),
        (
            [
                {"instruction": "Classify the mood of this review of a small hotel", "input": word, "output": word}
                for word in ("great", "awful", "great")
            ],
            1,
        ),
        ([{"instruction": LONG, "output": "a", "kto_tag": tag} for tag in (True, False)], 0),
        ([{"instruction": LONG, "output": "a", "kto_tag": True}] * 2, 1),
        ([{"text": ""}, {"text": ""}], 0),
        (
            [{"instruction": LONG, "output": "a", "history": [["Hi", turn]]} for turn in ("Hello", "Good day to you!")],
            1,
        ),
    ],
)
@pytest.mark.parametrize("method", ["overlap", "rouge-l", "minhash"])
def test_rows_are_compared_by_what_they_ask(tmp_path, objects, pairs, method):
    session, _ = session_with(tmp_path, objects)
    assert len(search(session, method=method)) == pairs
    asyncio.run(session.close())


def test_each_field_is_compared_on_its_own(tmp_path):
    objects = [
        {"instruction": "Name a river that flows north", "output": "The longest of them is the Lena, in Siberia."},
        {"instruction": "Which bird sings at night?", "output": "the longest of them is the Lena in Siberia"},
        {"instruction": "Which bird sings at night", "output": "The nightingale does, from April on."},
    ]
    session, (one, two, three) = session_with(tmp_path, objects)
    assert search(session, method="exact", field="output") == {(one, two): "exact"}
    assert search(session, method="exact", field="prompt") == {(two, three): "conflict"}
    assert search(session, method="exact", field="row") == {}
    asyncio.run(session.close())


def test_images_of_their_own_make_prompts_of_their_own(tmp_path):
    objects = [
        {"instruction": "<image>Describe it", "output": "A clock", "images": [f"images/{n}.png"]} for n in (1, 2, 1)
    ]
    session, (one, _, three) = session_with(tmp_path, objects)
    assert search(session) == {(one, three): "exact"}
    asyncio.run(session.close())


def test_one_prompt_with_two_answers_is_a_conflict(tmp_path):
    objects = [{"instruction": LONG, "output": answer} for answer in ("Dear Ana", "Dear Ben", "dear ana")]
    session, (first, second, third) = session_with(tmp_path, objects)
    assert search(session) == {(first, second): "conflict", (first, third): "exact"}
    made = queue(session)
    assert [(one.kind, one.rows) for one in made] == [("near", (first, third)), ("conflict", (first, second))]
    assert session.review.drop_duplicates(made.losses()) == 1
    assert [session.rows.get(row).status for row in (first, second, third)] == ["accepted", "accepted", "rejected"]
    assert session.rows.get(third).evidence == f"says the same as #{first}"
    asyncio.run(session.close())


def test_who_stays_goes_by_the_rule(tmp_path):
    objects = [{"instruction": LONG, "output": "x" * size} for size in (1, 30, 5)]
    objects = [
        one | {"instruction": f"{LONG} {word}"} for one, word in zip(objects, ("now", "soon", "later"), strict=True)
    ]
    session, rows = session_with(tmp_path, objects)
    search(session)
    for rule, place in (("first", 0), ("longest", 1), ("newest", 2)):
        (one,) = queue(session, keep=rule)
        assert one.rows[0] == rows[place]
    asyncio.run(session.close())


def test_pairs_the_person_wants_both_of_are_never_asked_again(tmp_path):
    session, (one, two) = session_with(
        tmp_path, [{"instruction": f"{LONG} {end}", "output": "a"} for end in ("now", "soon")]
    )
    search(session)
    session.review.keep_both([(one, two)])
    assert not len(queue(session))
    search(session)
    assert not len(queue(session))
    assert session.journal.undo()
    assert len(queue(session)) == 1
    asyncio.run(session.close())


TEXTS = pytest.mark.parametrize(
    ("text", "near_it", "other"),
    [
        (LONG, f"{LONG} long", "What is the deepest lake of the country?"),
        (ZH, ZH.replace("今天", "现在"), "这个国家最深的湖叫什么名字？"),
    ],
)
FILLER = [{"instruction": f"Explain how lock number {n} of the canal opens", "output": "a"} for n in range(30)]


@TEXTS
def test_what_is_no_duplicate_stays_none_when_the_first_of_equal_rows_goes(tmp_path, text, near_it, other):
    objects = [{"instruction": one, "output": "a"} for one in (text, text, near_it)]
    session, (first, second, third) = session_with(tmp_path, objects)
    search(session)
    (cluster,) = queue(session)
    assert set(cluster.rows) == {first, second, third}
    session.review.keep_both(pairs_of(cluster.rows))
    session.rows.reject(first)
    search(session)
    assert not len(queue(session))
    asyncio.run(session.close())


@TEXTS
def test_both_of_two_answers_says_nothing_of_a_third(tmp_path, text, near_it, other):
    session, (first, second, third) = session_with(
        tmp_path, [{"instruction": text, "output": answer} for answer in ("a", "bb", "ccc")]
    )
    search(session)
    session.review.keep_both([(second, third)])
    for _ in range(2):
        (cluster,) = queue(session, keep="longest")
        assert (cluster.kind, cluster.rows) == ("conflict", (third, first))
        search(session)
    asyncio.run(session.close())


@TEXTS
def test_a_settled_conflict_that_is_none_any_more_lends_no_likeness(tmp_path, text, near_it, other):
    objects = [{"instruction": text, "output": answer} for answer in ("a", "bb")]
    objects += [{"instruction": near_it, "output": "long enough to stay"}, *FILLER]
    session, (first, second, *_) = session_with(tmp_path, objects)
    search(session)
    session.review.keep_both([(first, second)])
    session.rows.edit(second, sft(other, "z"))
    for _ in range(2):
        made = queue(session, keep="longest")
        assert [loss.row for loss in made.losses()] == [first]
        assert made.find(second) is None
        search(session)
    asyncio.run(session.close())


def test_a_conflict_of_prompts_lends_no_likeness_to_a_search_by_outputs(tmp_path):
    story = "The ferry left the harbour before the fog had lifted from the piers"
    objects = [
        {"instruction": LONG, "output": story},
        {"instruction": LONG, "output": "Snow fell on the mill"},
        {"instruction": ZH, "output": f"{story} again"},
    ]
    session, (first, second, third, *_) = session_with(tmp_path, [*objects, *FILLER])
    search(session)
    session.review.keep_both([(first, second)])
    search(session, field="output")
    assert queue(session, field="output").find(second) is None
    assert queue(session, field="output").find(third) is not None
    search(session)
    assert queue(session).find(second) is None
    assert session.journal.undo()
    assert queue(session).find(second) is not None
    asyncio.run(session.close())


def test_one_instruction_over_many_inputs_is_neither_conflict_nor_duplicate(tmp_path):
    told = "把下面的句子改写成被动句"
    objects = [
        {"instruction": told, "input": f"第{n}只猫看见了狗", "output": f"狗被第{n}只猫看见了"} for n in range(40)
    ]
    objects += [one | {"instruction": f"请{told}"} for one in objects]
    objects.append({"instruction": told, "input": "第0只猫看见了狗", "output": "别的"})
    session, rows = session_with(tmp_path, objects)
    kinds = search(session, field="instruction")
    assert set(kinds.values()) == {"task", "overlap", "conflict"}
    made = queue(session, field="instruction")
    assert [(one.kind, one.rows) for one in made] == [
        ("near", (rows[0], rows[40])),
        ("conflict", (rows[0], rows[80])),
    ]
    assert made.losses() == []
    copy = session.rows.add(alpaca.Sft(told, "第41只猫看见了狗", "x"))
    assert {one.kind for one in session.neighbours.near(copy) if one.score == 1} == {"task"}
    asyncio.run(session.close())


def test_a_threshold_may_be_lowered_to_the_floor_without_a_search(tmp_path):
    ends = ("for the roses", "for the tulips in the yard")
    session, _ = session_with(tmp_path, [{"instruction": f"{LONG} {end}", "output": "a"} for end in ends])
    search(session, threshold=0.95)
    assert not len(queue(session, threshold=0.95))
    assert len(queue(session, threshold=0.66)) == 1
    asyncio.run(session.close())


# -- one row against all -------------------------------------------------------------------------------


def near(session, row):
    return [(one.row, one.kind) for one in session.neighbours.near(row)]


def sft(instruction, output="a"):
    return alpaca.Sft(instruction, "", output)


def test_a_new_and_an_edited_row_are_held_against_all_others(tmp_path):
    filler = [{"instruction": f"Explain how lock number {n} of the canal opens", "output": "a"} for n in range(30)]
    session, rows = session_with(tmp_path, [{"instruction": LONG, "output": "a"}, *filler])
    assert near(session, rows[0]) == []  # nothing was searched yet
    search(session)
    added = session.rows.add(sft(f"{LONG}, please"))
    assert near(session, added) == [(rows[0], "overlap")]
    assert [(pair.left, pair.right) for pair in session.project.pairs.of(added)] == [(rows[0], added)]
    copy = session.rows.add(sft(LONG.upper()))
    assert (rows[0], "exact") in near(session, copy)
    other = session.rows.add(sft(LONG, "Dear neighbour"))
    assert (rows[0], "conflict") in near(session, other)
    session.rows.edit(added, sft("What is the deepest lake?"))
    assert near(session, added) == []
    assert session.project.pairs.of(added) == []
    session.journal.undo()
    assert (rows[0], "overlap") in near(session, added)
    assert session.project.pairs.of(copy)[0].kind == "exact"
    asyncio.run(session.close())


@TEXTS
def test_undo_and_redo_find_again_what_the_decision_took_away(tmp_path, text, near_it, other):
    objects = [{"instruction": one, "output": "a"} for one in (text, near_it)]
    session, (first, second, *_) = session_with(tmp_path, [*objects, *FILLER])
    search(session)
    (before,) = queue(session)
    session.review.merge(first, sft(other, "b"), [second])
    assert not len(queue(session))
    session.journal.undo()
    assert [one.rows for one in queue(session)] == [before.rows]
    session.journal.redo()
    assert not len(queue(session))
    session.journal.undo()
    session.rows.edit(second, sft(other))
    assert not len(queue(session))
    session.journal.undo()
    assert [one.rows for one in queue(session)] == [before.rows]
    asyncio.run(session.close())


@TEXTS
@pytest.mark.parametrize(
    "decide",
    [
        lambda session, rows, other: session.rows.edit(rows[0], other),
        lambda session, rows, other: session.rows.edit(rows[1], other),
        lambda session, rows, other: session.rows.edit(rows[4], other),
        lambda session, rows, other: session.review.merge(rows[0], other, rows[1:3]),
        lambda session, rows, other: session.review.merge(rows[4], other, rows[:1]),
        lambda session, rows, other: session.review.pair_up(rows[0], rows[3]),
        lambda session, rows, other: session.review.settle_conflict(rows[3], rows[:1]),
        lambda session, rows, other: session.review.keep_both(pairs_of(rows)),
        lambda session, rows, other: session.rows.reject(rows[0]),
        lambda session, rows, other: session.rows.add(other),
    ],
)
def test_whatever_is_taken_back_leaves_the_clusters_as_they_were(tmp_path, text, near_it, other, decide):
    asked = [(text, "a"), (text, "a"), (text, "a"), (text, "b"), (near_it, "c"), (near_it, "c")]
    objects = [{"instruction": prompt, "output": answer} for prompt, answer in asked]
    session, rows = session_with(tmp_path, [*objects, *FILLER])
    search(session)

    def asked_of_whom():
        return sorted((one.kind, sorted(one.rows)) for one in queue(session))

    before = asked_of_whom()
    assert before == [("conflict", [rows[0], rows[3]]), ("near", [*rows[:3], *rows[4:6]])]
    decide(session, rows[:6], alpaca.Sft(other, "", "q"))
    after = asked_of_whom()
    session.journal.undo()
    assert asked_of_whom() == before
    session.journal.redo()
    assert asked_of_whom() == after
    session.journal.undo()
    assert asked_of_whom() == before
    asyncio.run(session.close())


@TEXTS
def test_a_row_that_was_gone_during_the_search_is_found_when_it_comes_back(tmp_path, text, near_it, other):
    objects = [{"instruction": one, "output": "a"} for one in (text, near_it, text)]
    session, (first, second, third, *_) = session_with(tmp_path, [*objects, *FILLER])
    search(session)
    session.review.drop_duplicates(queue(session).losses())
    assert session.rows.get(second).status == session.rows.get(third).status == "rejected"
    search(session)
    session.journal.undo()
    assert [set(one.rows) for one in queue(session)] == [{first, second, third}]
    for back in (session.rows.restore, lambda ids: [session.rows.accept(row) for row in ids]):
        for row in (second, third):
            session.rows.reject(row)
        search(session)
        back([third])
        assert [one.rows for one in queue(session)] == [(first, third)]
        assert near(session, session.rows.add(sft(f"{near_it}!")))[0][0] == first
        session.journal.undo()
    asyncio.run(session.close())


def test_more_rows_than_are_compared_at_once_are_left_to_a_search_and_undo_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(neighbours, "AT_ONCE", 1)
    session, rows = session_with(tmp_path, [{"instruction": LONG, "output": "a"}] * 3)
    search(session)
    session.review.drop_duplicates(queue(session).losses())
    search(session)
    told, row = session.journal.undo()
    assert told.endswith("only a new search finds the duplicates of 2 rows")
    assert row == rows[1]
    search(session)
    assert [one.rows for one in queue(session)] == [tuple(rows)]
    asyncio.run(session.close())


@TEXTS
@pytest.mark.parametrize("answers", ["aaa", "abc", "abb"])
def test_rows_alike_through_one_that_is_edited_are_tied_to_each_other(tmp_path, text, near_it, other, answers):
    objects = [{"instruction": text, "output": answer} for answer in answers]
    session, (first, second, third, fourth, *_) = session_with(
        tmp_path, [*objects, {"instruction": near_it, "output": "z"}, *FILLER]
    )
    search(session)
    session.rows.edit(first, sft(other, "q"))
    made = queue(session)
    assert made.find(first) is None
    tied = made.tie(second, third)
    assert tied.by == ("exact" if answers[1] == answers[2] else "conflict")
    assert made.tie(third, fourth).by == made.tie(second, fourth).by == "overlap"
    session.journal.undo()
    again = queue(session)
    assert again.tie(first, second).by == ("exact" if answers[0] == answers[1] else "conflict")
    assert again.tie(first, fourth).by == "overlap"
    asyncio.run(session.close())


def test_the_index_survives_a_restart_and_knows_what_came_since(tmp_path):
    from studio.session import Session

    session, rows = session_with(tmp_path, [{"instruction": LONG, "output": "a"}, {"instruction": ZH, "output": "b"}])
    search(session)
    added = session.rows.add(sft(f"{ZH}？"))
    asyncio.run(session.close())
    session = Session.open(tmp_path / "p", must_write=True)
    assert near(session, added) == [(rows[1], "conflict")]
    again = session.rows.add(sft(LONG))
    assert near(session, again) == [(rows[0], "exact")]
    session.rows.reject(rows[0])
    assert near(session, again) == []
    asyncio.run(session.close())


def test_an_index_that_is_gone_or_damaged_costs_only_the_warnings(tmp_path):
    session, rows = session_with(tmp_path, [{"instruction": LONG, "output": "a"}] * 2)
    search(session)
    (file,) = (tmp_path / "p" / index_folder.FOLDER).rglob("keys.npy")
    file.write_bytes(b"no array")
    assert near(session, rows[0]) == []
    assert len(queue(session)) == 1
    search(session)
    assert near(session, rows[0]) == [(rows[1], "exact")]
    asyncio.run(session.close())


def test_what_two_rows_share_the_rarest_first(tmp_path):
    filler = [
        {"instruction": f"Write a note about {word}", "output": "a"} for word in ("rain", "bread", "keys", "salt")
    ]
    session, rows = session_with(tmp_path, [*filler, {"instruction": "Write a note about salt water", "output": "b"}])
    search(session)
    assert next(term for term, _ in session.neighbours.shared_terms(rows[3], rows[4])) == "salt"
    asyncio.run(session.close())


def test_a_split_tears_no_duplicates_apart_searched_or_not(tmp_path):
    objects = [
        {
            "instruction": f"Explain to a child what bell number {n // 2} of the old tower is for{end}",
            "output": f"a {n}",
        }
        for n, end in enumerate(["", " today"] * 20)
    ]
    session, _ = session_with(tmp_path, objects)

    *_, done = asyncio.run(drain(session.files.export(tmp_path / "out", ExportSettings(split="8:1:1"))))
    where = {}
    for file in done.files:
        for one in json.loads((tmp_path / "out" / file.path).read_text("utf-8")):
            where.setdefault(one["instruction"].removesuffix(" today"), set()).add(file.part)
    assert len(where) == 20
    assert all(len(parts) == 1 for parts in where.values())
    asyncio.run(session.close())
