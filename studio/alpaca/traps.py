"""What is wrong with a file as a whole, before any row: its bytes, its name, the text of an object.

LLaMA-Factory reads files with datasets.load_dataset (its packaged_modules/json and csv): version 4.0, the newest it
takes. Where that refuses a file, its message rarely names the cause; a trap does.
"""

from __future__ import annotations

import codecs
import json
from pathlib import PurePosixPath
from typing import Any, Literal, NamedTuple

Effect = Literal["aborts", "loses", "harmless"]


class Trap(NamedTuple):
    """A fault of a file or an entry.

    effect: aborts stops the whole run; loses means rows or columns go missing without a word; harmless is read
    rightly by the trainer, though not by every tool. cure: what to do. column: where, "" for the file itself.
    offset: where in the file in bytes, None where it has no place.
    """

    code: str
    effect: Effect
    message: str
    cure: str
    column: str = ""
    offset: int | None = None


FILE_TYPES = ("arrow", "csv", "json", "jsonl", "parquet", "txt")
"""Endings LLaMA-Factory's loader knows; it compares them letter by letter."""

_EXPORT = "Import the file and export it: the export is UTF-8 and uniform."
_WIDE_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD = 1 << 16


def traps_of_name(file_name: str) -> list[Trap]:
    """What the trainer has against a file of this name."""
    ending = PurePosixPath(file_name).suffix[1:]
    if ending in FILE_TYPES:
        return []
    known = ", ".join(FILE_TYPES)
    if ending.lower() in FILE_TYPES:
        said, cure = f"the ending .{ending} is not known, only .{ending.lower()} is", "Rename the file in lower case."
    else:
        said, cure = f"the trainer reads {known}; not .{ending}" if ending else "the name has no ending", _EXPORT
    return [Trap("file-type", "aborts", said, cure)]


def traps_of_head(head: bytes, *, whole: bool = False) -> list[Trap]:
    """What the first bytes of a JSON, JSONL or CSV file tell: 64 kB of it are plenty.

    whole: head is all of the file.
    """
    if not head.strip():
        return [Trap("empty-file", "aborts", "the file is empty", "Leave it out, or write rows into it.")]
    if head.startswith(_WIDE_MARKS) or (b"\x00" in head[:4] and head[:1] != b"\x00"):
        return [Trap("encoding", "aborts", "the file is UTF-16 or UTF-32, not UTF-8", _EXPORT, offset=0)]
    traps = []
    body = head.removeprefix(codecs.BOM_UTF8)
    if body != head:
        array = body.lstrip()[:1] == b"["
        said = "a byte-order mark comes first, and the trainer takes the array behind it for something else"
        spared = "a byte-order mark comes first; the trainer skips it in JSONL"
        traps.append(
            Trap("byte-order-mark", "aborts" if array else "harmless", said if array else spared, _EXPORT, offset=0)
        )
    try:
        codecs.getincrementaldecoder("utf-8")().decode(body, final=whole)
    except UnicodeDecodeError as error:
        where = error.start + len(head) - len(body)
        guess = "GBK (GB 18030)" if _reads_as(body, "gb18030") else "another encoding"
        said = f"byte {where + 1} is not UTF-8; the file looks like {guess}"
        traps.append(Trap("encoding", "aborts", said, _EXPORT, offset=where))
    return traps


def _reads_as(body: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(body[:_HEAD])
    except UnicodeDecodeError:
        return False
    return True


def traps_of_text(text: str, layout: Literal["array", "lines"], offset: int = 0) -> list[Trap]:
    """What the JSON text of one object hides once it is parsed: keys given twice, NaN, lone surrogates.

    layout: how the file holds it, for the trainer reads an array with another parser than lines.
    Raises ValueError when the text is no JSON even for the trainer's forgiving parsers.
    """
    twice: list[str] = []
    odd_numbers: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        seen = dict(found)
        if len(seen) < len(found):
            keys = [key for key, _ in found]
            twice.extend(key for key in seen if keys.count(key) > 1)
        return seen

    def constant(name: str) -> float:
        odd_numbers.append(name)
        return float(name.replace("Infinity", "inf"))

    lines = layout == "lines"
    if "\x00" in text:
        raise ValueError("a NUL stands in the text")
    # The parser of arrays takes other control characters as they are, that of lines does not.
    value = json.loads(text, strict=lines, object_pairs_hook=pairs, parse_constant=constant)
    traps = []
    for key in twice:
        said = f'the key "{key}" is given twice' + ("" if lines else "; the last one wins")
        effect: Effect = "aborts" if lines else "loses"
        traps.append(Trap("duplicate-key", effect, said, "Remove one of them.", key, offset))
    if odd_numbers:
        said = f"{odd_numbers[0]} is no JSON; the trainer reads it, many other tools do not"
        traps.append(Trap("not-a-number", "harmless", said, "Write null or a number.", offset=offset))
    if isinstance(value, dict):
        for column in (key for key, part in value.items() if not _writable(part)):
            said = "half of a surrogate pair" + ("" if lines else ": the trainer empties or mangles the text")
            cure = "Remove the \\ud800 to \\udfff that has no partner."
            traps.append(Trap("lone-surrogate", "aborts" if lines else "loses", said, cure, column, offset))
    return traps


def _writable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
