"""Packages that bring a method, made in a folder as a person would make them, and found as installed ones are."""

from __future__ import annotations

import importlib
import re
import sys
from contextlib import contextmanager
from pathlib import Path

from studio.methods import registry
from tests.support.projects import ROOT

PAGE = ROOT / "docs" / "contributing" / "add-a-method.md"
_BLOCK = re.compile(r"^`(?P<name>[\w./]+)`:\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_POINTS = re.compile(r'^\[project\.entry-points\."studio\.methods"\]\n(?P<points>(?:.+\n)+?)^```$', re.MULTILINE)


def written(folder: Path, page: Path = PAGE) -> Path:
    """The files of a page's code blocks, and what an installer would write of its entry points, in a folder."""
    text = page.read_text("utf-8")
    for block in _BLOCK.finditer(text):
        file = folder / block["name"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block["text"], "utf-8")
    about = folder / "studio_followup-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: studio-followup\nVersion: 1.0\n", "utf-8")
    points = _POINTS.search(text)["points"].replace('"', "")
    (about / "entry_points.txt").write_text(f"[studio.methods]\n{points}", "utf-8")
    return folder


@contextmanager
def installed(folder: Path):
    """The packages of a folder are importable, and their methods in the registry."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    _forget()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        _forget()
        for name in {name.split(".")[0] for name in set(sys.modules) - before}:
            if (folder / name).is_dir():
                for module in [one for one in sys.modules if one.split(".")[0] == name]:
                    del sys.modules[module]


def _forget():
    importlib.invalidate_caches()
    for cached in (registry.entries, registry.get, registry.sections):
        cached.cache_clear()
