from __future__ import annotations

import asyncio

import orjson
import pytest

from tests.support.projects import new_project, studio, studio_json


@pytest.fixture
def project(tmp_path):
    asyncio.run(new_project(tmp_path / "p").close())
    return tmp_path / "p"


@pytest.fixture
def topics(tmp_path):
    file = tmp_path / "话题.jsonl"
    file.write_bytes(b"".join(orjson.dumps({"topic": f"题 {n}", "reply": "答", "id": n}) + b"\n" for n in range(3)))
    return file


def test_columns_are_mapped_by_hand_and_by_their_usual_names(capsys, project, topics):
    code, out, err = studio(capsys, "import", project, topics, "--map", "instruction=topic", "--seed")
    assert (code, out) == (0, f"imported 3 rows into {project}\n")
    assert "column topic read as instruction, as you said, column reply read as output" in err
    assert "id (3)" in err
    assert studio_json(capsys, "stats", project)[1]["seeds"] == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--map", "topic=instruction"], "instruction=topic"),
        (["--map", "instruction=nothing"], "has no column nothing. It has id, reply, topic."),
        (["--map", "instruction"], "Write it like instruction=question"),
        ([], "or --map instruction=COLUMN"),
    ],
)
def test_a_wrong_mapping_is_wrong_use(capsys, project, topics, words, said):
    code, out, err = studio(capsys, "import", project, topics, *words)
    assert (code, out) == (2, "")
    assert said in err.replace("\n", " ")


def test_arguments_in_the_wrong_order(capsys, project, topics):
    code, _, err = studio(capsys, "import", topics, project)
    assert code == 2
    assert f"studio import {project} " in err
    assert "the project folder comes first" in err


def test_a_file_that_is_not_there(capsys, project):
    code, _, err = studio(capsys, "import", project, "absent.jsonl")
    assert code == 2
    assert "There is no file absent.jsonl" in err


def test_a_file_imported_before_is_imported_again_with_a_notice(capsys, project, topics):
    words = ["import", project, topics, "--map", "instruction=topic"]
    assert "imported before" not in studio(capsys, *words)[2]
    code, _, err = studio(capsys, *words)
    assert code == 0
    assert "imported before as source 1, 3 rows" in err
    code, said = studio_json(capsys, *words)
    assert (code, said["imported"], said["files"][0]["imported_before"]) == (0, 3, 2)


def test_a_file_in_another_encoding_names_the_command(capsys, project, tmp_path):
    file = tmp_path / "r.json"
    file.write_text('[{"instruction": "请说明潮汐为什么会发生。"}]', encoding="gbk")
    code, _, err = studio(capsys, "import", project, file)
    assert code == 1
    assert f"iconv -f GB18030 -t UTF-8 {file} > {tmp_path / 'utf8-r.json'}" in err
    assert studio_json(capsys, "stats", project)[1]["rows"] == 0


@pytest.mark.filterwarnings("ignore")
def test_a_dataset_by_name(capsys, project, topics):
    (topics.parent / "set").mkdir()
    topics.rename(topics.parent / "set" / "train.jsonl")
    name = f"hf:{topics.parent / 'set'}"
    code, said = studio_json(capsys, "import", project, f"{name}@train", "--map", "instruction=topic")
    assert (code, said["imported"], said["files"][0]["path"]) == (0, 3, f"{name}@train")
    code, _, err = studio(capsys, "import", project, f"{name}@valid")
    assert code == 2
    assert "no such split, only 'train'" in err
