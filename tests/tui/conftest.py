"""A project that every screen has something to show of, made once and copied for each test."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from studio.session import Session
from studio.store.project import create
from tests.support.fake_chat import FakeChat, use
from tests.support.projects import drain

SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.fixture(autouse=True)
def _hermetic(tmp_path, monkeypatch):
    """Neither the tester's settings nor their terminal decide what is painted."""
    monkeypatch.setenv("STUDIO_CONFIG_FILE", str(tmp_path / "no-config.toml"))
    for name in ("NO_COLOR", "TMUX", "EDITOR", "VISUAL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def made_project(tmp_path_factory):
    """A folder called "tour" with the sample seeds and rows."""
    folder = tmp_path_factory.mktemp("projects") / "tour"
    create(folder)

    async def fill():
        session = Session.open(folder, must_write=True)
        try:
            await drain(session.files.import_files([SAMPLES / "seeds_en.jsonl"], seed=True))
            names = ("sft.json", "long_context.json", "preference.json", "multimodal.json")
            await drain(session.files.import_files([SAMPLES / name for name in names]))
            await drain(session.review.find_duplicates())
        finally:
            await session.close()

    asyncio.run(fill())
    return folder


@pytest.fixture
def project(made_project, tmp_path):
    """A copy of it, for this test alone."""
    return Path(shutil.copytree(made_project, tmp_path / "tour"))


@pytest.fixture
async def session(project):
    """The copy, open for writing, with a chat model that answers like a teacher."""
    session = Session.open(project, must_write=True)
    use(session, FakeChat())
    yield session
    await session.close()
