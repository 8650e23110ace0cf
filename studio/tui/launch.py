"""Opening the screens: what must be in the environment before Textual is imported, and the session's life."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from typing import Any

_COLOURS = {"truecolor": "truecolor", "256": "256", "16": "standard"}


def launch(folder: Path, flags: dict[str, dict[str, Any]], *, read_only: bool = False, greeting: str = "") -> int:
    """Open the project and run the screens until the person leaves; greeting is shown first. Returns the exit code."""
    # What is imported for the first frame stays for good: looking through it for garbage costs a tenth of the start.
    gc.disable()
    from studio.session import Session
    from studio.tui.commands import check_keys

    session = Session.open(folder, flags=flags, read_only=read_only)
    screen = session.settings.screen
    # Textual reads these when it is imported.
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    if screen.color in _COLOURS:
        os.environ["TEXTUAL_COLOR_SYSTEM"] = _COLOURS[screen.color]
    if screen.color == "none":
        os.environ["NO_COLOR"] = "1"
    plain = "NO_COLOR" in os.environ
    from studio.tui.app import StudioApp

    async def run() -> None:
        try:
            check_keys(session.settings.keys)
            await StudioApp(session, ansi=plain, greeting=greeting).run_async(mouse=screen.mouse)
        finally:
            await session.close()

    asyncio.run(run())
    return 0
