"""Media files that rows name: found, looked at, and given a place in an export."""

from __future__ import annotations

import filecmp
import shutil
from pathlib import Path

# How the formats that trainers open begin (what Pillow, ffmpeg and soundfile identify them by).
_IMAGE_HEADS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\x00", b"MM\x00*")


class MediaError(Exception):
    """A media file cannot go into an export; the text says why."""


def find(name: str, folder: Path, kind: str) -> Path:
    """The file a row names, relative to the folder of the file the row came from.

    kind: images, videos or audios. Raises MediaError when it is absent, empty, lies outside the folder
    (a dataset from elsewhere could otherwise carry any file of this machine into an export), or is no image.
    """
    if "\x00" in name or not name.strip():
        raise MediaError(f"{name!r} is no file name")
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise MediaError(f"{name} lies outside the folder of the imported file")
        if not path.is_file():
            raise MediaError(f"{name} does not exist in {folder.resolve().name}/")
        with path.open("rb") as file:
            head = file.read(16)
    except (OSError, RuntimeError) as error:
        # RuntimeError: a symbolic link that leads to itself.
        raise MediaError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not head:
        raise MediaError(f"{name} is empty")
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    if kind == "images" and not webp and not head.startswith(_IMAGE_HEADS):
        raise MediaError(f"{name} is not an image the trainer can open")
    return path


class Shelf:
    """Gives each media file of an export to folder out one name under images/, videos/ or audios/."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._names: dict[Path, str] = {}
        self._taken: set[str] = set()

    def place(self, path: Path, kind: str) -> str:
        """The file's path in the export: its own name, numbered if another file has that name, also one from before."""
        if path not in self._names:
            name, number = f"{kind}/{path.name}", 1
            while name.casefold() in self._taken or self._is_another(self._out / name, path):
                number += 1
                name = f"{kind}/{path.stem}-{number}{path.suffix}"
            self._taken.add(name.casefold())
            self._names[path] = name
        return self._names[path]

    @staticmethod
    def _is_another(there: Path, path: Path) -> bool:
        return there.exists() and not (there.is_file() and filecmp.cmp(there, path, shallow=False))

    def copy_to(self, folder: Path) -> None:
        """Copy every placed file below folder."""
        for path, name in self._names.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
