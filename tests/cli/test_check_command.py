"""`studio check`: projects, files, the list of checks, fixes."""

from __future__ import annotations

import asyncio
import json

import pytest

from studio.alpaca.checks import FIXES
from studio.alpaca.rows import Pretrain, Sft
from studio.session import Session
from studio.store.project import create
from tests.support.projects import contents, studio, studio_json


@pytest.fixture(autouse=True)
def _own_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDIO_CONFIG_FILE", str(tmp_path / "config.toml"))


@pytest.fixture
def project(tmp_path):
    create(tmp_path / "p")

    async def fill():
        session = Session.open(tmp_path / "p", must_write=True)
        session.rows.add(Sft("Name a fruit.", "", "Pear.<|im_end|> "))
        session.rows.add(Sft("说出一种水果。", "", "\u200b 梨&amp;苹果。"))
        session.rows.add(Sft("", "", "Nothing was asked."))
        session.rows.add(Pretrain("潮水来了。"))
        await session.close()

    asyncio.run(fill())
    return tmp_path / "p"


def use(project, work):
    async def run():
        session = Session.open(project, must_write=True)
        try:
            return work(session)
        finally:
            await session.close()

    return asyncio.run(run())


# -- projects --------------------------------------------------------------------------------------


def test_a_projects_issues_say_where_and_whether_there_is_a_fix(capsys, project):
    code, found = studio_json(capsys, "check", project)
    assert code == 1
    assert (found["rows"], found["errors"], found["waived"]) == (4, 2, 0)
    assert {key: one["code"] for key, one in found["rules"].items()} == {key: key for key in found["codes"]}
    token = next(issue for issue in found["issues"] if issue["code"] == "control-token")
    assert (token["row"], token["field"], token["span"], token["fix"]) == (1, "output", [5, 15], True)
    [of_set] = [issue for issue in found["issues"] if issue["row"] == 0]
    assert (of_set["code"], of_set["where"]) == ("too-few-tokens", "the project as a whole")
    _, out, _ = studio(capsys, "check", project)
    assert "row 1 (written here)  warning  control-token  output: <|im_end|>" in out
    assert "(--fix mends it)" in out
    assert "4 rows, 2 errors, 4 warnings" in out


def test_what_was_let_pass_is_no_error(capsys, project):
    use(project, lambda session: session.rows.waive("empty-prompt", [3], "a greeting"))
    (project / "studio.toml").write_text('[check]\nskip = ["too-few-tokens"]\n', encoding="utf-8")
    code, found = studio_json(capsys, "check", project)
    assert (code, found["errors"], found["waived"]) == (0, 0, 1)
    assert "empty-prompt" not in found["codes"]
    assert [issue["waived"] for issue in found["issues"] if issue["row"] == 3] == ["a greeting"]
    _, out, _ = studio(capsys, "check", project)
    assert "0 errors, 4 warnings, 1 waived" in out
    assert "empty-prompt" not in out


def test_rules_and_cutoff_of_the_settings_are_checked(capsys, project):
    (project / "studio.toml").write_text(
        '[check]\ncutoff = 12\n[rules.fruit]\npattern = "(?i)pear|梨"\nseverity = "error"\nmessage = "no fruit"\n',
        encoding="utf-8",
    )
    _, found = studio_json(capsys, "check", project)
    fruit = [(one["row"], one["message"]) for one in found["issues"] if one["code"] == "fruit"]
    assert fruit == [(1, "no fruit"), (2, "no fruit")]
    assert found["codes"]["over-cutoff"] == 3
    assert found["rules"]["fruit"]["meaning"] == "no fruit."


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('[check]\nskip = ["emty-output"]', "[check] skip: there is no check"),
        ('[rules.mine]\npattern = "("', "[rules.mine]: pattern is no regular expression"),
        ('[check]\ntokenizer = "absent.json"', "[check] tokenizer: there is no file"),
        ("[rules.mine]\nfields = []", "pattern"),
    ],
)
def test_settings_that_cannot_be_are_wrong_use(capsys, project, settings, said):
    (project / "studio.toml").write_text(settings, encoding="utf-8")
    code, _, err = studio(capsys, "check", project)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


# -- fixes -----------------------------------------------------------------------------------------


def test_fixes_are_shown_first(capsys, project):
    before = use(project, contents)
    code, out, _ = studio(capsys, "check", project, "--fix", "all", "--dry-run")
    assert code == 1
    assert "control-token: would fix 1 row" in out
    assert "    - Pear.<|im_end|> \n    + Pear.< |im_end|> \n" in out
    assert use(project, contents) == before


def test_each_code_is_fixed_in_one_undoable_step(capsys, project):
    before = use(project, contents)
    code, found = studio_json(capsys, "check", project, "--fix", "all")
    assert code == 1  # what no fix mends is still there
    assert [(step["code"], step["rows"]) for step in found["fixes"]] == [
        ("control-character", 1),
        ("html-entity", 1),
        ("control-token", 1),
        ("edge-whitespace", 2),
    ]
    assert found["fixes"][2]["samples"] == [
        {"row": 1, "changes": [{"field": "output", "before": "Pear.<|im_end|> ", "after": "Pear.< |im_end|> "}]}
    ]
    assert set(found["codes"]) == {"empty-prompt", "too-few-tokens"}
    assert use(project, lambda session: session.rows.get(1).row.output) == "Pear.< |im_end|>"
    assert use(project, lambda session: session.rows.get(2).row.output) == "梨&苹果。"
    told = use(project, lambda session: [session.journal.undo()[0] for _ in range(4)])
    assert told[0] == "fix edge-whitespace in 2 rows"
    assert use(project, contents) == before


