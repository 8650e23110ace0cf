"""What the stages do with real jobs: evolve, move gold segments, fix, export."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from studio.errors import ModelError
from studio.tui import jobs
from tests.support.fake_chat import FakeChat, taught, use
from tests.support.screens import opened, press, settled, text_of, type_in


@pytest.fixture(autouse=True)
def _fast_beat(monkeypatch):
    monkeypatch.setattr(jobs, "BEAT", 0.02)


def notices(app):
    return [notice.message for notice in app._notifications]


def model(session, *script, **how):
    chat = FakeChat(*script, **how)
    use(session, chat)
    return chat


async def until(pilot, sign):
    for _ in range(500):
        await pilot.pause(0.01)
        if sign(text_of(pilot.app)):
            return
    raise TimeoutError(text_of(pilot.app))


# -- evolve ----------------------------------------------------------------------------------------


async def test_evolving_fills_the_list_and_counts(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "2", "s")
        assert text_of(app).splitlines()[1].startswith("done 108/108  ✓ ")
        rows = session.rows.page(app.screen._entries.ids)
        assert len(rows) == 108
        assert {row.status for row in rows} == {"pending", "rejected"}
        await press(pilot, "G", "a")
        assert session.rows.get(rows[-1].id).status == "accepted"


async def test_pause_goes_on_and_stop_keeps(session):
    model(session, delay=0.1)
    async with opened(session) as (app, pilot):
        await pilot.press("2", "s")
        await until(pilot, lambda text: "evolving" in text and "✓ 0 passed" not in text)
        await pilot.press("p")
        await until(pilot, lambda text: "paused " in text)
        await pilot.press("s")
        await until(pilot, lambda text: "evolving " in text)
        await pilot.press("S")
        await settled(pilot)
        assert "stopped " in text_of(app)
        kept = session.rows.stats()["generated"]
        await press(pilot, "1", "2")
        assert len(app.screen._entries) == sum(kept.values()) > 0


async def test_a_job_elsewhere_is_seen_in_every_stage_and_quitting_asks(session):
    model(session, delay=0.5)
    async with opened(session) as (app, pilot):
        await pilot.press("2", "s")
        await until(pilot, lambda text: "evolving" in text)
        await pilot.press("1")
        await until(pilot, lambda text: "evolve runs" in text)
        await pilot.press("q")
        await until(pilot, lambda text: "evolve is running. Leave?" in text)
        await pilot.press("n", "2")
        await until(pilot, lambda text: "evolving" in text)
        await pilot.press("q", "y")
        for _ in range(300):
            if not app.is_running:
                break
            await asyncio.sleep(0.01)
    assert app.jobs.names == []


async def test_a_model_that_fails_is_told_once_and_the_job_waits_for_the_cure(session):
    broken = [True]
    model(session, lambda request: ModelError("[/]\x1b[2J the key is wrong") if broken[0] else taught(request))
    async with opened(session) as (app, pilot):
        await pilot.press("2", "s")
        await until(pilot, lambda text: "paused" in text)
        assert len([told for told in notices(app) if "the key is wrong" in told]) == 1
        assert "[/]␛[2J the key is wrong" in " ".join(notices(app))
        broken[0] = False
        await press(pilot, "s")
        assert session.rows.stats()["generated"]["pending"] > 0


async def test_a_fault_in_a_job_is_shown_and_the_screens_live_on(session):
    async def faulty():
        raise RuntimeError("out of luck")
        yield

    async with opened(session) as (app, pilot):
        app.jobs.start("import", faulty(), lambda events: None)
        await settled(pilot)
        assert "import stopped: RuntimeError('out of luck')" in " ".join(notices(app))
        await press(pilot, "j")
        assert app.screen.current.id == 2


# -- export ---------------------------------------------------------------------------------------


async def test_an_export_is_written_verified_and_what_it_held_back_is_told(session, project):
    async with opened(session) as (app, pilot):
        await press(pilot, "6", "j", "j", "space", "k")
        assert "[ ] preference" in text_of(app)
        await press(pilot, "w")
        picture = text_of(app)
        assert "rows held back, listed in held_back.jsonl" in picture
        assert "verified" in picture
        info = orjson.loads((project / "export" / "dataset_info.json").read_bytes())
        assert not [name for name in info if "preference" in name]
        held = (project / "export" / "held_back.jsonl").read_bytes().splitlines()
        assert f"✗ {len(held)} rows held back" in picture


async def test_the_choices_of_an_export_are_remembered(session, tmp_path):
    async with opened(session) as (app, pilot):
        await press(pilot, "6", "space", "o", "f", "f", "t", "s")
        await type_in(pilot, "8:1:1")
        await press(pilot, "enter", "slash")
        await type_in(pilot, "tag:hard method:imported score:2")
        await press(pilot, "enter")
        assert "openai, json" in text_of(app)
        assert "split 8:1:1" in text_of(app)
    kept = session.project.recall("stage.export")["chosen"]
    assert kept["types"] == ["sft", "preference", "multimodal", "kto"]
    assert (kept["statuses"], kept["format"], kept["file"], kept["split"]) == (["accepted"], "openai", "json", "8:1:1")
    assert (kept["tags"], kept["methods"], kept["min_score"]) == (["hard"], ["imported"], 2)
    async with opened(session) as (app, _):
        assert "of accepted rows, tag hard, method imported, score 2 or more" in " ".join(text_of(app).split())


async def test_a_wrong_split_or_filter_is_refused_with_its_cure(session):
    async with opened(session) as (app, pilot):
        await press(pilot, "6", "s")
        await type_in(pilot, "mostly train")
        await press(pilot, "enter")
        assert "is no split" in notices(app)[-1]
        await press(pilot, "slash")
        await type_in(pilot, "type:sft")
        await press(pilot, "enter")
        assert "have keys of their own" in notices(app)[-1]
        assert session.settings.export == app.screen._chosen


async def test_the_outlook_of_an_export_is_that_of_the_export(session):
    async with opened(session, size=(120, 40)) as (app, pilot):
        await press(pilot, "6", "j")
        outlook = app.screen._preview
        told = text_of(app)
        assert "tokens trained on in an epoch" in told
        assert "┊ the cutoff" in told
        await press(pilot, "w")
        assert app.screen._result.preview == outlook
        assert [(file.type, file.rows) for file in app.screen._result.files] == [
            (one.facts.type, one.facts.rows) for one in outlook.types if one.facts.rows
        ]
