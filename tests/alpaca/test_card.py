from __future__ import annotations

import re

from studio.alpaca.card import MARK, Account, PartFile, card
from studio.alpaca.census import Census
from studio.alpaca.rows import Pretrain, Sft


def facts(type_, rows):
    counted = Census(type_, 2048)
    for row in rows:
        counted.see(row, status="accepted", method="imported", origin="file a.json")
    return counted.facts()


def account(**more):
    usual = {
        "name": "tides",
        "version": "1.0",
        "files": [PartFile("sft", "train", "sft_train.json", "tides_sft_train", 2)],
        "facts": [facts("sft", [Sft("潮水？", "", "退了"), Sft("q", "", "a")])],
        "held": {},
        "waiting": 0,
        "settings": {"format": "alpaca"},
        "figures": {"Row lengths": "figures/lengths.svg"},
        "configs": ["train_sft.yaml"],
        "cutoff": 2048,
        "estimated": True,
    }
    return Account(**usual | more)


def test_front_matter_names_languages_and_splits():
    front = card(account(files=[PartFile("sft", "valid", '潮 "x".json', "d", 2)])).split("---")[1]
    assert "- en\n- zh\n" in front
    assert "- config_name: sft\n" in front
    assert '  - split: validation\n    path: "\\u6f6e \\"x\\".json"\n' in front


def test_the_license_is_left_to_the_person():
    assert "\n**License:** not chosen yet." in card(account())
    assert "\nlicense:" not in card(account())


def test_what_stayed_out():
    assert "Nothing that was asked for." in card(account())
    text = card(account(held={"empty-output: The answer is empty.": 1200}, waiting=3))
    assert "| empty-output: The answer is empty. | 1,200 |" in text
    assert "| seed tasks that have no answer yet | 3 |" in text


def test_names_of_others_are_nothing_but_text():
    text = card(account(name="a|b\n# <script>[x](y)\x1b\u202e", settings={"split": "`1`"}))
    assert "# a\\|b \\# \\<script\\>\\[x\\](y)␛·" in text
    assert "\\`1\\`" in text


def test_tables_have_as_many_cells_in_every_row():
    some = [facts("pretrain", [Pretrain("雨 | 雪")]), facts("sft", [Sft("q")])]
    lines = card(account(facts=some, held={"a|b": 1})).splitlines()
    width = 0
    for line in lines:
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not (cells and width) or cells == width, line
        width = cells


def test_estimates_are_called_so():
    assert "estimates" in card(account())
    assert "estimates" not in card(account(estimated=False))
    assert MARK in card(account())
