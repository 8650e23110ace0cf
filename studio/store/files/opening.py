"""Opening dataset files: plain, gzip or Zstandard, and folders of them."""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, cast

from studio.errors import UsageError

COMPRESSED = (".gz", ".zst")
_PACKED = 1 << 16
_AT_ONCE = 1 << 13
KINDS = (".json", ".jsonl", ".csv", ".parquet", ".arrow", ".txt")


def kind_of(path: Path) -> str:
    """The ending that tells what the file holds, without the compression's; ".json" where it tells nothing."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes and suffixes[-1] in KINDS else ".json"


class _Zstandard:
    """A .zst file's content, frame after frame. Unlike zstandard's own reader it notices a file that was cut."""

    def __init__(self, file: BinaryIO) -> None:
        # Zstandard is in the standard library only from Python 3.14 on.
        import zstandard

        self._file = file
        self._new = zstandard.ZstdDecompressor().decompressobj
        self._frame = self._new()
        self._fresh = True
        self._ready = b""

    def read(self, size: int) -> bytes:
        while not self._ready:
            packed = (self._frame.unused_data if self._frame.eof else b"") or self._file.read(_PACKED)
            if not packed:
                if not self._fresh and not self._frame.eof:
                    raise EOFError("the last Zstandard frame is cut short")
                return b""
            if self._frame.eof:
                self._frame = self._new()
            self._fresh = False
            self._ready = self._frame.decompress(packed)
        read, self._ready = self._ready[:size], self._ready[size:]
        return read

    def close(self) -> None:
        self._file.close()


class Decompressed(io.RawIOBase):
    """A compressed file's content. It ends where the compression is damaged; damage then says how."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self.damage = ""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            # A little at a time: of what is asked for when the damage comes, all is lost.
            read = self._stream.read(min(len(buffer), _AT_ONCE))
        except Exception as error:
            # gzip, zlib and Zstandard each have errors of their own; whichever it is, nothing more can be read.
            self.damage = str(error)
            return 0
        buffer[: len(read)] = read
        return len(read)

    def close(self) -> None:
        self._stream.close()
        super().close()


def opened(path: Path) -> io.BufferedReader:
    """The file's bytes, decompressed as they are read. Raises OSError."""
    match path.suffix.lower():
        case ".gz":
            return io.BufferedReader(Decompressed(cast(BinaryIO, gzip.open(path, "rb"))))
        case ".zst":
            return io.BufferedReader(Decompressed(cast(BinaryIO, _Zstandard(path.open("rb")))))
        case _:
            return path.open("rb")


def damage(file: io.BufferedReader) -> str:
    """What ended the reading of a compressed file before its end; "" when nothing did."""
    return file.raw.damage if isinstance(file.raw, Decompressed) else ""


def expanded(paths: Iterable[Path]) -> list[Path]:
    """Files as they are, folders as the dataset files below them in order of their names.

    Hidden files are left out. Raises UsageError for a folder without any dataset file.
    """
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        below = [file for file in sorted(path.rglob("*")) if file.is_file() and _is_data(file, path)]
        if not below:
            raise UsageError(f"{path} holds no dataset file.", hint=f"Looked for {' '.join(KINDS)}, also .gz and .zst.")
        files += below
    return files


def _is_data(file: Path, folder: Path) -> bool:
    parts = file.relative_to(folder).parts
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    known = bool(suffixes) and suffixes[-1] in KINDS
    return known and file.name != "dataset_info.json" and not any(part.startswith(".") for part in parts)


def sizes(paths: Iterable[Path]) -> int:
    """Bytes of all the files that are not compressed; 0 when some are, for then the sum says nothing."""
    listed = list(paths)
    return 0 if any(path.suffix.lower() in COMPRESSED for path in listed) else sum(p.stat().st_size for p in listed)


_ENDS = 1 << 20


def fingerprint(path: Path) -> str:
    """What tells a file from others wherever it lies: its size and a digest of its first and last megabyte."""
    size = path.stat().st_size
    with path.open("rb") as file:
        digest = hashlib.blake2b(file.read(_ENDS), digest_size=16)
        file.seek(max(size - _ENDS, 0))
        digest.update(file.read(_ENDS))
    return f"{size}-{digest.hexdigest()}"
