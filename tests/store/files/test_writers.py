from __future__ import annotations

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.alpaca.export_rows import columns_of, export_object, filled, shapes
from studio.alpaca.rows import Kto, Multimodal, Pretrain, Sft, type_of
from studio.store.files import writers
from studio.store.files.readers import read
from studio.store.files.writers import write_objects
from tests.support.row_strategies import rows

KINDS = ("json", "jsonl", "parquet")
FORMATS = ("alpaca", "sharegpt", "openai")


def read_back(path):
    blocks = list(read(path))
    assert not [broken for block in blocks for broken in block.broken]
    return [value for block in blocks for _, _, value in block.read]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("formatting", FORMATS)
@settings(max_examples=25, deadline=None)
@given(st.lists(rows, min_size=1, max_size=6))
def test_what_is_written_reads_back_equal(tmp_path_factory, kind, formatting, some):
    some = [row for row in some if type(row) is type(some[0])]
    type_ = type_of(some[0])
    columns = columns_of(type_, set().union(*map(filled, some)))
    objects = [export_object(row, columns, formatting) for row in some]
    shape = shapes(type_, columns, formatting)
    path = tmp_path_factory.mktemp("w") / f"x.{kind}"
    assert write_objects(path, iter(objects), shape) == len(objects)
    assert read_back(path) == objects
    first = path.read_bytes()
    write_objects(path, iter(objects), shape)
    assert path.read_bytes() == first


def test_a_parquet_file_is_written_in_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(writers, "_GROUP_ROWS", 3)
    monkeypatch.setattr(writers, "_GROUP_BYTES", 100)
    texts = ["a", "b", "c", "d", "雨" * 40, "e"]
    objects = [export_object(Pretrain(text), ("text",)) for text in texts]
    write_objects(tmp_path / "x.parquet", iter(objects), shapes("pretrain", ("text",)))
    with pyarrow.parquet.ParquetFile(tmp_path / "x.parquet") as file:
        sizes = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
    assert sizes == [3, 2, 1]
    assert read_back(tmp_path / "x.parquet") == objects


def test_columns_keep_their_type_when_every_value_is_empty(tmp_path):
    row = Multimodal("q", "", "a")
    columns = columns_of("multimodal", {"history", "images"})
    write_objects(tmp_path / "x.parquet", [export_object(row, columns)], shapes("multimodal", columns))
    schema = pyarrow.parquet.read_schema(tmp_path / "x.parquet")
    assert [str(schema.field(name).type) for name in ("output", "images", "history")] == [
        "string",
        "list<element: string>",
        "list<element: list<element: string>>",
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("formatting", FORMATS)
def test_datasets_reads_the_same(tmp_path, kind, formatting):
    """The reader of the trainer and of the Hub."""
    import datasets

    datasets.disable_progress_bars()
    some = [
        Kto(instruction="问", output="答", system="简短", history=(("早", "早"),), kto_tag=True),
        Kto(instruction="q", input="i", output="a", kto_tag=False),
    ]
    columns = columns_of("kto", {"system", "history"})
    objects = [export_object(row, columns, formatting) for row in some]
    write_objects(tmp_path / f"x.{kind}", objects, shapes("kto", columns, formatting))
    builder = "parquet" if kind == "parquet" else "json"
    loaded = datasets.load_dataset(
        builder, data_files=str(tmp_path / f"x.{kind}"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert loaded.to_list() == objects


def test_no_object_at_all(tmp_path):
    for kind in KINDS:
        assert write_objects(tmp_path / f"x.{kind}", [], shapes("sft", ("instruction",))) == 0
    assert (tmp_path / "x.json").read_bytes() == b"[\n]\n"
    assert read_back(tmp_path / "x.parquet") == []


def test_texts_are_not_escaped(tmp_path):
    row = Sft("问\u2028", "", "é\x00")
    write_objects(tmp_path / "x.jsonl", [export_object(row, ("instruction", "output"))])
    assert (tmp_path / "x.jsonl").read_text("utf-8") == '{"instruction":"问\u2028","output":"é\\u0000"}\n'
