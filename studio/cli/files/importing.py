"""`studio import`."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.alpaca.rows import RowType
from studio.cli.output import progress, say, show_json, tell
from studio.errors import UsageError
from studio.jobs.events import Event, FileOpened, ImportedBefore, ImportEnded, RowsRead, SetAside
from studio.session import Session
from studio.store.files.blocks import Broken
from studio.store.files.huggingface import is_hub_name

_SHOWN = 20


def check_places(folder: Path, files: Sequence[Path], command: str = "import") -> None:
    """Raise UsageError for arguments in the wrong order and for files that are not there."""
    if folder.is_file():
        swapped = f"studio {command} {shlex.quote(str(files[0]))} {shlex.quote(str(folder))}"
        raise UsageError(f"{folder} is a file, and the project folder comes first.", hint=f"Write: {swapped}")
    for file in files:
        if not is_hub_name(file) and not file.exists():
            raise UsageError(f"There is no file {file}.", hint="A dataset of the Hugging Face Hub: hf:owner/name")


async def run(
    session: Session,
    files: Sequence[Path],
    type: RowType | None,
    columns: Mapping[str, str],
    seed: bool,
    as_json: bool,
) -> int:
    """Import and report; 1 when something was set aside."""
    report = _Report()
    with progress("importing") as meter:
        async for event in session.files.import_files(files, type, seed=seed, columns=columns):
            report.see(event)
            meter(report.read / 1e6, report.total / 1e6, "MB")
    ended, broken = report.ended, report.broken
    if as_json:
        show_json(
            {
                "imported": ended.rows,
                "set_aside": ended.broken,
                "side_file": ended.path,
                "files": report.files,
                "unused_columns": dict(report.unused),
                "broken": [one.record() for one in broken],
            }
        )
    else:
        say(f"imported {ended.rows:,} {'row' if ended.rows == 1 else 'rows'} into {session.folder}")
    if report.unused:
        listed = ", ".join(f"{name} ({n:,})" for name, n in report.unused.most_common(10))
        tell(f"columns that such rows do not have, kept beside them: {listed}")
    for one in broken:
        tell(str(one))
    if ended.broken:
        more = ended.broken - len(broken)
        tell(f"{ended.broken} could not be read{f' ({more} more than shown)' if more else ''}; kept in {ended.path}")
    return 1 if ended.broken else 0


class _Report:
    """Collects the events of an import. read: bytes read of all files; total: their size in bytes, 0 if unknown."""

    def __init__(self) -> None:
        self.files: list[dict[str, Any]] = []
        self.broken: list[Broken] = []
        self.unused: Counter[str] = Counter()
        self.ended = ImportEnded(0, 0, None)
        self.read = 0
        self.total = 0
        self._before = 0

    def see(self, event: Event) -> None:
        match event:
            case FileOpened():
                self._before = self.read
                self.total = event.total
                self.files.append({"path": event.path, "type": event.type, "why": event.why, "rows": 0})
                tell(f"{event.path}: {event.type} ({event.why})")
            case ImportedBefore():
                self.files[-1]["imported_before"] = event.source
                tell(
                    f"{event.path}: imported before as source {event.source}, {event.rows:,} rows; both are here now, "
                    "u in the screens undoes this one"
                )
            case RowsRead():
                self.files[-1]["rows"] += len(event.rows)
                self.read = self._before + event.done
                self.unused.update(event.unused)
            case SetAside():
                self.broken.extend(event.broken[: _SHOWN - len(self.broken)])
            case ImportEnded():
                self.ended = event
