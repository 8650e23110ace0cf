"""What is wrong with a file as a whole, before any row: its bytes, its name, the text of an object.

LLaMA-Factory reads files with datasets.load_dataset (its packaged_modules/json and csv): version 4.0, the newest it
takes. Where that refuses a file, its message rarely names the cause; a trap does.
"""

from __future__ import annotations

import codecs
import json
import re
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
    """What the JSON text of one object hides once it is parsed: keys given twice, odd numbers, lone surrogates.

    layout: how the file holds it, for the trainer reads an array with another parser than lines.
    Raises ValueError when the text is no JSON even for the trainer's forgiving parsers.
    """
    lines = layout == "lines"
    seen = _Seen(lines)
    if "\x00" in text:
        raise ValueError("a NUL stands in the text")
    # The parser of arrays takes other control characters as they are, that of lines does not.
    value = json.loads(
        text,
        strict=lines,
        object_pairs_hook=seen.pairs,
        parse_constant=seen.constant,
        parse_int=seen.whole,
        parse_float=seen.fraction,
    )
    traps = []
    for key in seen.twice:
        aborts = lines and key in seen.twice_in_last
        said = f'the key "{key}" is given twice' + ("" if aborts else "; the last one wins")
        traps.append(Trap("duplicate-key", "aborts" if aborts else "loses", said, "Remove one of them.", key, offset))
    if seen.odd:
        said = f"{seen.odd[0]} is no JSON; the trainer reads it, many other tools do not"
        traps.append(Trap("not-a-number", "harmless", said, "Write null or a number.", offset=offset))
    if seen.too_big:
        said = f"the number {seen.too_big[0][:40]} is too big for the trainer's reader"
        traps.append(Trap("number-too-big", "aborts", said, "Write it as text.", offset=offset))
    if isinstance(value, dict):
        effect = "aborts" if lines else _halves(text)
        for column in (key for key, part in value.items() if not (_writable(part) and _writable(key))):
            said = "half of a surrogate pair" + (
                ": the trainer empties or mangles the text" if effect == "loses" else ""
            )
            cure = "Remove the \\ud800 to \\udfff that has no partner."
            shown = column.encode(errors="replace").decode()
            traps.append(Trap("lone-surrogate", effect, said, cure, shown, offset))
    return traps


class _Seen:
    """What the parser comes across on its way through one object. The outermost object is the last one it ends."""

    def __init__(self, lines: bool) -> None:
        self._lines = lines
        self.twice: list[str] = []
        self.twice_in_last: list[str] = []
        self.odd: list[str] = []
        self.too_big: list[str] = []

    def pairs(self, found: list[tuple[str, Any]]) -> dict[str, Any]:
        one = dict(found)
        keys = [key for key, _ in found]
        self.twice_in_last = [key for key in one if keys.count(key) > 1] if len(one) < len(found) else []
        self.twice += self.twice_in_last
        return one

    def constant(self, name: str) -> float:
        self.odd.append(name)
        return float(name.replace("Infinity", "inf"))

    def whole(self, digits: str) -> int:
        # Arrays are read by pandas, whose integers end at 64 bits; lines become floating-point numbers.
        if not self._lines and (len(digits) > _LONGEST or not -(2**63) <= int(digits) < 2**64):
            self.too_big.append(digits)
            return 0
        return int(digits[:_LONGEST])

    def fraction(self, digits: str) -> float:
        number = float(digits)
        if self._lines and number in (float("inf"), float("-inf")):
            self.too_big.append(digits)
        return number


_LONGEST = 40
"""Digits; Python itself refuses to read thousands of them."""
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


def _halves(text: str) -> Effect:
    """What pandas does with the lone surrogates of an array: one before a plain character is lost, others stop it."""
    high_ended = -1
    for escape in _ESCAPE.finditer(text):
        code = int(escape[1] or "0", 16)
        low, follows = 0xDC00 <= code <= 0xDFFF, escape.start() == high_ended and escape[1] is not None
        if low != follows:
            return "aborts"
        high_ended = escape.end() if 0xD800 <= code <= 0xDBFF else -1
    return "loses"


def _writable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
