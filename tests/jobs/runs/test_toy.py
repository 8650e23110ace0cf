"""The page "add a method", followed to the letter: its package runs, resumes, is estimated and explains itself."""

from __future__ import annotations

import json
import os
import time

import pytest

from studio.jobs.events import Ended, Planned, RunBegun
from studio.jobs.runs.control import Control
from studio.methods import registry
from studio.store.filters import Filter
from tests.support.fake_chat import FakeChat, use
from tests.support.packages import installed, written
from tests.support.projects import ROOT, bring_in, drain, new_project, start_studio
from tests.support.serving import asked, serving

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


def test_its_command_is_killed_and_goes_on_and_why_tells_what_was_asked(tmp_path):
    """By kill -9 while a question is in flight, with the package on the path as an installer puts it there."""
    site = {"PYTHONPATH": os.pathsep.join([str(written(tmp_path / "site")), str(ROOT)])}
    folder, file = tmp_path / "p", tmp_path / "rows.jsonl"
    rows = [{"instruction": f"What is tool number {n} of a carpenter for?", "output": "For wood."} for n in range(12)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with start_studio("new", folder) as child:
        assert child.wait(30) == 0
    with start_studio("import", folder, file) as child:
        assert child.wait(30) == 0
    with serving(tmp_path, 0.1) as url:
        words = ["followup", folder, "--base-url", url, "--model", "teacher-small", "--concurrency", "1", "--json"]
        with start_studio(*words, "--dry-run", env=site) as child:
            foretold = json.loads(child.communicate(timeout=30)[0])
        assert (foretold["attempts"], foretold["requests"]) == (12, 12)
        assert not asked(tmp_path)
        with start_studio(*words, env=site) as child:
            end = time.monotonic() + 20
            while len(asked(tmp_path)) < 4 and time.monotonic() < end:
                time.sleep(0.005)
            child.kill()
        with start_studio(*words, env=site) as child:
            report = json.loads(child.communicate(timeout=60)[0])
        assert report["method"] == "followup"
        assert report["attempts"] == 12 == report["done_before"] + report["answered"]
        assert 0 < report["done_before"] < 12
        assert len(asked(tmp_path)) <= 12 + 1, "what was in flight at the kill, and nothing else, is asked again"
    with start_studio("why", folder, 13, "--json", env=site) as child:
        line = json.loads(child.communicate(timeout=30)[0])
    made = next(one for one in line if one["row"] == 13)
    assert (made["operation"], made["parent"]) == ("followup", 1)
    assert [exchange["request"]["model"] for exchange in made["exchanges"]] == ["teacher-small"]
