"""Whole files, good and bad, with what LLaMA-Factory's reader and loader make of them: rows kept, or the error."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, NamedTuple

from studio.alpaca.preflight import Outlook, Preflight
from studio.alpaca.traps import Trap, traps_of_head, traps_of_text
from tests.support.loader_matrix import BARE, KTO, PAIR, SFT, entry, kto, pair, sft


class FileCase(NamedTuple):
    """A file under an entry in a stage. kept: rows the trainer keeps, 0 with an error when it stops.

    traps: codes our model gives, in any order. error: words of the trainer's own message.
    """

    name: str
    file_name: str
    raw: bytes
    entry: dict[str, Any]
    stage: str
    kept: int
    traps: tuple[str, ...] = ()
    error: str = ""


def array(*rows: Any) -> bytes:
    return json.dumps(rows, ensure_ascii=False).encode("utf-8", "surrogatepass")


def lines(*rows: Any) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "surrogatepass")


HISTORY = entry("prompt", "query", "response", "history")
SYSTEM = entry("prompt", "query", "response", "system")
_PAIR_OF = [["Hello", "Good day"]]
_NO_INPUT = {"instruction": "Name a fruit.", "output": "Pear."}
_NONE = "Cannot find valid samples"
_PADDING = sft(output="梨" * 35_000)
"""About 0.1 MB: a hundred of them pass the 10 MB that decide a file's types."""


def large(early: dict[str, Any], late: dict[str, Any], write: Any = lines) -> bytes:
    """102 rows with the columns of early, then two with those of late."""
    return write(*[_PADDING | early] * 102, *[sft() | late] * 2)


