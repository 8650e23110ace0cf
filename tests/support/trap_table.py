"""The trap table of the loader's reference (section 1.9): each line's files, with what becomes of them.

TABLE is keyed by the first cell of the line, word for word.
"""

from __future__ import annotations

import json

from tests.support.file_matrix import PAIR_OF, FileCase, array, large, lines
from tests.support.loader_matrix import BARE, KTO, PAIR, SEEN, SFT, TALK, entry, kto, pair, seen, sft, talk

HISTORY = entry("prompt", "query", "response", "history")
SYSTEM = entry("prompt", "query", "response", "system")
_NONE = "Cannot find valid samples"
_MISLEADING = "Column() changed from object to array in row 0"
_NO_INPUT = {"instruction": "Name a fruit.", "output": "Pear."}
_UNSEEN = {"instruction": "What is green?", "input": "", "output": "梨。"}


def _sft(name: str, raw: bytes, kept: int, dropped: int = 0, *traps: str, error: str = "") -> FileCase:
    """A file under the usual entry; an array is in a .json file, anything else in a .jsonl file."""
    return FileCase(
        name, "a.json" if raw.lstrip()[:1] == b"[" else "a.jsonl", raw, SFT, "sft", kept, dropped, traps, error
    )


def _lost(name: str, output: object) -> FileCase:
    """A file of one row with an answer that is no text."""
    return _sft(name, lines(sft(output=output)), 0, 1, error=_NONE)


def _csv(name: str, text: str, kept: int, dropped: int = 0, *traps: str, error: str = "") -> FileCase:
    return FileCase(name, "a.csv", text.encode(), SFT, "sft", kept, dropped, traps, error)


_LATE_NULL = large({"history": None}, {"history": PAIR_OF})
_LATE_EMPTY = large({"history": []}, {"history": PAIR_OF})
_LATE_COLUMN = large({}, {"system": "Be brief."})

