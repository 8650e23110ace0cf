"""`studio doctor`: what this terminal, this machine and the models can do."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version

from studio import __version__
from studio.cli.output import say, show_json
from studio.llm import endpoints
from studio.llm.embedded import model as embedded
from studio.settings.sources import user_file

_PACKAGES = ("textual", "openai", "datasets", "rapidfuzz", "orjson", "msgspec", "xllamacpp")


def run(as_json: bool) -> int:
    """Report; 1 when there is no model at all to talk to."""
    local = asyncio.run(endpoints.find_local())
    problem = embedded.available()
    found = {
        "studio": __version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "terminal": os.environ.get("TERM", "none"),
        "colours": os.environ.get("COLORTERM") or "as TERM says; --color sets it",
        "ssh": "yes" if "SSH_TTY" in os.environ else "no",
        "tmux": "yes" if "TMUX" in os.environ else "no",
        "clipboard": "tmux buffer" if "TMUX" in os.environ and shutil.which("tmux") else "OSC 52",
        "user settings": f"{user_file()} ({'found' if user_file().is_file() else 'none'})",
        "embedded model": problem or "ready",
        "local endpoints": ", ".join(str(one) for one in local) or "none answered",
    }
    if as_json:
        show_json(found)
    else:
        for name, value in found.items():
            say(f"{name:16} {value}")
    return 1 if problem and not local else 0


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
