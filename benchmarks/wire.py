"""What the studio writes to the terminal, in bytes, at 80x24 in true colour; a list of Textual's own beside it.

    python benchmarks/wire.py PROJECT [--server URL]

PROJECT: a folder of the studio with some hundred rows; the benchmark works on a copy. With --server, a chat
endpoint (tests/support/chat_server.py), live generation is measured too. Budgets are design.md's.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.terminal import Terminal

_PEER = """
from textual.app import App
from textual.widgets import OptionList
class Peer(App):
    def compose(self):
        yield OptionList(*(f"{n:>6}  accepted  row number {n} of a plain list" for n in range(500)))
Peer().run(mouse=False)
"""


def median(terminal: Terminal, *keys: str) -> float:
    """Bytes that one of these keys brings about."""
    return statistics.median(len(terminal.press(key)) for key in keys)


def idle(terminal: Terminal, seconds: float = 4.0) -> float:
    terminal.read(quiet=1.0)
    return len(terminal.read_for(seconds)) / seconds


def key_to_paint(terminal: Terminal) -> float:
    """Milliseconds from a key to the first byte of the row that it shows, the median of 21, while a run goes on."""
    row = int(re.search(r"^#(\d+) ", terminal.text, re.MULTILINE)[1])
    waited = []
    for number in range(1, 22):
        # A key comes at any time between two beats.
        terminal.read_for(0.27)
        start = time.monotonic()
        terminal.send("j")
        terminal.wait_for_bytes(f"#{row + number} ".encode())
        waited.append(time.monotonic() - start)
    return statistics.median(waited) * 1000


def studio(project: Path, server: str) -> dict[str, float]:
    """Every figure of the studio."""
    environment = {"STUDIO_CONFIG_FILE": "none"}
    if server:
        environment |= {"STUDIO_MODEL_BASE_URL": server, "STUDIO_MODEL_MODEL": "teacher-small"}
        environment |= {"STUDIO_EVOLVE_LIMIT": "0", "STUDIO_EVOLVE_CONCURRENCY": "8"}
    with Terminal([sys.executable, "-m", "studio", str(project)], environment=environment) as terminal:
        terminal.wait_for("1 Seeds")
        terminal.read(quiet=1.0)
        found: dict[str, float] = {"start": len(terminal.raw)}
        terminal.press("f4", "s", quiet=0.8)
        # In the list of strategies nothing depends on the cursor, so this is the move alone.
        found["cursor move"] = median(terminal, "down", "up", "down", "up")
        terminal.press("escape", "f1", "g")
        found["next row with its text"] = median(terminal, "j", "j", "j", "j", "j")
        found["scroll"] = median(terminal, "ctrl+d", "ctrl+d", "ctrl+d")
        found["idle"] = idle(terminal)
        terminal.press("/")
        found["idle, filter open"] = idle(terminal)
        terminal.press("escape")
        found["idle, filter closed"] = idle(terminal)
        for number, name in enumerate(("Evolve", "Dedup", "Position", "Check", "Export"), start=2):
            found[f"to {name}"] = len(terminal.press(f"f{number}", quiet=0.8))
            found[f"idle in {name}"] = idle(terminal, 2.0)
        terminal.press("f4", quiet=0.8)
        found["another segment selected"] = median(terminal, "l", "l", "h", "h")
        found["next row with its segments"] = median(terminal, "j", "j", "j")
        if server:
            terminal.press("f2", "s", quiet=0.5)
            found["live generation"] = len(terminal.read_for(15.0)) / 15.0
            found["key to paint meanwhile"] = key_to_paint(terminal)
            terminal.press("S")
            terminal.wait_for("stopped")
            found["idle after a job"] = idle(terminal)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--server", default="")
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    with Terminal([sys.executable, "-c", _PEER], environment={"TEXTUAL_ANIMATIONS": "none"}) as terminal:
        terminal.wait_for("row number 0")
        terminal.read(quiet=1.0)
        peer = {"cursor move": median(terminal, "down", "down", "down"), "scroll": median(terminal, "pagedown")}
        peer["next row with its text"] = peer["cursor move"]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(arguments.project, copy, ignore=shutil.ignore_patterns("*.lock"))
        found = studio(copy, arguments.server)
    budgets = {"cursor move": 400, "next row with its text": 8000, "scroll": 8000, "live generation": 1000}
    budgets |= {"another segment selected": 400, "next row with its segments": 8000}
    budgets["key to paint meanwhile"] = 50
    for name, size in found.items():
        budget = 0 if name.startswith("idle") else budgets.get(name)
        told = "" if budget is None else f"  budget {budget}"
        beside = f"  OptionList {peer[name]:.0f}, {size / peer[name]:.2f}x" if name in peer else ""
        unit = "B/s" if "idle" in name or "live" in name else "ms" if "paint" in name else "B"
        print(f"{name:<22} {size:8.1f} {unit}{told}{beside}")


if __name__ == "__main__":
    main()
