"""Files that are not UTF-8: told from their first bytes, and refused with the command that converts them."""

from __future__ import annotations

import codecs
import re
import shlex
from pathlib import Path

from studio.errors import StudioError

_COMMON = {
    "GB18030": frozenset(
        "的一是不了在有人我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可，。、？：“”（）请"
    ),
    "Big5": frozenset(
        "的一是不了在有人我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可，。、？：「」（）請"
    ),
}
"""The commonest characters of simplified and of traditional Chinese: enough to tell text from a wrong decoding."""
_SHARE = 0.1
_FEW = 8
"""Bytes that are no UTF-8, below which they are rather a fault of their rows."""
_BROKEN_UTF8 = re.compile("[\udc80-\udcff]+")
_UNPACK = {".gz": "gzip -dc", ".zst": "zstd -dc"}


def refuse_foreign(head: bytes, path: Path) -> None:
    """Raise StudioError when the file that begins with head is UTF-16, UTF-32, GB18030 (GBK, GB2312) or Big5.

    A few bytes that are no UTF-8 in a text that is cost only their rows, so the text as a whole must be foreign.
    """
    name = _wide(head) or _chinese(head)
    if not name:
        return
    source, suffix = shlex.quote(str(path)), path.suffix.lower()
    target = path.with_name(f"utf8-{path.stem if suffix in _UNPACK else path.name}")
    convert = f"iconv -f {name} -t UTF-8"
    command = f"{_UNPACK[suffix]} {source} | {convert}" if suffix in _UNPACK else f"{convert} {source}"
    raise StudioError(
        f"{path.name} is written in {name.removesuffix('LE').removesuffix('BE')}, and the trainer reads UTF-8.",
        title="Not UTF-8",
        hint=f"{command} > {shlex.quote(str(target))}",
    )


def _wide(head: bytes) -> str:
    """The name of a UTF-16 or UTF-32 encoding, or ""."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    # Datasets begin with brackets and names, which are ASCII: every second byte is zero.
    first = head[:64]
    even, odd = first[::2].count(0), first[1::2].count(0)
    if max(even, odd) < max(len(first) // 8, 4) or min(even, odd):
        return ""
    return "UTF-16LE" if odd else "UTF-16BE"


def _chinese(head: bytes) -> str:
    """The name of a Chinese encoding in which the bytes read as text, and as UTF-8 do not; or ""."""
    text = head.decode("utf-8", "surrogateescape")
    broken = sum(len(found[0]) for found in _BROKEN_UTF8.finditer(text))
    # Two bytes of another encoding are often one character of UTF-8, three hardly ever.
    whole = sum(1 + (character > "\u07ff") for character in _BROKEN_UTF8.sub("", text) if character > "\x7f")
    if broken < max(whole, _FEW):
        return ""
    shares = {name: _share(head, name, common) for name, common in _COMMON.items()}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= _SHARE else ""


def _share(head: bytes, name: str, common: frozenset[str]) -> float:
    """How much of what is not ASCII are common characters; 0.0 where the bytes cannot be decoded."""
    try:
        # The last character may be cut.
        text = codecs.getincrementaldecoder(name)().decode(head)
    except UnicodeDecodeError:
        return 0.0
    foreign = [character for character in text if character > "\x7f"]
    return sum(map(common.__contains__, foreign)) / len(foreign) if foreign else 0.0
