"""Time from exec to the first row on screen, against an empty Textual app in the same run, interleaved.

    python benchmarks/first_paint.py PROJECT... [--runs N]

Each PROJECT is a folder the studio made, say of 1,000 and of 1,000,000 rows (benchmarks/rows.py, studio import).
The budget is a ratio of 1.3. Also measured: what one key costs until its last byte, which is to stay under 16 ms.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.terminal import Terminal

_EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("accepted")
Empty().run(mouse=False)
"""
_MARK = b"accepted"


def first_paint(command: Sequence[str]) -> float:
    """Milliseconds until the mark is written; the program is ended at once."""
    start = time.perf_counter()
    with Terminal(command, environment={"TEXTUAL_ANIMATIONS": "none"}) as terminal:
        terminal.wait_for_bytes(_MARK)
        return (time.perf_counter() - start) * 1000


def key_to_paint(command: Sequence[str], keys: Sequence[str], rounds: int = 20) -> list[float]:
    """Milliseconds from a key to the last byte it brought about."""
    with Terminal(command) as terminal:
        terminal.wait_for_bytes(_MARK)
        terminal.read(quiet=1.5)
        return [_one_key(terminal, key) for _ in range(rounds) for key in keys]


def _one_key(terminal: Terminal, key: str) -> float:
    start = time.perf_counter()
    terminal.send(key)
    last = start
    while terminal.more(0.08):
        last = time.perf_counter()
    return (last - start) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path)
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    # As the installed command starts.
    studio = [sys.executable, "-c", "from studio.__main__ import main; main()"]
    commands = {"empty Textual app": [sys.executable, "-c", _EMPTY]}
    commands |= {str(folder): [*studio, str(folder.resolve())] for folder in arguments.projects}
    os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    found: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(arguments.runs + 1):
        for name, command in commands.items():
            took = first_paint(command)
            # The first run fills the page cache.
            if run:
                found[name].append(took)
    base = found["empty Textual app"]
    for name, times in found.items():
        # Each run against the empty app just before it: the machine may be busier now than then.
        ratio = statistics.median(ours / theirs for ours, theirs in zip(times, base, strict=True))
        print(f"first paint  {name:<24} {statistics.median(times):7.0f} ms  {ratio:5.2f}x")
    for folder in arguments.projects:
        for keys in (("j",), ("ctrl+d",), ("G", "g")):
            times = key_to_paint([*studio, str(folder.resolve())], keys)
            name = f"{folder} {' '.join(keys)}"
            print(f"key to paint {name:<24} {statistics.median(times):6.1f} ms median, {max(times):6.1f} max")


if __name__ == "__main__":
    main()
