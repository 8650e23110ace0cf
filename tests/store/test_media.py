from __future__ import annotations

import os

import pytest

from studio.store.media import MediaError, Shelf, find

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 8


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "set"
    (made / "pics" / "sub").mkdir(parents=True)
    (made / "pics" / "a.png").write_bytes(PNG)
    (made / "pics" / "sub" / "a.png").write_bytes(PNG + b"other")
    (made / "pics" / "empty.png").write_bytes(b"")
    (made / "pics" / "text.png").write_bytes(b"no picture")
    (tmp_path / "secret.png").write_bytes(PNG)
    (made / "out.png").symlink_to(tmp_path / "secret.png")
    (made / "in.png").symlink_to(made / "pics" / "a.png")
    (made / "loop.png").symlink_to(made / "loop.png")
    os.mkfifo(made / "pipe.png")
    return made


@pytest.mark.parametrize("name", ["pics/a.png", "./pics/sub/../a.png", "in.png"])
def test_files_inside_the_folder_are_found(folder, name):
    assert find(name, folder, "images") == folder / "pics" / "a.png"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../secret.png", "outside"),
        ("out.png", "outside"),
        ("pics/../../secret.png", "outside"),
        ("/etc/hostname", "outside"),
        ("loop.png", "loop|does not exist"),
        ("pipe.png", "does not exist"),
        ("pics", "does not exist"),
        ("absent.png", "does not exist"),
        ("x" * 5000, "cannot be read"),
        ("pics/empty.png", "empty"),
        ("pics/text.png", "not an image"),
        ("a\x00b", "no file name"),
        ("", "no file name"),
    ],
)
def test_what_must_not_be_exported_is_refused_with_the_reason(folder, name, reason):
    with pytest.raises(MediaError, match=reason):
        find(name, folder, "images")


def test_equal_names_get_places_of_their_own(folder, tmp_path):
    shelf = Shelf(tmp_path / "export")
    first, second = folder / "pics" / "a.png", folder / "pics" / "sub" / "a.png"
    assert [shelf.place(path, "images") for path in (first, second, first)] == [
        "images/a.png", "images/a-2.png", "images/a.png",
    ]  # fmt: skip
    shelf.copy_to(tmp_path / "export")
    again = Shelf(tmp_path / "export")
    assert again.place(first, "images") == "images/a.png", "the same content keeps its name"
    first.write_bytes(first.read_bytes() + b"retouched")
    assert Shelf(tmp_path / "export").place(first, "images") == "images/a-3.png", "other content never replaces a file"
    assert (tmp_path / "export" / "images" / "a-2.png").read_bytes() == second.read_bytes()
