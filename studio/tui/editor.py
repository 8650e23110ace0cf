"""A row as text for $EDITOR and back: each field under a line "%%% name"."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec

from studio.alpaca.rows import Row, RowError, parse, type_of
from studio.errors import StudioError

_MARK = "%%% "
# A line of the text that itself starts with "%" carries one more, so that it is never taken for a mark.
_MARKED = re.compile(r"^(?=%)", re.MULTILINE)
_DOUBLED = re.compile(r"^%(?=%)", re.MULTILINE)
_HEAD = (
    f"Each field stands under a line that starts with {_MARK}. History and media are JSON. Save and leave to keep it.\n"
)


def to_text(row: Row) -> str:
    """The row for an editor."""
    parts = [_HEAD]
    for name, value in msgspec.structs.asdict(row).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
        parts.append(f"{_MARK}{name}\n{_MARKED.sub('%', text)}\n")
    return "".join(parts)


def from_text(text: str, row: Row) -> Row:
    """The edited row, of the same type as row. Raises RowError when a field is not what it must be."""
    values: dict[str, object] = {}
    known = msgspec.structs.asdict(row)
    # The line break before a mark belongs to the mark, the file's last one to the editor.
    for part in f"\n{text}".removesuffix("\n").split(f"\n{_MARK}")[1:]:
        name, _, body = part.partition("\n")
        if name.strip() not in known:
            raise RowError(name.strip(), "is no field of this row")
        if isinstance(known[name.strip()], str):
            values[name.strip()] = _DOUBLED.sub("", body)
        else:
            try:
                values[name.strip()] = json.loads(body)
            except json.JSONDecodeError as error:
                raise RowError(name.strip(), f"not JSON: {error}") from None
    return parse(type_of(row), known | values)[0]


def edit(row: Row) -> Row:
    """Open the row in $VISUAL or $EDITOR and wait; an editor that fails (:cq) leaves the row as it was.

    Raises StudioError when there is no such editor, or when the text makes no row: then the text is kept.
    """
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    folder = Path(tempfile.mkdtemp(prefix="studio-"))
    file = folder / "row.txt"
    file.write_text(to_text(row), encoding="utf-8", newline="")
    try:
        ended = subprocess.run([*command, str(file)], check=False)
        edited = row if ended.returncode else from_text(file.read_bytes().decode("utf-8"), row)
    except OSError as error:
        raise StudioError(f"{command[0]} cannot be run: {error}.", hint="Set EDITOR to your editor.") from None
    except (RowError, UnicodeDecodeError) as error:
        raise StudioError(f"The row is as it was: {error}.", hint=f"Your text is kept in {file}.") from None
    shutil.rmtree(folder)
    return edited
