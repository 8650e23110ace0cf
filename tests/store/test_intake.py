from __future__ import annotations

import orjson
import pytest

from studio.store.filters import Filter, parse
from studio.store.intake import opinions
from tests.support.projects import bring_in, new_project


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"tags": ["难", " hard ", "hard"]}, {"tags": ["hard", "难"]}),
        ({"tags": "hard, 难,", "score": 4}, {"tags": ["hard", "难"], "score": 4.0}),
        ({"score": 3.5, "id": 7}, {"score": 3.5}),
        ({"tags": [1], "score": "high"}, {}),
        ({"score": True}, {}),
        ({"note": 'a "tags" of its own'}, {}),
    ],
)
def test_tags_and_a_score_are_read_from_other_columns(columns, found):
    assert opinions(orjson.dumps(columns)) == found


async def test_an_import_keeps_tags_and_scores(tmp_path):
    session = new_project(tmp_path / "p")
    ids = await bring_in(
        session,
        tmp_path / "rows.jsonl",
        [
            {"instruction": "Name a knot.", "output": "The bowline.", "tags": ["sea"], "score": 5},
            {"instruction": "说出一种绳结。", "output": "平结。", "score": 2},
            {"instruction": "Name a sail.", "output": "The jib."},
        ],
    )
    assert [row.tags for row in session.rows.page(ids)] == [("sea",), (), ()]
    assert list(session.rows.ids(parse("score:2", Filter()))) == [1, 2]
    assert list(session.rows.ids(parse("tag:sea", Filter()))) == [1]
    await session.close()