FILES: tuple[FileCase, ...] = (
    FileCase("no input, no columns key", "a.json", array(_NO_INPUT), BARE, "sft", 0, ("absent-column",), "'input'"),
    FileCase("input missing in one row", "a.json", array(sft(), _NO_INPUT), BARE, "sft", 2),
    FileCase("query left out", "a.json", array(sft()), entry("prompt", "response"), "sft", 1, ("unmapped-column",)),
    FileCase(
        "only images mapped",
        "a.json",
        array(sft(images=[])),
        entry("images"),
        "sft",
        0,
        ("no-response", "unmapped-column", "unmapped-column", "unmapped-column"),
        _NONE,
    ),
    FileCase("history [] everywhere", "a.jsonl", lines(sft(history=[]), sft(history=[])), HISTORY, "sft", 2),
    FileCase("history [] in one row", "a.jsonl", lines(sft(history=[]), sft(history=_PAIR_OF)), HISTORY, "sft", 2),
    FileCase(
        "history empty text and list",
        "a.jsonl",
        lines(sft(history=""), sft(history=_PAIR_OF)),
        HISTORY,
        "sft",
        0,
        ("mixed-types",),
        "changed from string to array",
    ),
    FileCase("history not mapped", "a.json", array(sft(history=_PAIR_OF)), SFT, "sft", 1, ("unmapped-column",)),
    FileCase("empty prompt", "a.json", array(sft(instruction="")), SFT, "sft", 1),
    FileCase("empty output", "a.json", array(sft(output="")), SFT, "sft", 1),
    FileCase("null output", "a.jsonl", lines(sft(), sft(output=None)), SFT, "sft", 1),
    FileCase("number output", "a.jsonl", lines(sft(output=3)), SFT, "sft", 0, (), _NONE),
    FileCase("list output", "a.jsonl", lines(sft(output=["a"])), SFT, "sft", 0, (), _NONE),
    FileCase("object output", "a.jsonl", lines(sft(output={"a": "b"})), SFT, "sft", 0, (), _NONE),
    FileCase(
        "output of two types", "a.jsonl", lines(sft(), sft(output=3)), SFT, "sft", 0, ("mixed-types",), "changed from"
    ),
    FileCase(
        "output of two types, array",
        "a.json",
        array(sft(), sft(output=3)),
        SFT,
        "sft",
        0,
        ("mixed-types",),
        "Expected bytes",
    ),
    FileCase("number instruction", "a.jsonl", lines(sft(instruction=3)), SFT, "sft", 0, (), "expected str"),
    FileCase(
        "dates",
        "a.jsonl",
        lines(sft(output="2024-05-17"), sft(output="2024-05-18 10:00")),
        SFT,
        "sft",
        0,
        ("dates",),
        _NONE,
    ),
    FileCase("dates in inputs", "a.jsonl", lines(sft(input="2024-05-17")), SFT, "sft", 0, ("dates",), "datetime"),
    FileCase("dates, one not", "a.jsonl", lines(sft(output="2024-05-17"), sft()), SFT, "sft", 2),
    FileCase("dates with a fraction", "a.jsonl", lines(sft(output="2024-05-17T10:00:00.5")), SFT, "sft", 1),
    FileCase("dates in an array", "a.json", array(sft(output="2024-05-17")), SFT, "sft", 1),
    FileCase("empty array", "a.json", b"[]", SFT, "sft", 0, ("no-rows",), "no data"),
    FileCase("empty file", "a.jsonl", b"", SFT, "sft", 0, ("empty-file", "no-rows"), "at least one example"),
    FileCase(
        "mark before an array",
        "a.json",
        b"\xef\xbb\xbf" + array(sft()),
        SFT,
        "sft",
        0,
        ("byte-order-mark",),
        "from object to array",
    ),
    FileCase("mark before lines", "a.jsonl", b"\xef\xbb\xbf" + lines(sft()), SFT, "sft", 1, ("byte-order-mark",)),
    FileCase(
        "GBK",
        "a.json",
        array(sft()).decode().encode("gbk"),
        SFT,
        "sft",
        0,
        ("encoding", "no-rows"),
        "from object to array",
    ),
    FileCase(
        "GBK lines", "a.jsonl", lines(sft()).decode().encode("gbk"), SFT, "sft", 0, ("encoding", "no-rows"), "utf-8"
    ),
    FileCase(
        "UTF-16",
        "a.json",
        array(sft()).decode().encode("utf-16"),
        SFT,
        "sft",
        0,
        ("encoding", "no-rows"),
        "Invalid value",
    ),
    FileCase(
        "trailing comma",
        "a.json",
        array(sft())[:-1] + b",]",
        SFT,
        "sft",
        0,
        ("syntax", "no-rows"),
        "from object to array",
    ),
    FileCase("CRLF, blank lines", "a.jsonl", lines(sft(), sft()).replace(b"\n", b"\r\n\r\n"), SFT, "sft", 2),
    FileCase("NUL and U+2028", "a.jsonl", lines(sft(output="a\x00b"), sft(output="a\u2028b")), SFT, "sft", 2),
    FileCase("lines in .json", "a.json", lines(sft(), sft()), SFT, "sft", 2),
    FileCase("array in .jsonl", "a.jsonl", array(sft(), sft()), SFT, "sft", 2),
    FileCase(
        "wrapper",
        "a.json",
        json.dumps({"data": [sft()]}).encode(),
        SFT,
        "sft",
        0,
        ("wrapper", "absent-column", "absent-column", "absent-column"),
        "'instruction'",
    ),
    FileCase("extra keys that differ", "a.jsonl", lines(sft(x=1), sft(y="z")), SFT, "sft", 2),
    FileCase("extra key of two types", "a.jsonl", lines(sft(x=1), sft(x="z")), SFT, "sft", 0, ("mixed-types",), "/x"),
    FileCase("whole and broken numbers", "a.jsonl", lines(sft(x=1), sft(x=1.5)), SFT, "sft", 2),
    FileCase(
        "lone surrogate",
        "a.jsonl",
        json.dumps(sft(output="a\ud800")).encode(),
        SFT,
        "sft",
        0,
        ("lone-surrogate",),
        "surrogate pair",
    ),
    FileCase(
        "lone surrogate, array",
        "a.json",
        json.dumps([sft(output="a\ud800")]).encode(),
        SFT,
        "sft",
        1,
        ("lone-surrogate",),
    ),
    FileCase(
        "key twice",
        "a.jsonl",
        lines(sft())[:-2] + b', "output": "b"}\n',
        SFT,
        "sft",
        0,
        ("duplicate-key",),
        "specified twice",
    ),
    FileCase("key twice, array", "a.json", array(sft())[:-2] + b', "output": "b"}]', SFT, "sft", 1, ("duplicate-key",)),
    FileCase("NaN", "a.jsonl", lines(sft(x=float("nan"))), SFT, "sft", 1, ("not-a-number",)),
    FileCase("rejected null", "a.jsonl", lines(pair(), pair(rejected=None)), PAIR, "rm", 1),
    FileCase("rejected empty", "a.jsonl", lines(pair(rejected="")), PAIR, "rm", 1),
    FileCase("chosen list", "a.jsonl", lines(pair(chosen=["a"])), PAIR, "rm", 0, (), _NONE),
    FileCase("ranking without columns", "a.json", array(sft()), SFT | {"ranking": True}, "rm", 0, (), "None"),
    FileCase("ranking in sft", "a.json", array(pair()), PAIR, "sft", 0, ("no-response", "ranking"), "not applicable"),
    FileCase("kto_tag as text", "a.jsonl", lines(kto(kto_tag="true")), KTO, "kto", 0, (), _NONE),
    FileCase("kto_tag as number", "a.jsonl", lines(kto(kto_tag=1)), KTO, "kto", 0, (), _NONE),
    FileCase("ending in capitals", "a.JSON", array(sft()), SFT, "sft", 0, ("file-type",), "Allowed file types"),
    FileCase("csv numbers", "a.csv", b"instruction,input,output\nq,,3\nq,,4\n", SFT, "sft", 0, ("csv-numbers",), _NONE),
    FileCase("csv NA", "a.csv", b"instruction,input,output\nq,,NA\nq,,fine\n", SFT, "sft", 1, ("csv-null",)),
    FileCase(
        "null for 10 MB, then a list",
        "a.jsonl",
        large({"history": None}, {"history": _PAIR_OF}),
        HISTORY,
        "sft",
        0,
        ("null-first",),
        "to null",
    ),
    FileCase(
        "[] for 10 MB, then a list",
        "a.jsonl",
        large({"history": []}, {"history": _PAIR_OF}),
        HISTORY,
        "sft",
        0,
        ("null-first",),
        "to null",
    ),
    FileCase(
        "column after 10 MB",
        "a.jsonl",
        large({}, {"system": "Be brief."}),
        SYSTEM,
        "sft",
        0,
        ("late-column",),
        "1 new columns",
    ),
    FileCase(
        "dates for 10 MB, then text",
        "a.jsonl",
        large({"made": "2024-05-17"}, {"made": "today"}),
        SFT,
        "sft",
        0,
        ("dates-first",),
        "timestamp",
    ),
    FileCase("column gone after 10 MB", "a.jsonl", large({"system": "a"}, {}), SYSTEM, "sft", 104),
    FileCase(
        "null for 10 MB, one array",
        "a.json",
        large({"history": None}, {"history": _PAIR_OF}, lambda *r: array(*r)),
        HISTORY,
        "sft",
        104,
    ),
    FileCase(
        "empty text for 10 MB, then text", "a.jsonl", large({"system": ""}, {"system": "Be brief."}), SYSTEM, "sft", 104
    ),
)


def outlook(case: FileCase) -> Outlook:
    """Our model's word on the file, with the forgiving parser of the standard library in the reader's place."""
    head = traps_of_head(case.raw[: 1 << 16], whole=len(case.raw) <= 1 << 16)
    unreadable = any(trap.code == "encoding" for trap in head)
    text = "" if unreadable else case.raw.decode("utf-8-sig")
    csv_file = case.file_name.endswith(".csv")
    layout = "csv" if csv_file else "array" if text.lstrip()[:1] == "[" else "lines"
    flight = Preflight("rows", case.entry | {"file_name": case.file_name}, case.stage, layout)
    flight.add(head)
    if csv_file:
        objects = [(row, 0) for row in csv.DictReader(io.StringIO(text))]
    elif layout == "array":
        try:
            objects = [(row, 0) for row in json.loads(text)]
            if len(objects) == 1:
                flight.add(traps_of_text(text.strip()[1:-1], layout))
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
