"""Pushing an export to a Hub on loopback, with the real libraries, in a process of its own: they keep the address."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pyarrow.parquet
import pytest

from studio.alpaca.rows import Kto, Multimodal, Sft
from studio.errors import StudioError
from studio.jobs.files.hub import push
from tests.support.export_rows_in_memory import export_rows, in_memory
from tests.support.hub_server import READER, TOKEN, serving
from tests.support.projects import ROOT

PICTURE = (ROOT / "sample_data" / "images" / "dots.png").read_bytes()
ROWS = [
    *(Sft(f"问题 {n}", "", f"answer {n}") for n in range(9)),
    Sft("with a past", "", "answer", history=(("早", "好"),)),
    Kto(instruction="q", output="a", kto_tag=True),
    Sft("no answer", "", ""),
]
PUSH = """
import sys, json, pathlib
from studio.errors import StudioError
from studio.jobs.files.hub import push
from studio.jobs.events import Pushed
out, repo, private = sys.argv[1:]
try:
    *_, last = push(pathlib.Path(out), "p", repo, private=bool(private))
    print(json.dumps({"url": last.url, "files": last.files, "card": last.card}))
except StudioError as error:
    print(json.dumps({"error": error.message, "hint": error.hint}))
"""


@pytest.fixture
def out(tmp_path):
    """A written export: two types, one split, a picture, a row that is held back."""
    (tmp_path / "dots.png").write_bytes(PICTURE)
    rows = [*ROWS, Multimodal("<image>多少个点？", "", "Nine.", ("dots.png",))]
    export_rows(in_memory(rows, tmp_path), tmp_path / "out", split="8:1:1")
    return tmp_path / "out"


def pushed(out, address, token=TOKEN, repo="me/tides", private=False):
    """(what it said, everything it wrote)"""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(out.parent),
        "HF_HOME": str(out.parent / "hf"),
        "HF_ENDPOINT": address,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DOWNLOAD_TIMEOUT": "3",
    } | ({"HF_TOKEN": token} if token else {})
    command = [sys.executable, "-c", PUSH, str(out), repo, "yes" if private else ""]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


@pytest.mark.slow
def test_each_type_is_a_config_with_its_splits_and_the_folder_goes_along(out):
    with serving() as (hub, address):
        told, printed = pushed(out, address, private=True)
    assert told["url"] == f"{address}/datasets/me/tides"
    assert TOKEN not in printed
    assert hub.private == {"me/tides"}
    files = hub.repos["me/tides"]
    rows = {}
    for path, content in files.items():
        if path.endswith(".parquet"):
            rows[path.split("-")[0]] = pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()
    assert {name: len(found) for name, found in rows.items()} == {
        "sft/train": 8,
        "sft/validation": 1,
        "sft/test": 1,
        "kto/train": 1,
        "multimodal/train": 1,
    }
    assert sorted(row["instruction"] for name, found in rows.items() if name.startswith("sft/") for row in found) == (
        sorted(row.instruction for row in ROWS[:10])
    )
    assert rows["multimodal/train"][0]["images"] == ["images/dots.png"]
    assert files["images/dots.png"] == PICTURE
    assert not [path for path in files if "held_back" in path]
    card = files["README.md"].decode()
    assert "config_name: sft" in card
    assert "split: validation" in card
    assert "Made with dataset-studio" in card
    assert not [content for content in files.values() if TOKEN.encode() in content]


@pytest.mark.slow
def test_metadata_and_a_card_of_a_persons_own_stay(out):
    with serving() as (hub, address):
        hub.repos["me/tides"] = {"README.md": b"---\nlicense: cc-by-4.0\n---\n# My own words\n"}
        told, _ = pushed(out, address)
        card = hub.repos["me/tides"]["README.md"].decode()
        assert not told["card"]
        assert "license: cc-by-4.0" in card
        assert "My own words" in card
        assert "Made with" not in card
        hub.repos["me/tides"]["README.md"] = b"---\nlicense: cc-by-4.0\n---\n"
        assert pushed(out, address)[0]["card"]
        assert pushed(out, address)[0]["card"], "our own card is replaced"
        files = hub.repos["me/tides"]
        card = files["README.md"].decode()
    assert len([path for path in files if path.endswith(".parquet")]) == 5, (
        "the second push takes the first one's place"
    )
    assert card.count("Made with dataset-studio") == 1
    assert "license: cc-by-4.0" in card
    assert "My own words" not in card


@pytest.mark.slow
def test_what_a_person_wrote_into_the_card_goes_up_and_what_is_not_of_the_export_stays(out):
    card = (out / "README.md").read_text("utf-8")
    (out / "README.md").write_text(card.replace("# license: choose one", "license: mit\n# or"), "utf-8")
    info = json.loads((out / "dataset_info.json").read_bytes())
    (out / "dataset_info.json").write_text(json.dumps({"theirs": {"file_name": "secret.json"}} | info))
    (out / "secret.json").write_text("[]")
    with serving() as (hub, address):
        pushed(out, address)
        files = hub.repos["me/tides"]
    assert "license: mit" in files["README.md"].decode()
    assert list(json.loads(files["dataset_info.json"])) == list(info)
    assert not [path for path in files if "secret" in path]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("token", "repo", "said"),
    [
        ("hf_wrong", "me/tides", "does not accept the token"),
        (READER, "me/tides", "may not write to me/tides"),
        (TOKEN, "me/no such/thing", "no name of a repository"),
    ],
)
def test_what_the_hub_refuses_is_told_in_words_without_the_token(out, token, repo, said):
    with serving() as (hub, address):
        told, printed = pushed(out, address, token=token, repo=repo)
    assert said in told["error"]
    assert str(out) in told["error"]
    assert token not in printed
    assert not any(hub.repos.values())


@pytest.mark.slow
def test_no_hub_there(out):
    told, _ = pushed(out, "http://127.0.0.1:9")
    assert "cannot be reached" in told["error"]


def test_no_token(out, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(StudioError, match="no token in HF_TOKEN"):
        list(push(out, "p", "me/tides", private=False))


def test_a_file_that_changed_since_is_not_sent(out, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "x")
    (tmp_path / "secret").write_text("secret")
    (out / "kto_train.json").unlink()
    (out / "kto_train.json").symlink_to(tmp_path / "secret")
    with pytest.raises(StudioError, match=r"kto_train.json .* is not what the export wrote"):
        list(push(out, "p", "me/tides", private=False))


def test_no_export_of_that_name(out, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "x")
    with pytest.raises(StudioError, match="no export called 'q'"):
        list(push(out, "q", "me/tides", private=False))
