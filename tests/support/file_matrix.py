"""Whole files, good and bad, with what LLaMA-Factory's reader and loader make of them: rows kept, or the error."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from studio.alpaca.dataset_info import FILE_NAME, encode
from studio.alpaca.preflight import Outlook, Preflight
from studio.alpaca.traps import Trap, traps_of_head, traps_of_text
from tests.support.loader_matrix import sft

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAIAAAD9b0jDAAAAJ0lEQVR4nGPUWBDFQG3ARHUTRw0dNXTU0FFDRw0dNXTU0FFDB6WhAJPjAVrmau4HAAAAAElFTkSuQmCC"
)
"""An image of 28 by 28 pixels."""


class FileCase(NamedTuple):
    """A file under an entry in a stage. content: its bytes, or what makes them, for the large ones.

    kept, dropped: rows; neither where the run stops before it has read them. traps: codes our model gives, in any
    order. error: words of the trainer's own message, "" if it trains.
    """

    name: str
    file_name: str
    content: bytes | Callable[[], bytes]
    entry: dict[str, Any]
    stage: str
    kept: int
    dropped: int = 0
    traps: tuple[str, ...] = ()
    error: str = ""

    @property
    def raw(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content()

    def write(self, folder: Path) -> Path:
        """Put the file into a folder with its dataset_info.json and the image its rows may name; its path."""
        (folder / "1.png").write_bytes(PNG)
        (folder / FILE_NAME).write_bytes(encode({"rows": self.entry | {"file_name": self.file_name}}))
        path = folder / self.file_name
        path.write_bytes(self.raw)
        return path


def array(*rows: Any) -> bytes:
    return json.dumps(rows, ensure_ascii=False).encode("utf-8", "surrogatepass")


def lines(*rows: Any) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "surrogatepass")


PAIR_OF = [["Hello", "Good day"]]
_PADDING = {"note": "梨" * 35_000}
"""About 0.1 MB: a hundred of them pass the 10 MB that decide a file's types."""


def large(early: dict[str, Any], late: dict[str, Any], write: Callable[..., bytes] = lines) -> Callable[[], bytes]:
    """What makes 102 long rows with the columns of early, then two with those of late."""
    return lambda: write(*[sft() | _PADDING | early] * 102, *[sft() | {"note": ""} | late] * 2)


_GAP = re.compile(r"[\s,]*")


def _elements(text: str) -> Iterator[str]:
    """The text of each element of an array."""
    decoder = json.JSONDecoder()
    at = _GAP.match(text, text.index("[") + 1).end()
    while text[at] != "]":
        start, (_, at) = at, decoder.raw_decode(text, at)
        yield text[start:at]
        at = _GAP.match(text, at).end()


def outlook(case: FileCase) -> Outlook:
    """Our model's word on the file, with the forgiving parser of the standard library in the reader's place."""
    raw = case.raw
    head = traps_of_head(raw[: 1 << 16], whole=len(raw) <= 1 << 16)
    unreadable = any(trap.code == "encoding" for trap in head)
    text = "" if unreadable else raw.decode("utf-8-sig")
    csv_file = case.file_name.endswith(".csv")
    layout = "csv" if csv_file else "array" if text.lstrip()[:1] == "[" else "lines"
    flight = Preflight("rows", case.entry | {"file_name": case.file_name}, case.stage, layout)
    flight.add(head)
    if csv_file:
        objects = [(row, 0) for row in csv.DictReader(io.StringIO(text))]
    elif layout == "array":
        try:
            objects = [(row, 0) for row in json.loads(text)]
            for one in _elements(text):
                flight.add(traps_of_text(one, layout))
        except ValueError as error:
            flight.add([Trap("syntax", "aborts", str(error), "Correct it.")])
            objects = []
    else:
        objects, offset = [], 0
        for line in text.split("\n"):
            if line.strip():
                objects.append((json.loads(line), offset))
                flight.add(traps_of_text(line, layout, offset) if len(line) < 1 << 16 else [])
            offset += len(line.encode()) + 1
    for row, offset in objects:
        flight.see(row, offset)
    return flight.finish()
