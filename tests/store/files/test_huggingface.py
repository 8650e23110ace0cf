"""Datasets of the Hub, with the real `datasets` on local folders; what needs the network is told by its errors."""

from __future__ import annotations

import json

import datasets
import pytest
from PIL import Image

from studio.errors import StudioError, UsageError
from studio.store.files import huggingface

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("harbour")
    for split, n in (("train", 1500), ("test", 2)):
        rows = [{"question": f"{split} 第{index}问", "answer": "a", "tags": None} for index in range(n)]
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return folder


def numbered(split):
    return [(number, value["question"]) for block in split.blocks() for number, _, value in block.read]


def test_every_split_is_read_row_by_row(folder):
    train, test = huggingface.splits(f"hf:{folder}")
    assert (train.name, test.name) == (f"hf:{folder}@train", f"hf:{folder}@test")
    assert numbered(train) == [(n + 1, f"train 第{n}问") for n in range(1500)]
    assert numbered(test) == [(1, "test 第0问"), (2, "test 第1问")]


def test_one_split_by_name(folder):
    (test,) = huggingface.splits(f"hf:{folder}@test")
    assert (test.name, len(numbered(test))) == (f"hf:{folder}@test", 2)


def test_a_split_that_is_not_there_is_an_error_with_those_that_are(folder):
    with pytest.raises(UsageError, match="no such split, only 'train', 'test'"):
        huggingface.splits(f"hf:{folder}@valid")


def test_several_configurations_are_listed_and_one_can_be_named(folder, tmp_path):
    card = "---\nconfigs:\n" + "".join(f"- config_name: {name}\n  data_files: {name}.jsonl\n" for name in ("en", "zh"))
    (tmp_path / "README.md").write_text(card + "---\n", "utf-8")
    for name in ("en", "zh"):
        (tmp_path / f"{name}.jsonl").write_text('{"instruction": "a"}\n', "utf-8")
    with pytest.raises(UsageError, match=r"several configurations: 'en', 'zh'"):
        huggingface.splits(f"hf:{tmp_path}")
    (found,) = huggingface.splits(f"hf:{tmp_path}:zh@train")
    assert found.name == f"hf:{tmp_path}:zh@train"
    with pytest.raises(UsageError, match=r"no such configuration: 'en', 'zh'"):
        huggingface.splits(f"hf:{tmp_path}:fr")


def test_pictures_inside_a_dataset_are_refused_and_paths_are_kept(tmp_path):
    picture = tmp_path / "boat.png"
    Image.new("RGB", (2, 2)).save(picture)
    features = datasets.Features({"question": datasets.Value("string"), "image": datasets.Image()})
    made = datasets.Dataset.from_dict({"question": ["a"], "image": [str(picture)]}, features=features)
    split = huggingface.Split("hf:boats@train", made.to_iterable_dataset().decode(False))
    assert [value["image"] for block in split.blocks() for value in block.values] == [str(picture)]
    (tmp_path / "set").mkdir()
    embedded = {"question": ["a"], "image": [{"bytes": picture.read_bytes(), "path": None}]}
    datasets.Dataset.from_dict(embedded, features=features).to_parquet(tmp_path / "set" / "train.parquet")
    (inside,) = huggingface.splits(f"hf:{tmp_path / 'set'}")
    with pytest.raises(StudioError, match=r"Column image .* holds the files themselves"):
        list(inside.blocks())


@pytest.mark.parametrize("name", ["hf:", "hf:owner/name@", "hf::config", "hf:@train"])
def test_what_names_no_dataset_is_wrong_use(name):
    with pytest.raises(UsageError, match="names no dataset"):
        huggingface.splits(name)


@pytest.mark.parametrize(
    ("error", "said", "hint"),
    [
        (ConnectionError("Couldn't reach 'o/n' on the Hub"), "could not be reached for o/n", "network"),
        (
            datasets.exceptions.DatasetNotFoundError("Dataset 'o/n' doesn't exist"),
            "There is no dataset o/n",
            "HF_TOKEN",
        ),
        (datasets.exceptions.DatasetNotFoundError("Dataset 'o/n' is a gated dataset"), "hf:o/n is gated", "access"),
        (RuntimeError("Dataset scripts are no longer supported"), "scripts are no longer supported", "Nothing was"),
    ],
)
def test_errors_of_the_library_are_explained(monkeypatch, error, said, hint):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(StudioError, match=said) as caught:
        huggingface.splits("hf:o/n")
    assert hint in caught.value.hint


def test_a_connection_that_breaks_is_reported():
    def rows():
        yield {"question": "a"}
        raise OSError("reset by peer")

    with pytest.raises(StudioError, match="hf:o/n@train broke off: reset by peer"):
        list(huggingface.Split("hf:o/n@train", rows()).blocks())
