"""`studio evolve --dry-run`, `why`, `rejected` and `restore` on a project that a fake teacher evolved."""

from __future__ import annotations

import asyncio

import pytest

from studio.jobs.runs.control import Control
from studio.session import Session
from studio.store.filters import Filter
from tests.support.fake_chat import FakeChat, taught, use
from tests.support.projects import bring_in, drain, new_project, studio, studio_json

SEEDS = [{"instruction": text} for text in ("Describe a plane.", "说说木匠的刨子。", "Describe a chisel.")]


def scripted(request):
    """The chisel gains nothing in round 1; the second task is copied from the prompt; everything else is good."""
    text = taught(request)
    if text in ("Equal", "Not Equal"):
        return "Equal" if "chisel" in request.messages[-1][1] else "Not Equal"
    if "刨子" in text and "#给定提示#" in request.messages[-1][1]:
        return "#改写后的提示#：说说刨子"
    return "It smooths the board." if "Sorry" in text or "抱歉" in text else text


@pytest.fixture
def folder(tmp_path):
    async def make():
        session = new_project(tmp_path / "p", evolve={"rounds": 2})
        await bring_in(session, tmp_path / "seeds.jsonl", SEEDS, seed=True)
        use(session, FakeChat(scripted))
        await drain(session.runs.run("evol-instruct", Control()))
        await session.close()

    asyncio.run(make())
    return tmp_path / "p"


def rows(folder, **chosen):
    session = Session.open(folder, read_only=True)
    found = list(session.rows.each(Filter(**chosen)))
    asyncio.run(session.close())
    return found


def test_why_tells_the_whole_line_with_the_branches_beside_it(capsys, folder):
    second = next(row for row in rows(folder, generated=True) if row.root == 1 and row.round == 2)
    code, told, _ = studio(capsys, "why", folder, second.id)
    assert code == 0
    assert told.index("◆ seed Describe a plane.") < told.index("round 1 ") < told.index(f"→    · #{second.id} round 2")
    assert f"#{second.id}: {second.operation} of #{second.parent}, round 2, seed #1, by fake" in told
    assert told.count("evolving by fake") == told.count("answering by fake") == told.count("judging by fake") == 2
    assert second.row.output in told


def test_why_shows_eliminated_branches_with_rule_and_evidence(capsys, folder):
    last = next(row for row in rows(folder, generated=True) if row.root == 3 and row.round == 2)
    code, kin = studio_json(capsys, "why", folder, last.id)
    assert code == 0
    assert [(one["depth"], one["on_line"], one["rule"]) for one in kin] == [
        (0, True, None),
        (1, False, "no-gain"),
        (1, True, "no-gain"),
    ]
    assert kin[1]["evidence"] == "the judge said 'Equal'"
    steps = [(one["step"], one["reply"]["text"]) for one in kin[2]["exchanges"]]
    assert [step for step, _ in steps] == ["evolving", "answering", "judging"]
    assert steps[2] == ("judging", "Equal")
    assert kin[2]["exchanges"][0]["request"]["messages"][-1][1].count("Describe a chisel.") == 1


def test_why_of_a_row_that_is_not_there(capsys, folder):
    code, _, err = studio(capsys, "why", folder, 999)
    assert code == 1
    assert "There is no row #999" in err


def test_the_graveyard_has_counts_and_reasons(capsys, folder):
    code, told, _ = studio(capsys, "rejected", folder)
    assert code == 0
    assert "eliminated: 2 no-gain, 2 copied-prompt" in told or "eliminated: 2 copied-prompt, 2 no-gain" in told
    assert told.count("copied-prompt: contains '#改写后的提示'") == 2
    _, found = studio_json(capsys, "rejected", folder, "--rule", "no-gain")
    assert found["eliminated"] == {"no-gain": 2, "copied-prompt": 2}
    assert [(one["rule"], one["round"]) for one in found["rows"]] == [("no-gain", 1), ("no-gain", 2)]


def test_rows_come_back_pending_and_undo_sends_them_away_again(capsys, folder):
    gone = rows(folder, statuses=("rejected",))
    code, told = studio_json(capsys, "restore", folder, "--rule", "copied-prompt")
    assert code == 0
    assert told["restored"] == told["unanswered"] == [row.id for row in gone if row.rule == "copied-prompt"]
    code, told, _ = studio(capsys, "restore", folder, gone[-1].id)
    assert (code, told) == (0, "1 row restored\n")
    assert {row.id for row in rows(folder, statuses=("pending",))} >= {row.id for row in gone if row.rule != "no-gain"}
    session = Session.open(folder, must_write=True)
    session.journal.undo()
    session.journal.undo()
    asyncio.run(session.close())
    assert rows(folder, statuses=("rejected",)) == gone


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "Which rows come back?"),
        ((1, "--rule", "no-gain"), "Which rows come back?"),
        ((1, 999), "There is no row #999. Nothing was changed."),
    ],
)
def test_what_cannot_be_restored_is_said(capsys, folder, words, problem):
    code, _, err = studio(capsys, "restore", folder, *words)
    assert code in (1, 2)
    assert problem in err


def test_restoring_what_is_not_rejected_changes_nothing(capsys, folder):
    assert studio(capsys, "restore", folder, 1)[0] == 1


def test_a_dry_run_asks_nothing_and_says_what_it_assumes(capsys, folder):
    words = ("--base-url", "https://models.example/v1", "--model", "nobody-knows", "--dry-run")
    code, told = studio_json(capsys, "evolve", folder, *words)
    assert code == 0
    assert (told["attempts"], told["requests"], told["sampled"]) == (12, 36, 0)
    assert told["prompt_tokens"] > 36 * 20
    assert (told["usd"], told["unpriced"]) == (None, ["nobody-knows"])
    assert told["assumptions"]
    code, told, err = studio(capsys, "evolve", folder, *words, "--judge-model", "gpt-4o-mini")
    assert "no price is known for nobody-knows" in told
    assert "--sample 3" in err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--operations", "deepening=x"), "'x' is no weight"),
        (("--operations", "depening"), "Known: add_constraints"),
        (("--operations", "deepening=0"), "No operation"),
        (("--sample", "2"), "--sample belongs to --dry-run"),
        (("--prompts", "nowhere"), "holds no evol_instruct.en.toml"),
    ],
)
def test_wrong_options_are_explained(capsys, folder, words, problem):
    code, _, err = studio(capsys, "evolve", folder, *words)
    assert code == 2
    assert problem in err
