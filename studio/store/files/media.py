"""Media files that rows name: found, looked at, and given a place in an export."""

from __future__ import annotations

import filecmp
import shutil
import stat
import sys
import unicodedata
import warnings
from pathlib import Path, PurePosixPath

from studio.alpaca.checks.media import MOST_PIXELS, MediaFile

# How the formats begin that ffmpeg and soundfile open.
_VIDEO_HEADS = (
    (b"\x1a\x45\xdf\xa3", "Matroska"),
    (b"GIF8", "GIF"),
    (b"FLV\x01", "FLV"),
    (b"\x00\x00\x01\xba", "MPEG"),
    (b"\x00\x00\x01\xb3", "MPEG"),
    (b"\x47", "MPEG-TS"),
    (b"\x30\x26\xb2\x75", "ASF"),
    (b"OggS", "Ogg"),
)
_AUDIO_HEADS = (
    (b"ID3", "MP3"),
    (b"\xff\xf1", "AAC"),
    (b"\xff\xf9", "AAC"),
    (b"fLaC", "FLAC"),
    (b"OggS", "Ogg"),
    (b"FORM", "AIFF"),
    (b"\x1a\x45\xdf\xa3", "Matroska"),
    (b"\x30\x26\xb2\x75", "ASF"),
    (b"#!AMR", "AMR"),
    (b"caff", "CAF"),
)
# macOS and Windows find a file by a name in another letter case; the trainer's Linux does not.
_BLIND_TO_CASE = sys.platform in ("darwin", "win32")


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
    if kind == "images" and not _image(path, MediaFile(kind, name), whole=False).format:
        raise MediaError(f"{name} is not an image the trainer can open")
    return path


class Look:
    """Looks at media files, at each one once as long as it stays the same on disk. Nothing outside is opened."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Path, str], tuple[tuple[int, int], MediaFile]] = {}
        self._listings: dict[Path, tuple[int, dict[str, str]]] = {}

    def __call__(self, name: str, folder: Path, kind: str) -> MediaFile:
        """What is where a row points. folder: where its paths start from. kind: images, videos or audios."""
        file = MediaFile(kind, name)
        try:
            path = (folder / name).resolve()
            if not path.is_relative_to(folder.resolve()):
                return file._replace(inside=False)
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                return file
            if _BLIND_TO_CASE and (real := self._on_disk(name, folder)) not in ("", str(PurePosixPath(name))):
                return file._replace(other_case=real)
        except FileNotFoundError:
            return file._replace(other_case=self._on_disk(name, folder))
        except (OSError, RuntimeError, ValueError) as error:
            # RuntimeError: a symbolic link that leads to itself. ValueError: a NUL in the name.
            return file._replace(there=True, size=1, trouble=_words(error))
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._seen.get((path, kind))
        if known is None or known[0] != stamp:
            known = self._seen[path, kind] = (stamp, _opened(path, kind, status.st_size))
        return known[1]._replace(name=name)

    def _on_disk(self, name: str, folder: Path) -> str:
        """The name but for letter case and the encoding of accents, as the disk has it; "" when there is none."""
        here, found = folder, PurePosixPath()
        for part in PurePosixPath(name).parts:
            real = self._listing(here).get(_alike(part), "")
            if not real:
                return ""
            here, found = here / real, found / real
        return str(found)

    def _listing(self, folder: Path) -> dict[str, str]:
        try:
            stamp = folder.stat().st_mtime_ns
            known = self._listings.get(folder)
            if known is None or known[0] != stamp:
                known = self._listings[folder] = (stamp, {_alike(path.name): path.name for path in folder.iterdir()})
        except OSError:
            return {}
        return known[1]


def _alike(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _opened(path: Path, kind: str, size: int) -> MediaFile:
    """What the content of a file tells."""
    file = MediaFile(kind, path.name, there=True, size=size)
    try:
        if not size:
            return file
        if kind == "images":
            return _image(path, file)
        with path.open("rb") as content:
            head = content.read(16)
    except OSError as error:
        return file._replace(trouble=_words(error))
    return file._replace(format=_film_or_sound(head, kind))


def _film_or_sound(head: bytes, kind: str) -> str:
    if head[4:8] == b"ftyp":
        return "MP4"
    if head[:4] == b"RIFF":
        return {b"AVI ": "AVI"}.get(head[8:12], "") if kind == "videos" else {b"WAVE": "WAV"}.get(head[8:12], "")
    if kind == "audios" and head[:1] == b"\xff" and head[1:2] >= b"\xe0":
        return "MP3"
    heads = _VIDEO_HEADS if kind == "videos" else _AUDIO_HEADS
    return next((name for start, name in heads if head.startswith(start)), "")


def _image(path: Path, file: MediaFile, *, whole: bool = True) -> MediaFile:
    """What Pillow, with which the trainer opens images, makes of a file. whole: decode it to its end."""
    # 50 ms to import, and only multimodal rows need it.
    from PIL import Image, UnidentifiedImageError

    # Our own limit is its hard one; the softer one would warn on a standard error that the screens paint on.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            file = file._replace(format=image.format or "?", width=image.width, height=image.height)
            if whole and image.width * image.height <= MOST_PIXELS:
                # JPEG can decode to an eighth of its size, and notices a cut all the same.
                image.draft("RGB", (1, 1))
                image.load()
    except UnidentifiedImageError:
        return file
    except Exception as error:
        # Its decoders raise whatever their parsers run into: OSError, SyntaxError, struct.error, IndexError.
        return file._replace(trouble=_words(error))
    return file


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
