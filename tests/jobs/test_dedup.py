"""What counts as a near-duplicate row, and what keep-first leaves to the person."""

from __future__ import annotations

import asyncio

import pytest

from studio.jobs.events import PairsFound
from tests.support.projects import bring_in, new_project

LONG = "Write a short thank-you note to the neighbour who watered the tomato plants all summer"


def found_pairs(session) -> list[tuple[int, int]]:
    async def search():
        return [event async for event in session.find_duplicates()]

    (found,) = [event for event in asyncio.run(search()) if isinstance(event, PairsFound)]
    return [(left, right) for left, right, _ in found.pairs]


def session_with(tmp_path, objects):
    session = new_project(tmp_path / "p")
    ids = asyncio.run(bring_in(session, tmp_path / "rows.jsonl", objects))
    return session, list(ids)


@pytest.mark.parametrize(
    ("objects", "pairs"),
    [
        ([{"instruction": LONG, "output": "a"}, {"instruction": f"{LONG} long", "output": "a"}], 1),
        ([{"instruction": "请用三句话介绍中秋节的由来", "output": "a"}] * 2, 1),
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
    ],
)
def test_rows_are_compared_by_what_they_ask(tmp_path, objects, pairs):
    session, _ = session_with(tmp_path, objects)
    assert len(found_pairs(session)) == pairs
    asyncio.run(session.close())


def test_one_prompt_with_two_answers_is_left_to_the_person(tmp_path):
    objects = [{"instruction": LONG, "output": answer} for answer in ("Dear Ana", "Dear Ben", "Dear Ana")]
    session, (first, second, third) = session_with(tmp_path, objects)
    assert found_pairs(session) == [(first, second), (first, third)]
    assert session.settle_all("keep-left") == 1
    assert [session.rows.get(row).status for row in (first, second, third)] == ["accepted", "accepted", "rejected"]
    asyncio.run(session.close())
