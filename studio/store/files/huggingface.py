"""Datasets of the Hugging Face Hub by name, row by row over the network.

A name is ``hf:owner/name[:config][@split]``, or a local folder of dataset files as `datasets.load_dataset` takes it:
``hf:folder``. `datasets` is imported only here, when such a name is read.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from studio.errors import StudioError, UsageError
from studio.store.files.blocks import Block, block_of

PREFIX = "hf:"
_ROWS = 1000
_LISTED = re.compile(r"\[(.*?)\]", re.DOTALL)
_FORM = "Write it like hf:owner/name, hf:owner/name:config or hf:owner/name:config@split."


class Split(NamedTuple):
    """One split of a dataset. name: hf:owner/name:config@split, as it stands in the provenance of its rows."""

    name: str
    rows: Any

    def blocks(self) -> Iterator[Block]:
        """The rows, a thousand at a time. Raises StudioError for a broken connection, and media inside the rows."""
        count = 0
        rows = iter(self.rows)
        while found := self._next(rows):
            yield block_of([(count + n, None, row) for n, row in enumerate(found, 1)], [], 0)
            count += len(found)

    def _next(self, rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
        try:
            return [self._with_paths(row) for row in islice(rows, _ROWS)]
        except StudioError:
            raise
        except Exception as error:
            # Network, parsers and file systems each have errors of their own; whichever it is, no row follows.
            raise StudioError(f"{self.name} broke off: {error}", hint="Import it again.") from None

    def _with_paths(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with paths for its media files."""
        media = [name for name, value in row.items() if _is_media(value)]
        return {name: _path(value, name, self.name) if name in media else value for name, value in row.items()}


def is_hub_name(path: Path) -> bool:
    """Whether this names a dataset of the Hub and no file."""
    return str(path).startswith(PREFIX)


def splits(name: str) -> list[Split]:
    """The named split, or all of them. Raises StudioError with what there is to choose from."""
    where, config, split = _parts(name)
    import datasets
    import huggingface_hub

    # Both talk on stderr, where the screens are painted.
    datasets.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    huggingface_hub.logging.set_verbosity(logging.ERROR)
    try:
        found = datasets.load_dataset(where, config, split=split, streaming=True)
    except Exception as error:
        raise _explained(name, where, error) from None
    by_split = {split: found} if split else dict(found)
    return [Split(_name_of(where, rows, key), rows.decode(False)) for key, rows in by_split.items()]


def _parts(name: str) -> tuple[str, str | None, str | None]:
    """Dataset or folder, configuration and split."""
    where, at, split = name.removeprefix(PREFIX).partition("@")
    folder = Path(where).expanduser()
    config = ""
    if not folder.is_dir():
        where, _, config = where.partition(":")
        folder = Path(where).expanduser()
    if not where or (at and not split):
        raise UsageError(f'"{name}" names no dataset.', hint=_FORM)
    return str(folder), config or None, split or None


def _name_of(where: str, rows: Any, split: Any) -> str:
    config = rows.info.config_name
    return f"{PREFIX}{where}" + (f":{config}" if config and config != "default" else "") + f"@{split}"


def _explained(name: str, where: str, error: Exception) -> StudioError:
    """What a failed load means: `datasets` tells it by its messages more than by its types."""
    text = str(error)
    choices = found[1] if (found := _LISTED.search(text)) else ""
    if "Config name is missing" in text or "BuilderConfig" in text:
        wrong = "has several configurations" if "missing" in text else "has no such configuration"
        return UsageError(f"{name} {wrong}: {choices}.", hint=f"Name one: {PREFIX}{where}:CONFIG")
    if "Bad split" in text or "Unknown split" in text:
        return UsageError(f"{name}: there is no such split, only {choices}.", hint="Leave @split out for all of them.")
    if "gated" in text:
        hint = f"Ask for access at https://huggingface.co/datasets/{where}, then set HF_TOKEN."
        return StudioError(f"{name} is gated: its owner lets people in one by one.", hint=hint)
    if type(error).__name__ == "DatasetNotFoundError":
        hint = "Check the name; a private dataset needs HF_TOKEN in the environment."
        return StudioError(f"There is no dataset {where} on the Hub that you may read.", hint=hint)
    if isinstance(error, ConnectionError):
        hint = "Check the network (HF_ENDPOINT names a mirror), or import a downloaded folder: hf:FOLDER"
        return StudioError(f"The Hugging Face Hub could not be reached for {where}. Nothing was imported.", hint=hint)
    return StudioError(f"{name} could not be loaded: {text}", hint="Nothing was imported.")


def _is_media(value: Any) -> bool:
    """Whether this is what `datasets` holds for a picture, sound or video that it was told not to decode."""
    if isinstance(value, list):
        return bool(value) and _is_media(value[0])
    return isinstance(value, dict) and value.keys() == {"bytes", "path"}


def _path(value: Any, column: str, name: str) -> Any:
    if isinstance(value, list):
        return [_path(one, column, name) for one in value]
    if value["bytes"] is not None or value["path"] is None:
        raise StudioError(
            f"Column {column} of {name} holds the files themselves, and rows name files by their path.",
            hint="Save them as files, and import a dataset file that names them.",
        )
    return value["path"]
