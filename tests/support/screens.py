"""The screens without a terminal: open the app on a project, press keys, read the picture as plain text."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events

from studio.tui.app import StudioApp

PICTURES = Path(__file__).parents[1] / "__screens__"


@asynccontextmanager
async def opened(session, size=(80, 24), **how):
    """The app on a session, settled: `async with opened(session) as (app, pilot)`."""
    app = StudioApp(session, **how)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        yield app, pilot


async def settled(pilot, *, jobs=True):
    """Wait until nothing is under way: views loaded, jobs ended, everything painted."""
    for _ in range(400):
        await pilot.pause()
        busy = [worker for worker in pilot.app.workers if not worker.is_finished]
        if not busy and not (jobs and pilot.app.jobs.names):
            break
        await pilot.pause(0.01)
    else:
        raise TimeoutError(f"still busy: {pilot.app.jobs.names}\n{text_of(pilot.app)}")
    await pilot.pause()
    await pilot.pause()


async def press(pilot, *keys):
    """Press keys and wait for what they bring about."""
    for key in keys:
        await pilot.press(key)
    await settled(pilot)


async def type_in(pilot, text):
    """Put a text into the field that has the focus, as a paste does."""
    pilot.app.post_message(events.Paste(text))
    await settled(pilot)


def text_of(app):
    """The screen as a person sees it, without colours."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def same_picture(app, name):
    """Compare the screen with tests/__screens__/NAME.txt; STUDIO_SCREENS=update writes it instead."""
    file = PICTURES / f"{name}.txt"
    now = text_of(app) + "\n"
    if os.environ.get("STUDIO_SCREENS") == "update":
        PICTURES.mkdir(exist_ok=True)
        file.write_text(now, encoding="utf-8")
    elif now != (known := file.read_text(encoding="utf-8")):
        pytest.fail(f"{name} looks different (STUDIO_SCREENS=update accepts it). It was:\n{known}\nIt is:\n{now}")
