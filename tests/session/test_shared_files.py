"""Every dataset file of ../shared/data comes in with nothing lost, or what is set aside has its cause."""

from __future__ import annotations

import orjson
import pytest

from studio.alpaca.rows import ROW_TYPES, fields
from studio.jobs.events import SetAside
from studio.store.files.opening import expanded
from studio.store.filters import Filter
from tests.support.projects import ROOT, drain, new_project

SHARED = ROOT.parent / "shared" / "data"
FOLDERS = [SHARED / name for name in ("llamafactory", "self-instruct")]  # the others hold vectors, no datasets
FILES = expanded(FOLDERS) if SHARED.is_dir() else []

pytestmark = pytest.mark.skipif(not FILES, reason="../shared/data is not here")


@pytest.fixture
async def session(tmp_path):
    opened = new_project(tmp_path / "p")
    yield opened
    await opened.close()


def objects_of(path):
    text = path.read_bytes()
    return orjson.loads(text) if text.lstrip().startswith(b"[") else list(map(orjson.loads, text.splitlines()))


def texts_of(value):
    """Every text anywhere in a JSON value, names of roles left out."""
    if isinstance(value, dict):
        return [text for key, inner in value.items() if key not in ("role", "from") for text in texts_of(inner)]
    if isinstance(value, list | tuple):
        return [text for inner in value for text in texts_of(inner)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
async def test_rows_in_are_rows_stored_or_set_aside_with_a_cause(session, path):
    expected = objects_of(path)
    opened, *events = await drain(session.files.import_files([path]))
    ended = events[-1]
    broken = [one for event in events if isinstance(event, SetAside) for one in event.broken]
    assert ended.rows + ended.broken == len(expected)
    assert len(broken) == ended.broken
    assert not broken, "none of these files holds a row that no type has a place for"
    assert opened.type in ROW_TYPES
    for stored, original in zip(session.rows.each(Filter()), expected, strict=True):
        kept = set(texts_of(fields(stored.row) | orjson.loads(stored.extras or b"{}")))
        assert set(texts_of(original)) - kept <= {""}


async def test_the_folder_as_a_whole_is_one_import(session):
    *_, ended = await drain(session.files.import_files(FOLDERS))
    assert (ended.rows, ended.broken) == (sum(len(objects_of(path)) for path in FILES), 0)
