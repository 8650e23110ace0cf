"""Settings changed while methods run: all runs go by the new ones, or none does."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from studio.errors import UsageError
from tests.support.projects import new_project


async def test_when_one_run_cannot_go_by_them_all_go_back(tmp_path):
    session = new_project(tmp_path / "p")
    before = session.settings
    after = replace(before, evolve=replace(before.evolve, rounds=9))
    heard = []

    def refuses(settings):
        if settings is after:
            raise UsageError("not this one")
        heard.append(("second", settings))

    session.runs._running += [lambda settings: heard.append(("first", settings)), refuses]
    with pytest.raises(UsageError, match="not this one"):
        session.runs.change_settings(after)
    assert heard == [("first", after), ("first", before), ("second", before)]
    assert session.settings is before
    await session.close()
