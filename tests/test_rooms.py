"""The plan of the house: which room may import what, and how large files and folders may be."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = (
    "session",
    "jobs",
    "llm",
    "store",
    "methods",
    "curate",
    "alpaca",
    "text",
    "settings",
    "errors",
    "shipped",
)
# Modules whose values are arrays, and the jobs that run them; all are imported when such a job runs, not before.
ARRAYS = (
    "curate.duplicates.finding",
    "curate.duplicates.index",
    "curate.duplicates.overlap",
    "curate.selecting.entry_overlap",
    *(
        f"curate.duplicates.join.{name}"
        for name in ("bitmaps", "components", "minhash", "prefix_join", "prefix_keys", "task_join")
    ),
    *(f"jobs.duplicates.{name}" for name in ("contamination", "dedup", "dedup_semantic", "neighbours")),
)
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (ROOT / "studio").rglob("*.py")
}
CROWDED = {"jobs": 26}
"""Folders that are still to be divided."""
HEAVY = ("textual", "rich", "click", "openai", "datasets", "pyarrow", "pandas", "numpy", "xllamacpp")


def modules_of(room):
    folder = ROOT / "studio" / room
    if not folder.is_dir():
        return [f"studio.{room}"]
    # The embedded server is a program of its own.
    files = [path for path in folder.rglob("*.py") if path.parts[-2:] != ("embedded", "server.py")]
    return [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files]


def light_modules_of(room):
    return [name for name in modules_of(room) if name.removeprefix("studio.") not in ARRAYS]


@cache
def loaded_after(code):
    """Names of HEAVY that are imported once code has run in a fresh interpreter."""
    tail = f"\nimport sys\nprint('LOADED', *[name for name in {HEAVY!r} if name in sys.modules])"
    command = [sys.executable, "-c", code + tail]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(found.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_below_the_front_ends_loads_a_terminal_or_a_heavy_library(room):
    assert not loaded_after("\n".join(f"import {name}" for name in light_modules_of(room)))


def test_modules_of_arrays_load_numpy_and_nothing_else_that_is_heavy():
    assert loaded_after("\n".join(f"import studio.{name}" for name in ARRAYS)) == {"numpy"}


def test_help_and_headless_commands_load_neither_screens_nor_heavy_libraries(tmp_path):
    for words in (["--help"], ["evolve", "--help"], ["new", str(tmp_path / "p")], ["stats", str(tmp_path / "p")]):
        loaded = loaded_after(f"from studio.__main__ import run\nassert run({words!r}) == 0")
        assert loaded <= {"click"}, words


def test_the_screens_load_neither_openai_nor_datasets():
    assert not loaded_after("import studio.tui.app") & {"openai", "datasets", "pyarrow", "pandas", "numpy"}


def test_no_file_is_longer_than_a_person_can_hold():
    limits = dict.fromkeys((ROOT / "studio").rglob("*.py"), 400)
    limits |= dict.fromkeys((ROOT / "studio" / "tui" / "screens").glob("*.py"), 250)
    limits[ROOT / "studio" / "tui" / "app.py"] = 250
    long = {str(path): n for path, limit in limits.items() if (n := len(path.read_text("utf-8").splitlines())) > limit}
    assert not long


def test_no_folder_has_more_files_than_a_person_can_overlook():
    """20 modules; `__init__`, which says what the folder is, does not count."""
    files = Counter(path.parent for path in (ROOT / "studio").rglob("*.py") if path.name != "__init__.py")
    assert {str(folder): n for folder, n in files.items() if n > CROWDED.get(folder.name, 20)} == {}


def imports_of(name):
    """The modules of ours that a module names, also only for its annotations or when a function runs."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            within = (f"{node.module}.{one.name}" for one in node.names)
            found.update(full if full in MODULES else node.module for full in within)
    return found & MODULES.keys() - {name}


def circles(imports):
    """The sets of modules of which each leads to each other."""

    def reached(start):
        seen, ahead = set(), [start]
        while ahead:
            new = imports[ahead.pop()] - seen
            seen |= new
            ahead += new
        return seen

    leads = {name: reached(name) for name in imports}
    return {frozenset(other for other in leads[name] if name in leads[other]) for name in leads if name in leads[name]}


def test_a_circle_is_found_however_long_and_what_only_leads_to_one_is_not_in_it():
    imports = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a", "e"}, "e": set(), "f": {"g"}, "g": {"f"}}
    assert circles(imports) == {frozenset("abc"), frozenset("fg")}


def test_no_two_modules_know_each_other():
    imports = {name: imports_of(name) for name in MODULES}
    assert "studio.errors" in imports["studio.session.journal"]
    assert circles(imports) == set()


def test_every_public_name_of_the_lower_rooms_says_what_it_is():
    """Modules, classes and functions; methods whose class and name say it all may do without."""
    bare = []
    for room in ROOMS:
        for name in modules_of(room):
            path = ROOT / (name.replace(".", "/") + ".py")
            tree = ast.parse((path if path.exists() else path.with_suffix("") / "__init__.py").read_text("utf-8"))
            public = [
                node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            ]
            bare += [
                f"{name}.{node.name}"
                for node in public
                if not node.name.startswith("_") and ast.get_docstring(node) is None
            ]
            if ast.get_docstring(tree) is None:
                bare.append(name)
    assert not bare
