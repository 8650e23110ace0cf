from __future__ import annotations

import pytest

from studio.alpaca.rows import Sft
from tests.support.screens import opened, press, type_in


def notices(app):
    """What has been said so far."""
    return [f"{one.title} {one.message}" for one in app._notifications]


async def ask(pilot, typed):
    await press(pilot, "i")
    await type_in(pilot, typed)
    await press(pilot, "enter")


async def test_the_words_of_the_subcommand_work_in_the_dialog(session, tmp_path):
    (tmp_path / "题.jsonl").write_text('{"topic": "a", "reply": "b"}\n', encoding="utf-8")
    async with opened(session) as (app, pilot):
        await ask(pilot, f"--seed --map instruction=topic --type sft {tmp_path / '题.jsonl'}")
        row = session.rows.get(session.project.rows.last_id())
        assert (row.row, row.seed) == (Sft("a", "", "b"), True)
        await ask(pilot, f"--map=instruction=topic {tmp_path / '题.jsonl'}")
        assert "1 rows; u undoes" in " ".join(notices(app))


async def test_a_folder_can_be_imported(session, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.json").write_text('[{"instruction": "a"}]', encoding="utf-8")
    async with opened(session) as (_, pilot):
        before = session.project.rows.last_id()
        await ask(pilot, str(tmp_path / "set"))
        assert session.project.rows.last_id() == before + 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--type poem x", '"poem" is no dataset type'),
        ("--seed", "No file was named"),
        ("'open", "No closing quotation"),
        ("--map topic=instruction x", "no dataset type has a column"),
        ("hf:@train", "names no dataset"),
    ],
)
async def test_what_cannot_be_understood_is_said(session, tmp_path, monkeypatch, typed, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").write_text("{}", encoding="utf-8")
    async with opened(session) as (app, pilot):
        await ask(pilot, typed)
        assert said.lower() in " ".join(notices(app)).lower()
