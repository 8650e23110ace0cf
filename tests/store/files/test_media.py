from __future__ import annotations

import io
import os

import pytest
from PIL import Image

from studio.alpaca.checks import media_problems
from studio.store.files import media
from studio.store.files.media import Look, MediaError, Shelf, find


def image(width=40, height=30, kind="PNG"):
    kept = io.BytesIO()
    Image.effect_noise((width, height), 50).convert("RGB").save(kept, kind)
    return kept.getvalue()


PNG = image()


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


# -- what is looked at -------------------------------------------------------------------------------


def said(name, folder, kind="images", look=None):
    """Codes and messages of what is wrong with a file."""
    return [(rule.code, message) for rule, message in media_problems((look or Look())(name, folder, kind))]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_a_sound_image_is_measured_and_has_no_problem(tmp_path, kind):
    (tmp_path / "a.img").write_bytes(image(64, 50, kind))
    found = Look()("a.img", tmp_path, "images")
    assert (found.there, found.format, found.width, found.height) == (True, kind, 64, 50)
    assert said("a.img", tmp_path) == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../secret.png", ("media-outside", "../secret.png lies outside the folder of the dataset")),
        ("out.png", ("media-outside", "out.png lies outside the folder of the dataset")),
        ("/etc/hostname", ("media-outside", "/etc/hostname lies outside the folder of the dataset")),
        ("absent.png", ("media-missing", "absent.png does not exist")),
        ("pics", ("media-missing", "pics does not exist")),
        ("pipe.png", ("media-missing", "pipe.png does not exist")),
        (
            "https://x.org/a.png",
            ("media-missing", "https://x.org/a.png is a web address; the trainer opens files only"),
        ),
        ("Pics/A.PNG", ("media-case", "Pics/A.PNG is pics/a.png on disk: on Linux it is not found")),
        ("pics/empty.png", ("media-empty", "pics/empty.png is empty")),
        ("pics/text.png", ("media-format", "pics/text.png is not an image the trainer can open")),
    ],
)
def test_what_is_wrong_with_a_path_is_said_once(folder, name, problem):
    assert said(name, folder) == [problem]


@pytest.mark.parametrize("name", ["a\x00b", "x" * 5000, "loop.png"])
def test_a_path_no_system_opens_is_a_problem_not_a_crash(folder, name):
    [(code, _)] = said(name, folder)
    assert code in ("media-unreadable", "media-missing")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_cut_image_is_noticed(tmp_path, kind):
    (tmp_path / "cut.img").write_bytes(image(200, 200, kind)[:-400])
    [(code, message)] = said("cut.img", tmp_path)
    assert code == "media-unreadable"
    assert message.startswith("cut.img cannot be read: ")


def test_an_image_too_large_is_measured_and_not_decoded(tmp_path, monkeypatch):
    (tmp_path / "huge.png").write_bytes(image(300, 200)[:-400])
    monkeypatch.setattr(media, "MOST_PIXELS", 59_999)
    monkeypatch.setattr("studio.alpaca.checks.media.MOST_PIXELS", 59_999)
    assert said("huge.png", tmp_path) == [("image-too-large", "huge.png has 60,000 pixels (300 x 200)")]


def test_a_tiny_image_is_a_warning(tmp_path):
    for width, height in ((27, 300), (28, 28)):
        (tmp_path / f"{width}.png").write_bytes(image(width, height))
    [(rule, message)] = media_problems(Look()("27.png", tmp_path, "images"))
    assert (rule.code, rule.severity, message) == ("image-tiny", "warning", "27.png is 27 x 300 pixels")
    assert said("28.png", tmp_path) == []


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        ("videos", b"\x00\x00\x00\x20ftypisom"),
        ("videos", b"\x1a\x45\xdf\xa3webm"),
        ("videos", b"RIFF\x00\x00\x00\x00AVI "),
        ("audios", b"RIFF\x00\x00\x00\x00WAVE"),
        ("audios", b"ID3\x04\x00"),
        ("audios", b"\xff\xfb\x90\x00"),
        ("audios", b"fLaC\x00"),
    ],
)
def test_films_and_sounds_are_known_by_how_they_begin(tmp_path, kind, head):
    (tmp_path / "a").write_bytes(head + bytes(40))
    assert said("a", tmp_path, kind) == []


@pytest.mark.parametrize(("kind", "word"), [("videos", "a video"), ("audios", "a sound file")])
def test_other_files_are_no_films_or_sounds(tmp_path, kind, word):
    (tmp_path / "a").write_bytes(image())
    (tmp_path / "b").write_bytes(b"")
    assert said("a", tmp_path, kind) == [("media-format", f"a is not {word} the trainer can open")]
    assert said("b", tmp_path, kind) == [("media-empty", "b is empty")]


def test_a_file_is_opened_once_until_it_changes(folder, monkeypatch):
    opened = []
    original = media._image
    monkeypatch.setattr(media, "_image", lambda path, file: opened.append(path.name) or original(path, file))
    look = Look()
    assert [said(name, folder, look=look) for name in ("pics/a.png", "./pics/a.png", "pics/a.png")] == [[], [], []]
    assert opened == ["a.png"]
    (folder / "pics" / "a.png").write_bytes(b"no longer a picture")
    assert said("pics/a.png", folder, look=look)[0][0] == "media-format"
    assert opened == ["a.png", "a.png"]


def test_a_name_in_another_case_is_found_where_the_system_does_not_mind(folder, monkeypatch):
    monkeypatch.setattr(media, "_BLIND_TO_CASE", True)
    # As macOS answers: the file opens under any case, and the folder lists the one it has.
    monkeypatch.setattr(Look, "_on_disk", lambda look, name, home: "pics/A.png")
    assert said("pics/a.png", folder)[0][0] == "media-case"


def test_accents_written_otherwise_are_another_name(tmp_path):
    (tmp_path / "cafe\u0301.png").write_bytes(PNG)
    assert said("caf\u00e9.png", tmp_path)[0][0] == "media-case"