def test_only_the_named_code_is_fixed(capsys, project):
    _, out, _ = studio(capsys, "check", project, "--fix", "html-entity", "--fix", "control-token")
    assert "html-entity: fixed 1 row, one undoable step" in out
    assert use(project, lambda session: session.rows.get(1).row.output) == "Pear.< |im_end|> "
    _, out, _ = studio(capsys, "check", project, "--fix", "html-entity")
    assert "Nothing to fix." in out


def test_what_was_let_pass_is_not_fixed(capsys, project):
    use(project, lambda session: session.rows.waive("control-token", [1], "about templates"))
    studio(capsys, "check", project, "--fix", "control-token")
    assert use(project, lambda session: session.rows.get(1).row.output) == "Pear.<|im_end|> "


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fix", "edge-whitspace"], 'Did you mean "edge-whitespace"?'),
        (["--fix", "empty-output"], "There are fixes for: "),
        (["--dry-run"], "--dry-run shows what --fix would change."),
    ],
)
def test_fixes_that_cannot_be(capsys, project, words, said):
    code, _, err = studio(capsys, "check", project, *words)
    assert code == 2
    assert said in err


def test_a_file_is_not_fixed_in_place(capsys, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"instruction": "q", "output": "a "}\n', encoding="utf-8")
    code, _, err = studio(capsys, "check", file, "--fix", "all")
    assert code == 2
    assert f"studio import DIR {file}, then studio check DIR --fix all" in err
    assert file.read_text(encoding="utf-8") == '{"instruction": "q", "output": "a "}\n'


# -- the list of checks ----------------------------------------------------------------------------


def test_the_checks_are_listed(capsys, project):
    code, out, _ = studio(capsys, "check", "--rules")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if line.split()[2] == "fix"] != []
    _, found = studio_json(capsys, "check", "--rules")
    assert {one["code"] for one in found if one["fixable"]} == set(FIXES)
    assert all(one["meaning"] and one["severity"] in ("error", "warning") for one in found)
    (project / "studio.toml").write_text('[check]\nskip = ["email"]\n[rules.mine]\npattern = "x"\n', encoding="utf-8")
    _, found = studio_json(capsys, "check", project, "--rules")
    assert [one["code"] for one in found if one["skipped"]] == ["email"]
    assert "mine" in {one["code"] for one in found}


def test_something_must_be_named(capsys):
    assert studio(capsys, "check")[0] == 2


# -- files -----------------------------------------------------------------------------------------


def rows_file(tmp_path, *rows, name="rows.jsonl"):
    file = tmp_path / name
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


GOOD = {"instruction": "说出一种水果。", "input": "", "output": "Pear."}


def test_a_file_the_trainer_keeps_is_exit_code_0(capsys, tmp_path):
    file = rows_file(tmp_path, GOOD, GOOD | {"output": "Plum."})
    code, out, err = studio(capsys, "check", file)
    assert code == 0
    assert "would keep 2 of 2 rows" in out
    assert 'in dataset_info.json: {"file_name": "rows.jsonl", "columns"' in out
    assert "sft (column instruction)" in err


def test_dropped_rows_are_trouble(capsys, tmp_path):
    file = rows_file(tmp_path, {"chosen": "a", "rejected": "b"} | GOOD, {"chosen": "a", "rejected": None} | GOOD)
    code, found = studio_json(capsys, "check", file)
    [one] = found["trainer"]
    assert (code, one["stage"], one["trains"], one["kept"], one["rows"]) == (1, "rm", True, 1, 2)
    assert one["reasons"] == [{"kind": "dropped", "reason": "chosen and rejected must both be text", "rows": 1}]
    _, out, _ = studio(capsys, "check", file)
    assert "would keep 1 of 2 rows\n  would drop 1: chosen and rejected must both be text" in out


def test_what_stops_the_run_comes_with_its_cure(capsys, tmp_path):
    file = tmp_path / "rows.json"
    file.write_bytes(json.dumps([GOOD], ensure_ascii=False).encode("gb18030"))
    code, out, err = studio(capsys, "check", file)
    assert code == 1
    assert "Traceback" not in err
    assert "would stop: byte 21 is not UTF-8; the file looks like GBK" in out
    assert "Import the file and export it" in out
    _, found = studio_json(capsys, "check", file)
    assert found["trainer"][0]["stops"][0].startswith("byte 21 is not UTF-8")
    assert found["trainer"][0]["traps"][0]["code"] == "encoding"


def test_a_column_nobody_reads_is_trouble(capsys, tmp_path):
    entry = {"file_name": "rows.jsonl", "columns": {"prompt": "instruction", "response": "output"}}
    (tmp_path / "dataset_info.json").write_text(json.dumps({"fruit": entry}), encoding="ascii")
    code, out, _ = studio(capsys, "check", rows_file(tmp_path, GOOD))
    assert code == 1
    assert 'stage sft, the entry "fruit" of dataset_info.json' in out
    assert "loses something: the column input is in the file and not mapped" in out


def test_the_stage_may_be_named(capsys, tmp_path):
    file = rows_file(tmp_path, {"text": "潮水。"})
    _, found = studio_json(capsys, "check", file, "--stage", "sft")
    assert (found["trainer"][0]["stage"], found["trainer"][0]["kept"]) == ("sft", 0)


def test_a_file_is_checked_by_the_persons_own_settings(capsys, tmp_path):
    (tmp_path / "config.toml").write_text('[rules.pear]\npattern = "Pear"\n', encoding="utf-8")
    _, found = studio_json(capsys, "check", rows_file(tmp_path, GOOD))
    assert [(one["code"], one["span"]) for one in found["issues"]] == [("pear", [0, 4])]