TABLE: dict[str, tuple[FileCase, ...]] = {
    "no `input` column anywhere, no `columns` key": (
        FileCase("array", "a.json", array(_NO_INPUT), BARE, "sft", 0, 0, ("absent-column",), "KeyError: 'input'"),
    ),
    "`input` missing in some rows only": (
        FileCase("array", "a.json", array(sft(), _NO_INPUT), BARE, "sft", 2),
        FileCase("lines", "a.jsonl", lines(_NO_INPUT, sft()), BARE, "sft", 2),
    ),
    "`columns` given but `query` omitted": (
        FileCase("array", "a.json", array(sft()), entry("prompt", "response"), "sft", 1, 0, ("unmapped-column",)),
    ),
    "`columns` only has `images`": (
        FileCase(
            "array",
            "a.json",
            array(sft(images=[])),
            entry("images"),
            "sft",
            0,
            1,
            ("no-response", *["unmapped-column"] * 3),
            _NONE,
        ),
    ),
    "`history` `[]` everywhere / only in one row": (
        FileCase("everywhere", "a.jsonl", lines(sft(history=[]), sft(history=[])), HISTORY, "sft", 2),
        FileCase("in one row", "a.jsonl", lines(sft(history=[]), sft(history=PAIR_OF)), HISTORY, "sft", 2),
    ),
    '`history: ""` in some rows, list in others': (
        FileCase(
            "lines",
            "a.jsonl",
            lines(sft(history=""), sft(history=PAIR_OF)),
            HISTORY,
            "sft",
            0,
            0,
            ("mixed-types",),
            "DatasetGenerationError: JSON parse error: Column(/history) changed from string to array",
        ),
    ),
    "history present but not mapped": (
        FileCase("array", "a.json", array(sft(history=PAIR_OF)), SFT, "sft", 1, 0, ("unmapped-column",)),
    ),
    "empty instruction AND empty input": (_sft("array", array(sft(instruction="", input="")), 1),),
    'empty output ""': (_sft("array", array(sft(output="")), 1),),
    "null / int / list / dict output": (
        _sft("null", lines(sft(), sft(output=None)), 1, 1),
        _lost("int", 3),
        _lost("list", ["a"]),
        _lost("dict", {"a": "b"}),
        _sft(
            "mixed, lines",
            lines(sft(), sft(output=3)),
            0,
            0,
            "mixed-types",
            error="Column(/output) changed from string to number",
        ),
        _sft(
            "mixed, array", array(sft(), sft(output=3)), 0, 0, "mixed-types", error="Expected bytes, got a 'int' object"
        ),
    ),
    "int instruction": (
        _sft(
            "lines", lines(sft(instruction=3)), 0, error="TypeError: sequence item 0: expected str instance, int found"
        ),
    ),
    "JSONL whose outputs ALL look like ISO dates": (
        _sft("lines", lines(sft(output="2024-05-17"), sft(output="2024-05-18 10:00")), 0, 2, "dates", error=_NONE),
        _sft("lines, one is no date", lines(sft(output="2024-05-17"), sft()), 2),
        _sft("array", array(sft(output="2024-05-17")), 1),
    ),
    "empty `[]` json / empty jsonl": (
        _sft("json", b"[]", 0, 0, "no-rows", error='Instruction "train" corresponds to no data!'),
        _sft("jsonl", b"", 0, 0, "empty-file", "no-rows", error="at least one example"),
    ),
    "BOM in a `.json` array, GBK bytes, trailing comma": (
        _sft("mark", b"\xef\xbb\xbf" + array(sft()), 0, 0, "byte-order-mark", error=_MISLEADING)._replace(
            file_name="a.json"
        ),
        _sft("GBK", array(sft()).decode().encode("gbk"), 0, 0, "encoding", "no-rows", error=_MISLEADING),
        _sft("trailing comma", array(sft())[:-1] + b",]", 0, 0, "syntax", "no-rows", error=_MISLEADING),
    ),
    "BOM in jsonl, CRLF, NUL, U+2028, blank lines": (
        _sft("mark", b"\xef\xbb\xbf" + lines(sft()), 1, 0, "byte-order-mark"),
        _sft("CRLF and blank lines", lines(sft(), sft()).replace(b"\n", b"\r\n\r\n"), 2),
        _sft("NUL and U+2028", lines(sft(output="a\x00b"), sft(output="a\u2028b")), 2),
    ),
    "JSONL content in `.json`, array in `.jsonl`": (
        _sft("lines in .json", lines(sft(), sft()), 2)._replace(file_name="a.json"),
        _sft("array in .jsonl", array(sft(), sft()), 2)._replace(file_name="a.jsonl"),
    ),
    'wrapper `{"data":[...]}`': (
        FileCase(
            "object",
            "a.json",
            json.dumps({"data": [sft()]}).encode(),
            SFT,
            "sft",
            0,
            0,
            ("wrapper", *["absent-column"] * 3),
            "KeyError: 'instruction'",
        ),
    ),
    "extra keys that differ per row": (
        _sft("differ", lines(sft(x=1), sft(y="z")), 2),
        _sft("one key of two types", lines(sft(x=1), sft(x="z")), 0, 0, "mixed-types", error="Column(/x) changed from"),
    ),
    "lone surrogate `\\ud800`": (
        _sft("array", json.dumps([sft(output="a\ud800")]).encode(), 1, 0, "lone-surrogate"),
        _sft(
            "lines",
            json.dumps(sft(output="a\ud800")).encode(),
            0,
            0,
            "lone-surrogate",
            error="The surrogate pair in string is invalid",
        ),
    ),
    "duplicate key": (
        _sft(
            "lines",
            lines(sft())[:-2] + b', "output": "b"}\n',
            0,
            0,
            "duplicate-key",
            error="Column(/output) was specified twice",
        ),
        _sft("array", array(sft())[:-2] + b', "output": "b"}]', 1, 0, "duplicate-key"),
    ),
    "**JSONL > 10 MB: column null/[] for the first 10 MB then real values**": tuple(
        FileCase(name, "a.jsonl", raw, HISTORY, "sft", 0, 0, ("null-first",), "to null")
        for name, raw in (("null", _LATE_NULL), ("[]", _LATE_EMPTY))
    ),
    "**JSONL > 10 MB: column first appears later**": (
        FileCase("lines", "a.jsonl", _LATE_COLUMN, SYSTEM, "sft", 0, 0, ("late-column",), "there are 1 new columns"),
    ),
    'same data as one JSON array, or "" instead of null': (
        FileCase(
            "null, array", "a.json", large({"history": None}, {"history": PAIR_OF}, write=array), HISTORY, "sft", 104
        ),
        FileCase("column, array", "a.json", large({}, {"system": "Be brief."}, write=array), SYSTEM, "sft", 104),
        FileCase("empty text", "a.jsonl", large({"system": ""}, {"system": "Be brief."}), SYSTEM, "sft", 104),
    ),
    'DPO rejected null -> dropped; rejected "" -> kept; chosen list -> dropped': (
        FileCase("rejected null", "a.jsonl", lines(pair(), pair(rejected=None)), PAIR, "rm", 1, 1),
        FileCase("rejected empty", "a.jsonl", lines(pair(), pair(rejected="")), PAIR, "rm", 2),
        FileCase("chosen list", "a.jsonl", lines(pair(chosen=["a"])), PAIR, "rm", 0, 1, (), _NONE),
    ),
    "`ranking: true` without chosen/rejected columns": (
        FileCase("array", "a.json", array(sft()), SFT | {"ranking": True}, "rm", 0, 0, (), "KeyError: None"),
    ),
    'kto_tag "true"/1 (not bool)': (
        FileCase("text", "a.jsonl", lines(kto(kto_tag="true")), KTO, "kto", 0, 1, (), _NONE),
        FileCase("number", "a.jsonl", lines(kto(kto_tag=1)), KTO, "kto", 0, 1, (), _NONE),
        FileCase("not in all rows", "a.jsonl", lines(kto(), kto(kto_tag=None)), KTO, "kto", 1, 1),
    ),
    "images as a plain string / [] / missing in some rows": (
        FileCase("text", "a.jsonl", lines(seen(images="1.png")), SEEN, "sft", 1),
        FileCase("[]", "a.jsonl", lines(seen(), _UNSEEN | {"images": []}), SEEN, "sft", 2),
        FileCase("missing", "a.jsonl", lines(seen(), _UNSEEN), SEEN, "sft", 2),
        FileCase(
            "text and list, lines",
            "a.jsonl",
            lines(seen(images="1.png"), seen()),
            SEEN,
            "sft",
            0,
            0,
            ("mixed-types",),
            "Column(/images) changed from string to array",
        ),
        FileCase(
            "text and list, array",
            "a.json",
            array(seen(images="1.png"), seen()),
            SEEN,
            "sft",
            0,
            0,
            ("mixed-types",),
            "Expected bytes, got a 'list' object",
        ),
        FileCase(
            "[null]", "a.jsonl", lines(seen(images=[None])), SEEN, "sft", 0, 0, (), "Expect input is a list of images"
        ),
    ),
    'CSV: numeric-looking outputs -> int -> dropped; "NA"/"None" -> null': (
        _csv("numbers", "instruction,input,output\nq,,3\nq,,4\n", 0, 2, "csv-numbers", error=_NONE),
        _csv("NA", "instruction,input,output\nq,,NA\nq,,fine\n", 1, 1, "csv-null"),
        _csv("None", "instruction,input,output\nq,,None\nq,,fine\n", 1, 1, "csv-null"),
    ),
}

