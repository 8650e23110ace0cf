"""Rules about the files a multimodal row names, told from what was found there. Nothing is opened here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from studio.alpaca.checks.rule import Entry, Severity

MOST_PIXELS = 178_956_970
"""Above this Pillow refuses an image as a decompression bomb (twice its MAX_IMAGE_PIXELS), and the run stops."""
LEAST_SIDE = 28
"""Pixels of a side below which an image is less than one patch of Qwen2-VL and its kin; the trainer blows it up."""


class MediaFile(NamedTuple):
    """What is where a row points. kind: images, videos or audios. name: as the row has it.

    there: a file with this very name exists; else other_case is its name but for letter case, if there is one.
    inside: it lies in the dataset's folder. trouble: why it could not be read to its end. format: told from its
    content, "" for one that trainers do not open. width, height: of an image, in pixels.
    """

    kind: str
    name: str
    inside: bool = True
    there: bool = False
    other_case: str = ""
    size: int = 0
    trouble: str = ""
    format: str = ""
    width: int = 0
    height: int = 0


class MediaRule(NamedTuple):
    """A check of a file. says: what is wrong with it, or "". Rules are tried in order up to the first error."""

    code: str
    severity: Severity
    meaning: str
    says: Callable[[MediaFile], str]

    @property
    def entry(self) -> Entry:
        return Entry(self.code, self.severity, self.meaning)


def _missing(file: MediaFile) -> str:
    if "://" in file.name:
        return "is a web address; the trainer opens files only"
    return "" if file.there or file.other_case else "does not exist"


def _other_case(file: MediaFile) -> str:
    return "" if file.there or not file.other_case else f"is {file.other_case} on disk: on Linux it is not found"


def _unreadable(file: MediaFile) -> str:
    return f"cannot be read: {file.trouble}" if file.trouble else ""


def _format(file: MediaFile) -> str:
    one = "an image" if file.kind == "images" else "a video" if file.kind == "videos" else "a sound file"
    return "" if file.format else f"is not {one} the trainer can open"


def _too_large(file: MediaFile) -> str:
    pixels = file.width * file.height
    return f"has {pixels:,} pixels ({file.width} x {file.height})" if pixels > MOST_PIXELS else ""


def _tiny(file: MediaFile) -> str:
    tiny = file.kind == "images" and min(file.width, file.height) < LEAST_SIDE
    return f"is {file.width} x {file.height} pixels" if tiny else ""


MEDIA_RULES: tuple[MediaRule, ...] = (
    MediaRule(
        "media-outside",
        "error",
        "A media file lies outside the dataset's folder; an export takes none from there.",
        lambda file: "" if file.inside else "lies outside the folder of the dataset",
    ),
    MediaRule("media-missing", "error", "A media file does not exist; the run stops when it comes to it.", _missing),
    MediaRule("media-case", "error", "A media file exists with other letter case only.", _other_case),
    MediaRule("media-empty", "error", "A media file is empty.", lambda file: "" if file.size else "is empty"),
    MediaRule("media-unreadable", "error", "A media file cannot be read, or is cut or damaged.", _unreadable),
    MediaRule("media-format", "error", "A media file is of no kind the trainer opens.", _format),
    MediaRule(
        "image-too-large", "error", f"An image has more than {MOST_PIXELS:,} pixels; Pillow refuses.", _too_large
    ),
    MediaRule("image-tiny", "warning", f"An image with a side below {LEAST_SIDE} pixels shows a model nothing.", _tiny),
)
"""Every rule about files."""


def media_problems(file: MediaFile) -> Iterator[tuple[MediaRule, str]]:
    """What is wrong with a file, and by which rule."""
    for rule in MEDIA_RULES:
        if said := rule.says(file):
            yield rule, f"{file.name} {said}"
            if rule.severity == "error":
                return
