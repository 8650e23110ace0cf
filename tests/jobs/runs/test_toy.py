"""The page "add a method", followed to the letter: its package runs, resumes, is estimated and explains itself."""

from __future__ import annotations

import pytest

from studio.jobs.events import Ended, Planned, RunBegun
from studio.jobs.runs.control import Control
from studio.methods import registry
from studio.store.filters import Filter
from tests.support.fake_chat import FakeChat, use
from tests.support.packages import installed, written
from tests.support.projects import bring_in, drain, new_project

ROWS = [
    {
        "instruction": "How does a lock on a canal work?",
        "output": "Two gates hold the water while it is let in or out.",
    },
    {"instruction": "运河上的船闸是怎样工作的？", "output": "两道闸门之间的水位可以升高或降低。"},
    {"instruction": "Name a use for old newspapers.", "output": "They keep glass whole in a parcel."},
]


@pytest.fixture
def toy(tmp_path):
    with installed(written(tmp_path / "site")):
        yield registry.get("followup")


def replies(request):
    said = request.messages[-1][1]
    return "那么大船怎么办？" if "答" in said else "And what of large ships?" if "lock" in said else "That is all."


async def test_the_page_makes_a_method(toy, tmp_path):
    session = new_project(tmp_path / "p")
    await bring_in(session, tmp_path / "rows.jsonl", ROWS)
    chat = FakeChat(replies)
    use(session, chat)
    foretold = await session.runs.estimate("followup")
    events = await drain(session.runs.run("followup", Control()))
    begun, planned, *_ = events
    assert begun == RunBegun("followup", 1, "fake", ())
    assert planned == Planned(3, 0)
    assert foretold.requests == len(chat.asked) == 3
    made = list(session.rows.each(Filter(generated=True)))
    assert [(row.row.instruction, row.status, row.rule, row.parent) for row in made] == [
        ("And what of large ships?", "pending", None, 1),
        ("那么大船怎么办？", "pending", None, 2),
        ("That is all.", "rejected", "no-question", 3),
    ]
    assert sum(isinstance(event, Ended) for event in events) == 3
    again = await drain(session.runs.run("followup", Control()))
    assert again == [begun, Planned(3, 3)]
    assert len(chat.asked) == 3
    await session.close()