BEYOND: tuple[FileCase, ...] = (
    _sft("dates in inputs", lines(sft(input="2024-05-17")), 0, 0, "dates", error="expected str instance, datetime"),
    _sft("dates with a fraction", lines(sft(output="2024-05-17T10:00:00.5")), 1),
    FileCase("dates in pt", "a.jsonl", lines(sft(output="2024-05-17")), SFT, "pt", 1),
    FileCase(
        "dates inside history",
        "a.jsonl",
        lines(talk(history=[["2024-05-17", "2024-05-18"]])),
        TALK,
        "sft",
        0,
        0,
        ("dates",),
        "cannot be converted to int",
    ),
    _sft("GBK lines", lines(sft()).decode().encode("gbk"), 0, 0, "encoding", "no-rows", error="codec can't decode"),
    _sft("UTF-16", array(sft()).decode().encode("utf-16"), 0, 0, "encoding", "no-rows", error="Invalid value"),
    _sft("whole and broken numbers", lines(sft(x=1), sft(x=1.5)), 2),
    _sft("NaN in an array", array(sft(output=float("nan")), sft()), 1, 1, "not-a-number"),
    _sft("NaN", lines(sft(x=float("nan"))), 1, 0, "not-a-number"),
    FileCase(
        "ranking in sft", "a.json", array(pair()), PAIR, "sft", 0, 0, ("no-response", "ranking"), "not applicable"
    ),
    FileCase("ending in capitals", "a.JSON", array(sft()), SFT, "sft", 0, 0, ("file-type",), "Allowed file types"),
    _csv("true and false", "instruction,input,output\nq,,True\nq,,false\n", 0, 2, "csv-numbers", error=_NONE),
    FileCase("kto_tag in csv", "a.csv", b"instruction,input,output,kto_tag\nq,,a,True\nq,,b,false\n", KTO, "kto", 2),
    FileCase(
        "kto_tag in csv, one is no tag",
        "a.csv",
        b"instruction,input,output,kto_tag\nq,,a,True\nq,,b,good\n",
        KTO,
        "kto",
        0,
        2,
        (),
        _NONE,
    ),
    _csv(
        "empty cells for 10 000 rows",
        "instruction,input,output\n" + "q,,fine\n" * 10_000 + "q,late,fine\n",
        0,
        0,
        "cells-first",
        error="as a scalar of type double",
    ),
    FileCase(
        "dates for 10 MB, then text",
        "a.jsonl",
        large({"made": "2024-05-17"}, {"made": "today"}),
        SFT,
        "sft",
        0,
        0,
        ("dates-first",),
        "as a scalar of type timestamp",
    ),
    FileCase("column gone after 10 MB", "a.jsonl", large({"system": "a"}, {}), SYSTEM, "sft", 104),
    FileCase(
        "turns of two namings",
        "a.jsonl",
        lines(
            {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
            {"conversations": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
        ),
        BARE | {"formatting": "sharegpt"},
        "sft",
        1,
        1,
    ),
    FileCase(
        "turns of the other naming",
        "a.jsonl",
        lines({"conversations": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}),
        BARE | {"formatting": "sharegpt"},
        "sft",
        0,
        0,
        ("absent-key", "absent-key"),
        "KeyError: 'from'",
    ),
)
"""Files the table says nothing about."""

FILES = {f"{line}: {case.name}": case for line, cases in TABLE.items() for case in cases} | {
    case.name: case for case in BEYOND
}
