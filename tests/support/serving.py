"""The chat server of the tests as a process of its own, and what it was asked."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.projects import ROOT


@contextlib.contextmanager
def serving(folder: Path, latency: float = 0.0) -> Iterator[str]:
    """The server's address; its log is log.jsonl in the folder. latency: seconds before it answers."""
    port = folder / "port"
    command = [sys.executable, "tests/support/chat_server.py", "--port-file", port, "--log", folder / "log.jsonl"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([*map(str, command), "--latency", str(latency)], cwd=ROOT, env=environment) as server:
        try:
            end = time.monotonic() + 20
            while not port.exists() and time.monotonic() < end:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{port.read_text('ascii')}/v1"
        finally:
            server.terminate()


def logged(folder: Path) -> list[dict[str, Any]]:
    """What the server of the folder has been asked so far."""
    log = folder / "log.jsonl"
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []


def asked(folder: Path) -> list[str]:
    """The requests so far, equal ones by an equal hash."""
    return [request["hash"] for request in logged(folder)]
