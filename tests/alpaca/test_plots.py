from __future__ import annotations

import xml.etree.ElementTree as ET

from studio.alpaca.census import Census
from studio.alpaca.plots import lengths, stages
from studio.alpaca.rows import Pretrain, Sft

SVG = "{http://www.w3.org/2000/svg}"


def counted(type_, rows, cutoff=64):
    census = Census(type_, cutoff)
    for row in rows:
        census.see(row)
    return census.facts()


def texts(root):
    return ["".join(one.itertext()) for one in root.iter(f"{SVG}text")]


def test_a_panel_for_each_type_on_one_scale():
    facts = [
        counted("sft", [Sft("q", "", "答" * n) for n in (3, 30, 300)]),
        counted("pretrain", [Pretrain("w" * 4000)]),
    ]
    root = ET.fromstring(lengths(facts, 64))
    assert "sft · 3 rows" in texts(root)
    assert "pretrain · 1 row" in texts(root)
    assert "cutoff 64: 1 longer" in texts(root)
    assert len([one for one in root.iter(f"{SVG}line") if one.get("class") == "cutoff"]) == 1
    bars = [one for one in root.iter(f"{SVG}rect") if one.get("class") == "bar"]
    assert len(bars) == 4
    assert len({one.get("width") for one in bars}) == 1
    assert max(float(one.get("x")) + float(one.get("width")) for one in root.iter(f"{SVG}rect")) <= 640


def test_the_cutoff_stands_between_the_rows_it_parts():
    facts = counted("sft", [Sft("q", "", "w" * 4 * n) for n in (20, 300)], cutoff=100)
    root = ET.fromstring(lengths([facts], 100))
    short, long = [float(one.get("x")) for one in root.iter(f"{SVG}rect")]
    (line,) = [one for one in root.iter(f"{SVG}line") if one.get("class") == "cutoff"]
    assert short < float(line.get("x1")) < long


def test_stages_are_bars_to_scale_and_names_are_text():
    root = ET.fromstring(stages([("imported", 200), ("<b>&\x1b", 50), ("none", 0)]))
    wide, narrow, none = [float(one.get("width")) for one in root.iter(f"{SVG}rect")]
    assert (wide / narrow, none) == (4, 0)
    assert "<b>&␛" in texts(root)
    assert "200" in texts(root)


def test_nothing_to_draw():
    assert ET.fromstring(lengths([], 64)) is not None
    assert ET.fromstring(stages([])) is not None


def test_the_same_counts_give_the_same_picture():
    facts = counted("sft", [Sft("q", "", "a")])
    assert lengths([facts], 64) == lengths([facts], 64)
