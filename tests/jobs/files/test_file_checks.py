"""A dataset file that is in no project: its rows, and the trainer's word on the whole."""

from __future__ import annotations

import gzip
import json

import pytest

from studio.errors import UsageError
from studio.jobs.events import FileChecked, FileKnown, FileRowsChecked
from studio.jobs.files.file_checks import check_file
from studio.jobs.files.inspection import Inspection
from studio.settings import CheckSettings, Settings

ROW = {"instruction": "说出一种水果。", "input": "", "output": "Pear."}


def lines(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def checked(path, content, type=None, stage=None, cutoff=2048, info=None):
    """What is known of the file, its issues, and the outlooks."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if info is not None:
        text = info if isinstance(info, str) else json.dumps(info)
        (path.parent / "dataset_info.json").write_text(text, encoding="ascii")
    events = list(check_file(path, type, stage, Inspection(Settings(check=CheckSettings(cutoff=cutoff)), path.parent)))
    assert isinstance(events[0], FileKnown)
    assert isinstance(events[-1], FileChecked)
    rows = [event for event in events if isinstance(event, FileRowsChecked)]
    issues = [(number, issue.code, issue.field) for event in rows for number, issue in event.issues]
    return events[0], issues, events[-1].outlooks


def traps(outlook):
    return [trap.code for trap in outlook.outlook.traps]


def test_a_file_without_an_entry_gets_one_that_fits(tmp_path):
    known, issues, [one] = checked(tmp_path / "a.json", json.dumps([ROW, ROW | {"system": "简短"}]))
    assert (known.type, one.name, one.stage, issues) == ("sft", "", "sft", [])
    assert (one.outlook.trains, one.outlook.kept, one.outlook.rows, one.outlook.traps) == (True, 2, 2, ())
    assert one.entry == {
        "file_name": "a.json",
        "columns": {"prompt": "instruction", "query": "input", "response": "output", "system": "system"},
    }


def test_columns_of_other_names_are_mapped_in_that_entry(tmp_path):
    _, issues, [one] = checked(tmp_path / "a.jsonl", lines({"question": "几点？", "answer": ""}))
    assert one.entry["columns"] == {"prompt": "question", "response": "answer"}
    assert (one.outlook.kept, traps(one)) == (1, [])
    assert issues == [(1, "empty-output", "output")]


def test_the_entry_beside_the_file_is_the_one_that_counts(tmp_path):
    entries = {
        "good": {"file_name": "a.json", "columns": {"prompt": "q", "response": "a"}},
        "poor": {"file_name": "./a.json", "columns": {"promt": "q"}},
        "other": {"file_name": "b.json"},
    }
    known, issues, found = checked(tmp_path / "a.json", json.dumps([{"q": "几点？", "a": "Noon. "}]), info=entries)
    good, poor = found
    assert (known.type, good.name, good.outlook.kept, traps(good), good.entry) == ("sft", "good", 1, [], None)
    assert issues == [(1, "edge-whitespace", "output")]
    assert poor.name == "poor"
    assert not poor.outlook.trains
    assert {"unknown-key", "no-response"} <= set(traps(poor))


@pytest.mark.parametrize(
    ("entry", "type", "stage"),
    [
        ({"ranking": True, "columns": {"prompt": "a", "chosen": "b", "rejected": "c"}}, "preference", "rm"),
        ({"columns": {"prompt": "a", "response": "b", "kto_tag": "d"}}, "kto", "kto"),
        ({"columns": {"prompt": "a", "response": "b", "images": "c"}}, "multimodal", "sft"),
        ({"columns": {"prompt": "a", "response": "b"}}, "sft", "sft"),
        ({"columns": {"prompt": "a"}}, "pretrain", "pt"),
    ],
)
def test_an_entry_tells_the_type_where_the_columns_do_not(tmp_path, entry, type, stage):
    known, _, [one] = checked(tmp_path / "a.jsonl", lines({"x": 1}), info={"set": entry | {"file_name": "a.jsonl"}})
    assert (known.type, one.stage) == (type, stage)


def test_a_file_nothing_tells_the_type_of_is_asked_about(tmp_path):
    with pytest.raises(UsageError, match="Say what it is"):
        checked(tmp_path / "a.jsonl", lines({"x": 1}))
    known, _, _ = checked(tmp_path / "a.jsonl", lines({"x": 1}), type="sft")
    assert known.why.startswith("you said sft")


def test_a_broken_dataset_info_stops_the_run(tmp_path):
    _, _, [one] = checked(tmp_path / "a.jsonl", lines(ROW), info="{broken")
    assert traps(one) == ["entry-file"]
    assert not one.outlook.trains


@pytest.mark.parametrize(
    ("name", "content", "code", "trains"),
    [
        ("a.json", json.dumps([ROW]).encode("utf-16"), "encoding", False),
        ("a.jsonl", lines(ROW).encode("gbk"), "encoding", False),
        ("a.jsonl", lines(*[ROW] * 9000).encode() + lines(ROW).encode("gbk"), "syntax", False),
        ("a.json", b"\xef\xbb\xbf" + json.dumps([ROW]).encode(), "byte-order-mark", False),
        ("a.jsonl", b"\xef\xbb\xbf" + lines(ROW).encode(), "byte-order-mark", True),
        ("a.JSONL", lines(ROW), "file-type", False),
        ("a.jsonl.gz", gzip.compress(lines(ROW).encode(), mtime=0), "file-type", False),
        ("a.jsonl", lines(ROW) + "{'instruction': 1}\n", "syntax", False),
        ("a.jsonl", lines(ROW) + '{"instruction": "a", "output": "b\tc"}\n', "syntax", False),
        ("a.json", '[{"instruction": "a", "output": "b\tc"}]', "", True),
        ("a.jsonl", lines(ROW) + "5\n", "syntax", False),
        ("a.jsonl", lines(ROW)[:-2] + ', "output": "b"}\n', "duplicate-key", False),
        ("a.json", "[" + lines(ROW)[:-2] + ', "output": "b"}]', "duplicate-key", True),
        ("a.jsonl", lines(ROW | {"x": float("nan")}), "not-a-number", True),
        ("a.jsonl", json.dumps(ROW | {"output": "a\ud800"}), "lone-surrogate", False),
        ("a.json", json.dumps([ROW | {"output": "a\ud800"}]), "lone-surrogate", True),
        ("a.json", json.dumps({"version": 1, "data": [ROW, ROW]}, indent=1), "wrapper", False),
        ("a.json", "\n".join([json.dumps(ROW, indent=1)] * 3), "", True),
        ("a.json", "\n".join([json.dumps(ROW, indent=1)] * 6000), "several-lines", False),
        ("a.csv", "instruction,input,output\na,b,c\na,b\n", "few-cells", True),
        ("a.csv", "instruction,input,output\na,b,c\na,b,c,d\n", "syntax", False),
        (
            "a.jsonl",
            lines({"id": "s1", "instruction": "a", "instances": [{"input": "", "output": "b"}]}),
            "shape",
            False,
        ),
    ],
)
def test_what_is_wrong_with_a_file_as_a_whole(tmp_path, name, content, code, trains):
    _, _, [one] = checked(tmp_path / name, content)
    assert one.outlook.trains is trains
    assert code in (traps(one) or [""])


def test_what_the_trainer_makes_of_a_csvs_lists(tmp_path):
    text = 'instruction,input,output,history\nq,,a,"[[""x"", ""y""]]"\n'
    _, issues, [one] = checked(tmp_path / "a.csv", text)
    assert (issues, one.outlook.kept) == ([], 1)


@pytest.mark.parametrize("shape", ["sharegpt", "openai"])
def test_conversations_are_checked_as_the_rows_they_become(tmp_path, shape):
    key, role, content, asks, says = (
        ("conversations", "from", "value", "human", "gpt")
        if shape == "sharegpt"
        else ("messages", "role", "content", "user", "assistant")
    )
    talk = {key: [{role: asks, content: "几点？ "}, {role: says, content: "Noon."}]}
    poor = {key: [{role: says, content: "Noon."}]}
    known, issues, [one] = checked(tmp_path / "a.jsonl", lines(talk, poor))
    assert (known.type, one.entry["formatting"]) == ("sft", shape)
    assert [(number, code) for number, code, _ in issues] == [(1, "edge-whitespace"), (2, "field-type")]
    assert (one.outlook.kept, sum(one.outlook.reasons.values())) == (1, 1)


def test_too_little_pretrain_text_stops_the_run_in_stage_pt_alone(tmp_path):
    content = lines({"text": "潮水来了。"})
    _, issues, [one] = checked(tmp_path / "a.jsonl", content)
    assert (issues, one.stage, one.outlook.trains, traps(one)) == ([], "pt", False, ["too-few-tokens"])
    assert checked(tmp_path / "a.jsonl", content, cutoff=4)[2][0].outlook.trains
    assert "too-few-tokens" not in traps(checked(tmp_path / "a.jsonl", content, stage="sft")[2][0])


def test_issues_carry_the_number_of_their_row(tmp_path):
    rows = [ROW] * 3 + [ROW | {"output": 7}, ROW | {"output": ""}]
    _, issues, _ = checked(tmp_path / "a.json", json.dumps(rows))
    assert issues == [(4, "field-type", "output"), (5, "empty-output", "output")]
    _, issues, _ = checked(tmp_path / "a.jsonl", lines(ROW) + "\nnot json\n" + lines(ROW | {"instruction": ""}))
    assert [(number, code) for number, code, _ in issues] == [(3, "unreadable"), (4, "empty-prompt")]
