"""JSONTestSuite (nst/JSONTestSuite, MIT): what is JSON is read, what is none is rejected with its place.

The suite is not part of this project: JSON_TEST_SUITE names the folder with its test_parsing, or it lies in
../shared/JSONTestSuite.
"""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from studio.errors import StudioError
from studio.store.files import readers

SUITE = Path(os.environ.get("JSON_TEST_SUITE", Path(__file__).parents[4] / "shared" / "JSONTestSuite")) / "test_parsing"
FILES = sorted(SUITE.glob("*.json"))
LONGEST_NAME = 60

pytestmark = pytest.mark.skipif(not FILES, reason="JSON_TEST_SUITE names no folder with JSONTestSuite's test_parsing")


def read_all(path):
    """Values and what was broken; a refused file is broken as a whole."""
    try:
        blocks = list(readers.read(path))
    except StudioError as error:
        return [], [error]
    return [one for block in blocks for one in block.values], [one for block in blocks for one in block.broken]


def rows_of(value):
    """What a file with this value alone holds: a list of objects in an object is a list of rows in a wrapper."""
    if isinstance(value, dict):
        lists = [one for one in value.values() if isinstance(one, list) and one and isinstance(one[0], dict)]
        return lists[0] if lists else [value]
    return value if isinstance(value, list) else [value]


def has_place(broken):
    return isinstance(broken, StudioError) or (broken.line > 0 and broken.column > 0 and broken.offset >= 0)


def whole(text):
    return text


def element(text):
    return b'[{"a":1},\n{"v":' + text + b'},\n{"b":2}]'


def line(text):
    return b'{"a":1}\n{"v":' + text.strip() + b'}\n{"b":2}\n'


@pytest.mark.parametrize("wrap", [whole, element, line])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem[:LONGEST_NAME])
def test_the_suite(path, wrap, tmp_path):
    text = path.read_bytes()
    if wrap is line and b"\n" in text.strip().replace(b"\r", b"\n"):
        pytest.skip("this text is no single line")
    file = tmp_path / "rows.json"
    file.write_bytes(wrap(text))
    values, broken = read_all(file)
    assert all(map(has_place, broken))
    if path.name.startswith("y_"):
        assert not broken
        if wrap is not whole:
            assert values == [{"a": 1}, {"v": orjson.loads(text)}, {"b": 2}]
        else:
            assert values == rows_of(orjson.loads(text))
    elif path.name.startswith("n_"):
        assert broken
    if wrap is not whole and not any(isinstance(one, StudioError) for one in broken):
        assert values[0] == {"a": 1}
        assert wrap is element or values[-1] == {"b": 2}
