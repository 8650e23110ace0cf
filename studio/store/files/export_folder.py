"""The folder of an export: files written beside it, moved into place, and what of it is ours to replace.

Other people's files stay as they are: a name is ours when the manifest of an earlier export names the file with the
content it still has, or when dataset_info.json gives it to the dataset that is being written. Everything is renamed
into place, dataset_info.json and the manifest last: a kill in between leaves every file old or new.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

import orjson

from studio.alpaca import dataset_info
from studio.errors import StudioError
from studio.store.files.atomic import sync_folder, write

MANIFEST = "manifest.json"
_STAGING = ".studio-export-"
_MADE_BY = "dataset-studio"


class ExportFolder:
    """A folder that is being exported to, between `opened` and `move_into_place`.

    staging: where its files are written first, under the names they will have. info: the entries of the
    dataset_info.json that is there, None without one. name: the export's; a manifest of another one is not ours.
    """

    def __init__(self, out: Path, staging: Path, name: str, left_over: Collection[Path]) -> None:
        self.out, self.staging = out, staging
        self.info = entries(out) if (out / dataset_info.FILE_NAME).exists() else None
        self._name = name
        self._moving = False
        self._left_over = left_over
        self._manifest = next(
            found for found in _numbered(MANIFEST) if not (out / found).exists() or self._ours(out / found)
        )
        self._earlier = _files(_read(out / self._manifest))
        # An export that was killed while it moved its files had their sums in its own manifest.
        known = [self._earlier, *(_files(_read(folder / self._manifest)) for folder in left_over)]
        self._sums = {(path, told.get("sha256")) for files in known for path, told in files.items()}

    def _ours(self, path: Path) -> bool:
        return _is_of(_read(path), self._name)

    def is_ours(self, path: str) -> bool:
        """Whether an earlier export wrote the file and nobody has changed it since."""
        file = self.out / path
        return any(known == path for known, _ in self._sums) and file.is_file() and (path, _sum(file)) in self._sums

    def place(self, wanted: str) -> Path:
        """Where to write a file of this name; the name is numbered when somebody else's file has it."""
        path = self.staging / next(name for name in _numbered(wanted) if self._free(name) or self.is_ours(name))
        path.parent.mkdir(exist_ok=True)
        return path

    def _free(self, name: str) -> bool:
        return not (self.out / name).exists() and not (self.staging / name).exists()

    def place_data(self, dataset: str, stem: str, suffix: str) -> Path:
        """Where to write a dataset's file: under the name it had before, else stem.suffix, else by its own name."""
        used = {name: entry.get("file_name") for name, entry in (self.info or {}).items() if isinstance(entry, dict)}
        ours = used.pop(dataset, None)
        usable = isinstance(ours, str) and ours.endswith(f".{suffix}") and "/" not in ours
        if usable and ours not in used.values() and not (self.staging / str(ours)).exists():
            return self.staging / str(ours)
        own = re.sub(r"[^\w.-]", "-", dataset)
        names = chain([f"{stem}.{suffix}"], _numbered(f"{own}.{suffix}"))
        return self.staging / next(
            name for name in names if self._free(name) or (name not in used.values() and self.is_ours(name))
        )

    def move_into_place(
        self, entries: Mapping[str, Any], facts: Mapping[str, Mapping[str, Any]], record: Mapping[str, Any]
    ) -> None:
        """Put every staged file where it belongs, with the entries in dataset_info.json and the manifest.

        facts: what the manifest tells of a data file besides its sum and size, by path; a file replaces those that
        earlier exports wrote of its type; their files of other types stay, marked as earlier. record: what the manifest
        tells of the export. Raises OSError; every file is then the old one or the new one.
        """
        files = {
            str(path.relative_to(self.staging)): {"sha256": _sum(path), "bytes": path.stat().st_size}
            for path in sorted(self.staging.rglob("*"))
            if path.is_file()
        }
        for path, told in facts.items():
            files[path] |= told
        gone = self._superseded(files)
        kept = dict(self.info or {})
        for path in gone:
            dataset = self._earlier[path].get("dataset", "")
            entry = kept.get(dataset)
            if dataset not in entries and isinstance(entry, dict) and entry.get("file_name") == path:
                del kept[dataset]
        info = dataset_info.encode(dataset_info.merge(kept, entries))
        _keep_backup(self.out / dataset_info.FILE_NAME, info)
        (self.staging / dataset_info.FILE_NAME).write_bytes(info)
        still = {
            path: {**told, "earlier": True}
            for path, told in self._earlier.items()
            if path not in files and path not in gone and path != dataset_info.FILE_NAME and self.is_ours(path)
        }
        files[dataset_info.FILE_NAME] = {"sha256": hashlib.sha256(info).hexdigest(), "bytes": len(info)}
        told = {"made_by": _MADE_BY, "name": self._name, **record, "files": dict(sorted({**still, **files}.items()))}
        (self.staging / self._manifest).write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
        self._move(gone)
        for folder in self._left_over:
            shutil.rmtree(folder, ignore_errors=True)

    def _superseded(self, files: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Files of earlier exports whose rows are in new files now, and the earlier list of rows held back."""
        types = {told["type"] for told in files.values() if "type" in told}
        return [
            path
            for path, told in self._earlier.items()
            if path not in files and (told.get("type") in types or told.get("held_back")) and self.is_ours(path)
        ]

    def _move(self, gone: Collection[str]) -> None:
        last = [self.staging / dataset_info.FILE_NAME, self.staging / self._manifest]
        staged = sorted(path for path in self.staging.rglob("*") if path.is_file() and path not in last)
        for path in [*staged, *last]:
            with path.open("rb") as file:
                os.fsync(file.fileno())
        self._moving = True
        for path in [*staged, last[0]]:
            self._move_one(path)
        for name in gone:
            (self.out / name).unlink(missing_ok=True)
        self._move_one(last[1])

    def _move_one(self, path: Path) -> None:
        target = self.out / path.relative_to(self.staging)
        target.parent.mkdir(exist_ok=True)
        path.replace(target)
        sync_folder(target.parent)

    def clear(self) -> None:
        """Take the staging folder away; of an export that stopped while it moved files, the manifest stays in it."""
        manifest = self.staging / self._manifest
        if self._moving and manifest.exists():
            for path in self.staging.iterdir():
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                elif path != manifest:
                    path.unlink(missing_ok=True)
        else:
            shutil.rmtree(self.staging, ignore_errors=True)


@contextlib.contextmanager
def opened(out: Path, name: str) -> Iterator[ExportFolder]:
    """The folder, made if need be, to export to. Nothing in it changes before `move_into_place`.

    Raises StudioError when it cannot be written, or has a dataset_info.json that is none.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        left_over = _left_over(out)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=out))
        lock = os.open(staging, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:
        raise StudioError(f"{out} cannot be written: {error.strerror}.", hint="Choose another folder.") from None
    folder = None
    try:
        folder = ExportFolder(out, staging, name, left_over)
        yield folder
    except OSError as error:
        raise StudioError(
            f"The export stopped: {error.strerror or error}. Every file in {out} is whole: the old one or the new one.",
            hint="Mend that and export again.",
        ) from None
    finally:
        if folder is None:
            shutil.rmtree(staging, ignore_errors=True)
        else:
            folder.clear()
        os.close(lock)


def verified(out: Path, name: str) -> dict[str, dict[str, Any]]:
    """What the last export of that name in the folder wrote, by path, as the manifest tells of it.

    Without files of exports before, and without the list of what was held back. Raises StudioError when there is no
    such export, or a file is no longer what it wrote; the card and dataset_info.json others may write into.
    """
    files = {
        path: told
        for path, told in _files(_manifest_of(out, name)).items()
        if not told.get("held_back") and not told.get("earlier")
    }
    for path, told in files.items():
        if path.startswith("README") or path == dataset_info.FILE_NAME:
            continue
        if not (out / path).is_file() or _sum(out / path) != told.get("sha256"):
            raise StudioError(f"{path} in {out} is not what the export wrote.", hint="Export again.")
    return files


def _manifest_of(out: Path, name: str) -> dict[str, Any]:
    for candidate in _numbered(MANIFEST):
        if not (out / candidate).exists():
            raise StudioError(f"{out} holds no export called {name!r}.", hint="Export to it first.")
        if _is_of(found := _read(out / candidate), name):
            return found
    raise AssertionError("names are endless")


def _left_over(out: Path) -> list[Path]:
    """What killed exports were writing; one that still writes holds a lock on its folder."""
    found = []
    for left in sorted(out.glob(f"{_STAGING}*")):
        handle = os.open(left, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found.append(left)
        except BlockingIOError:
            pass
        finally:
            os.close(handle)
    return found


def entries(out: Path) -> dict[str, Any]:
    """The entries of the folder's dataset_info.json. Raises StudioError when it is none, OSError when it is absent."""
    path = out / dataset_info.FILE_NAME
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise StudioError(
            f"{path} is not valid JSON: {error}. It was left as it is.", hint="Mend it or move it away."
        ) from None
    return dataset_info.merge(found, {})


def _read(path: Path) -> dict[str, Any]:
    """A manifest; {} where there is none, or something else."""
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_of(manifest: Mapping[str, Any], name: str) -> bool:
    return manifest.get("made_by") == _MADE_BY and manifest.get("name") == name


def _files(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What a manifest tells of each file. One from elsewhere must not lead out of the folder."""
    found = manifest.get("files")
    files = found.items() if isinstance(found, dict) else ()
    return {path: told for path, told in files if isinstance(told, dict) and not {"..", "/"} & set(Path(path).parts)}


def _numbered(name: str) -> Iterator[str]:
    """name, name-2, name-3, ... with its ending behind."""
    path = Path(name)
    yield name
    yield from (str(path.with_name(f"{path.stem}-{n}{path.suffix}")) for n in count(2))


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _keep_backup(path: Path, info: bytes) -> None:
    """Keep every earlier state of the file under a name of its own."""
    if path.exists() and path.read_bytes() != info:
        names = chain([f"{path.name}.bak"], (f"{path.name}.bak{n}" for n in count(2)))
        write(next(backup for name in names if not (backup := path.with_name(name)).exists()), path.read_bytes())
