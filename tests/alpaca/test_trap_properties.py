"""What no trap is told of loads whole: texts of any kind in files of every layout, against LLaMA-Factory itself."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from tests.support import trainer
from tests.support.file_matrix import FileCase, array, lines, outlook
from tests.support.loader_matrix import KTO, OPENAI, PAIR, SFT, SHARE, SHARE_KTO, SHARE_PAIR, TALK, TEXT
from tests.support.row_strategies import texts

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(trainer.missing()), reason=trainer.missing()),
    pytest.mark.filterwarnings("ignore"),  # the trainer's own libraries warn at import
]

odd = st.sampled_from(["2024-05-17", "２０２４-05-17", "3", "３", " 4.5", "NA", "inf", "true", "1e5", "-", "0x1F", '"'])
said = texts | odd
# Now and then a column is something else all through, or null.
column = st.sampled_from([said, said, said, odd, st.none() | said, st.just("2024-05-17 10:00"), st.integers(0, 9)])


def turn(role: str, text: str, roles: tuple[str, ...]) -> st.SearchStrategy:
    return st.fixed_dictionaries({role: st.sampled_from(roles), text: said})


def talk(role: str, text: str, asker: str, teller: str) -> st.SearchStrategy:
    """Exchanges of a question and an answer."""
    exchange = st.tuples(turn(role, text, (asker,)), turn(role, text, (teller,))).map(list)
    return st.lists(exchange, min_size=1, max_size=2).map(lambda pairs: [one for pair in pairs for one in pair])


SHAPES = (
    ("pt", TEXT, {"text": column}),
    ("sft", SFT, {"instruction": column, "input": column, "output": column}),
    ("pt", SFT, {"instruction": column, "input": column, "output": column}),
    (
        "sft",
        TALK,
        {
            "instruction": column,
            "input": column,
            "output": column,
            "system": column,
            "history": st.just(st.lists(st.lists(said, min_size=2, max_size=2), max_size=2)),
        },
    ),
    ("rm", PAIR, {"instruction": column, "input": column, "chosen": column, "rejected": column}),
    ("kto", KTO, {"instruction": column, "input": column, "output": column, "kto_tag": st.just(st.booleans())}),
    ("sft", SHARE, {"conversations": st.just(talk("from", "value", "human", "gpt"))}),
    (
        "kto",
        SHARE_KTO,
        {"conversations": st.just(talk("from", "value", "human", "gpt")), "kto_tag": st.just(st.booleans())},
    ),
    (
        "rm",
        SHARE_PAIR,
        {
            "conversations": st.just(turn("from", "value", ("human",)).map(lambda asked: [asked])),
            "chosen": st.just(turn("from", "value", ("gpt",))),
            "rejected": st.just(turn("from", "value", ("gpt",))),
        },
    ),
    ("sft", OPENAI, {"messages": st.just(talk("role", "content", "user", "assistant"))}),
)
whole = st.integers(-(2**63), 2**64 - 1)  # beyond, orjson gives a float, and nothing is left to tell by
extras = st.sampled_from([said, whole, st.floats(allow_nan=False), st.lists(said), st.none(), st.booleans()])


@st.composite
def files(draw: st.DrawFn) -> FileCase:
    stage, entry, shape = draw(st.sampled_from(SHAPES))
    columns = {name: draw(kinds) for name, kinds in shape.items()}
    layout = draw(st.sampled_from(("lines", "array", "csv") if "conversations" not in shape else ("lines", "array")))
    if layout != "csv" and draw(st.booleans()):
        columns["extra"] = draw(extras)
    rows = draw(st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=4))
    if layout != "csv":
        raw = lines(*rows) if layout == "lines" else array(*rows)
        return FileCase(layout, f"a.{'jsonl' if layout == 'lines' else 'json'}", raw, entry, stage, 0)
    written = io.StringIO()
    table = csv.DictWriter(written, tuple(columns), quoting=csv.QUOTE_ALL)
    table.writeheader()
    table.writerows(rows)
    return FileCase(layout, "a.csv", written.getvalue().encode(), entry, stage, 0)


run = settings(max_examples=400, derandomize=True, database=None, suppress_health_check=[HealthCheck.filter_too_much])


def load(case: FileCase) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        case.write(Path(folder))
        return trainer.load(folder, "rows", case.entry, case.stage)


@run
@given(files())
def test_what_no_trap_is_told_of_loads_whole(case):
    found = outlook(case)
    assume(not found.traps and found.kept == found.rows)
    assert load(case) | {"stage": ""} == {"stage": "", "rows": found.rows, "kept": found.rows, "error": None}


@run
@given(files())
def test_the_outlook_is_what_happens(case):
    found = outlook(case)
    event(f"{case.name} {'trains' if found.trains else 'stops'}")
    loaded = load(case)
    told = (found.trains, found.kept if found.trains else 0)
    assert (loaded["error"] is None, loaded["kept"]) == told, loaded["error"]
