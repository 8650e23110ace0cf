"""Every kind of file a practitioner has comes in, and a damaged one gives what stands before the damage."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from studio.errors import UsageError
from studio.store.files import readers
from studio.store.files.opening import expanded, kind_of

ROWS = [{"instruction": f"Name harbour {n} 港", "input": "", "output": "42"} for n in range(4000)]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()


def values_and_causes(path: Path) -> tuple[list[object], list[str]]:
    blocks = list(readers.read(path))
    return (
        [value for block in blocks for _, _, value in block.read],
        [one.cause for block in blocks for one in block.broken],
    )


def write_csv(path: Path, extra: str = "") -> None:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.DictWriter(file, ROWS[0].keys())
        table.writeheader()
        table.writerows(ROWS)
        file.write(extra)


def write_arrow(path: Path, *, stream: bool) -> None:
    table = pyarrow.Table.from_pylist(ROWS)
    new = pyarrow.ipc.new_stream if stream else pyarrow.ipc.new_file
    with pyarrow.OSFile(str(path), "wb") as sink, new(sink, table.schema) as writer:
        writer.write_table(table)


WRITERS = {
    "rows.jsonl": lambda path: path.write_bytes(LINES),
    "rows.jsonl.gz": lambda path: path.write_bytes(gzip.compress(LINES)),
    "rows.jsonl.zst": lambda path: path.write_bytes(zstandard.compress(LINES)),
    "frames.jsonl.zst": lambda path: path.write_bytes(
        zstandard.compress(LINES[:70_001]) + zstandard.compress(LINES[70_001:])
    ),
    "rows.json.gz": lambda path: path.write_bytes(gzip.compress(json.dumps(ROWS).encode())),
    "rows.csv": write_csv,
    "rows.parquet": lambda path: pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path),
    "stream.arrow": lambda path: write_arrow(path, stream=True),
    "file.arrow": lambda path: write_arrow(path, stream=False),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_gives_the_same_rows(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    assert values_and_causes(path) == (ROWS, [])


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("share", [0.5, 0.99])
def test_a_cut_file_gives_its_rows_up_to_the_cut_and_says_so(compress, share: float, tmp_path: Path) -> None:
    packed = compress(LINES)
    path = tmp_path / f"cut.jsonl.{'gz' if compress is gzip.compress else 'zst'}"
    path.write_bytes(packed[: int(len(packed) * share)])
    values, causes = values_and_causes(path)
    assert values == ROWS[: len(values)]
    assert any("read up to here" in cause for cause in causes)


@pytest.mark.parametrize("name", ["no.jsonl.gz", "no.jsonl.zst", "no.parquet", "no.arrow"])
def test_a_file_that_is_not_what_its_name_says_is_reported(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"plain words, nothing packed")
    values, causes = values_and_causes(path)
    assert values == []
    assert causes


def test_a_csv_row_with_other_cells_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_csv(path, 'only,two\nlast,"with a\nbreak",answer\n')
    blocks = list(readers.read(path))
    values = [value for block in blocks for _, _, value in block.read]
    assert values == [*ROWS, {"instruction": "last", "input": "with a\nbreak", "output": "answer"}]
    (broken,) = [one for block in blocks for one in block.broken]
    assert (broken.line, broken.cause, broken.raw) == (4002, "2 cells under 3 column names", b"only,two")


def test_csv_cells_stay_text_but_for_lists_and_kto_tags(tmp_path: Path) -> None:
    path = tmp_path / "kto.csv"
    text = 'instruction,output,history,kto_tag,label\nCount,NA,"[[""a"", ""b""]]",True,false\n'
    path.write_text(text, encoding="utf-8")
    assert values_and_causes(path)[0] == [
        {"instruction": "Count", "output": "NA", "history": [["a", "b"]], "kto_tag": True, "label": False}
    ]


def test_text_is_a_document_a_line(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes("\ufeff第一行\r\n\nsecond\n".encode() + b"\xff\nlast")
    values, causes = values_and_causes(path)
    assert values == [{"text": "第一行"}, {"text": "second"}, {"text": "last"}]
    assert causes == ["not UTF-8"]


def test_folders_stand_for_their_dataset_files(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.json.gz", "deep/c.csv", "notes.md", ".hidden.json", "dataset_info.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"{}")
    assert [file.name for file in expanded([tmp_path])] == ["a.json.gz", "b.jsonl", "c.csv"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no dataset file"):
        expanded([tmp_path / "empty"])


@pytest.mark.parametrize(
    ("name", "kind"), [("x.JSONL.GZ", ".jsonl"), ("x.tar.csv", ".csv"), ("x", ".json"), ("x.zst", ".json")]
)
def test_the_kind_is_told_by_the_ending_under_the_compression(name: str, kind: str) -> None:
    assert kind_of(Path(name)) == kind
