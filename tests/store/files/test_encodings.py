from __future__ import annotations

import gzip
import shlex
import subprocess
from shutil import which

import orjson
import pytest

from studio.errors import StudioError
from studio.store.files import readers

SIMPLIFIED = [{"instruction": "请说明潮汐为什么会发生。", "output": "主要是月亮的引力，太阳也有一份。"}] * 3
TRADITIONAL = [{"instruction": "請說明潮汐為什麼會發生。", "output": "主要是月亮的引力，太陽也有一份。"}] * 3
ENGLISH = [{"instruction": "Why do tides happen?", "output": "Mostly the moon."}] * 3
CASES = [
    ("gbk", SIMPLIFIED, "GB18030"),
    ("gb18030", SIMPLIFIED, "GB18030"),
    ("big5", TRADITIONAL, "Big5"),
    ("utf-16", SIMPLIFIED, "UTF-16"),
    ("utf-16-le", SIMPLIFIED, "UTF-16LE"),
    ("utf-16-be", ENGLISH, "UTF-16BE"),
    ("utf-32", ENGLISH, "UTF-32"),
]


def as_array(rows):
    return orjson.dumps(rows).decode()


def as_lines(rows):
    return "\n".join(orjson.dumps(row).decode() for row in rows)


def as_csv(rows):
    return "instruction,output\n" + "\n".join(f"{row['instruction']},{row['output']}" for row in rows)


def causes(path):
    return [one.cause for block in readers.read(path) for one in block.broken]


@pytest.mark.parametrize(("name", "written"), [("r.json", as_array), ("r.jsonl", as_lines), ("r.csv", as_csv)])
@pytest.mark.parametrize(("encoding", "rows", "iconv"), CASES)
def test_a_foreign_file_is_refused_with_the_command_that_converts_it(tmp_path, name, written, encoding, rows, iconv):
    path = tmp_path / f"第 {name}"
    path.write_text(written(rows), encoding=encoding)
    with pytest.raises(StudioError) as caught:
        causes(path)
    command = caught.value.hint
    assert shlex.split(command)[:5] == ["iconv", "-f", iconv, "-t", "UTF-8"]
    if which("iconv"):
        subprocess.run(["sh", "-c", command], check=True)
        assert (tmp_path / f"utf8-第 {name}").read_text("utf-8") == written(rows)


@pytest.mark.skipif(not which("iconv") or not which("gzip"), reason="no iconv or gzip here")
def test_the_command_unpacks_what_is_packed(tmp_path):
    path = tmp_path / "r.jsonl.gz"
    path.write_bytes(gzip.compress(as_lines(SIMPLIFIED).encode("gbk")))
    with pytest.raises(StudioError) as caught:
        causes(path)
    subprocess.run(["sh", "-c", caught.value.hint], check=True)
    assert (tmp_path / "utf8-r.jsonl").read_text("utf-8") == as_lines(SIMPLIFIED)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        (as_lines(SIMPLIFIED).encode(), 0),
        (as_lines(SIMPLIFIED).encode() + b'\n{"instruction": "\xc7\xeb\xcb\xb5"}', 1),
        (as_lines(ENGLISH).encode() + b'\n{"instruction": "caf\xe9 na\xefve"}', 1),
        (b'{"instruction": "\xff\xfe"}', 1),
        ('{"instruction": "fa\xe7ade, cr\xeape, \xe9t\xe9 \xe0 la mer"}'.encode("latin-1"), 1),
        (b'{"instruction": "\x00"}', 1),
    ],
)
def test_a_few_wrong_bytes_cost_only_their_rows(tmp_path, text, broken):
    path = tmp_path / "r.jsonl"
    path.write_bytes(text)
    assert len(causes(path)) == broken
