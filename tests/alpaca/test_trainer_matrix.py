"""The trap table of the loader's reference (1.9) as acceptance tests, each file by our model and by the
`check` command. test_llamafactory_conformance.py holds the same table against LLaMA-Factory itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.file_matrix import outlook
from tests.support.projects import studio_json
from tests.support.trap_table import FILES, TABLE

REFERENCE = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "llamafactory.md"

every_file = pytest.mark.parametrize("case", FILES.values(), ids=FILES.keys())


@pytest.mark.skipif(not REFERENCE.is_file(), reason="the shared reference is not here")
def test_every_line_of_the_table_has_files():
    section = REFERENCE.read_text("utf-8").partition("### 1.9")[2].partition("\n### ")[0]
    cells = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("|")]
    assert list(TABLE) == cells[2:]


@every_file
def test_model(case):
    found = outlook(case)
    assert found.trains == (not case.error)
    if found.trains:
        assert found.kept == case.kept
    if case.kept or case.dropped:
        assert sum(rows for reason, rows in found.reasons.items() if reason.kind == "dropped") == case.dropped
    assert sorted(trap.code for trap in found.traps) == sorted(case.traps)


@every_file
def test_check_command(case, tmp_path, capsys):
    code, said = studio_json(capsys, "check", case.write(tmp_path), "--stage", case.stage)
    [run] = said["trainer"]
    assert run["trains"] == (not case.error)
    assert code == 1 or not case.error
    if run["trains"]:
        assert run["kept"] == case.kept
    if case.kept or case.dropped:
        assert sum(reason["rows"] for reason in run["reasons"] if reason["kind"] == "dropped") == case.dropped
    codes = {trap["code"] for trap in run["traps"]}
    # What a broken file still gives for rows depends on the reader.
    assert set(case.traps) - {"no-rows"} <= codes <= set(case.traps)
