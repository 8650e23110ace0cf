"""Files that are either the old one or the new one, never half of both."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside path that takes path's place when the block ends well.

    Its bytes and the folder's entry are fsynced, so the new file survives a power cut.
    When the block raises, path is untouched and nothing is left beside it.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(0o666 & ~_umask())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write(path: Path, content: bytes) -> None:
    """Put content at path, all or nothing."""
    with replacing(path) as file:
        file.write(content)


def sync_folder(folder: Path) -> None:
    """fsync a folder, so that a rename in it is durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    # The process has no other way to read its umask than to set it.
    current = os.umask(0o077)
    os.umask(current)
    return current
