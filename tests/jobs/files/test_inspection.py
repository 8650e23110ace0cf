"""The checks that are on, by the settings."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from studio.alpaca.checks import FIXES
from studio.alpaca.rows import Multimodal, Preference, Pretrain, Sft
from studio.errors import UsageError
from studio.jobs.files.inspection import Inspection
from studio.settings import CheckSettings, RuleSettings, Settings
from tests.support.rows import stored

PICTURES = Path(__file__).parents[3] / "sample_data" / "images"


def inspection(home=Path(), rules=None, **check):
    return Inspection(Settings(check=CheckSettings(**check), rules=rules or {}), home)


def codes(found):
    return [issue.code for issue in found]


def test_rules_of_all_kinds_look_at_a_row(tmp_path):
    shutil.copy(PICTURES / "dots.png", tmp_path / "dots.png")
    (tmp_path / "cut.png").write_bytes((PICTURES / "bars.png").read_bytes()[:-60])
    row = Multimodal("<image><image> 待办", "", "梨" * 4000, ("dots.png", "cut.png"))
    found = inspection(rules={"todo": RuleSettings("TODO|待办", message="unfinished")}).issues(row, tmp_path)
    assert [(issue.code, issue.field, issue.span) for issue in found] == [
        ("over-cutoff", "output", None),
        ("todo", "instruction", (15, 17)),
        ("media-unreadable", "images[1]", None),
    ]


def test_what_is_skipped_is_not_said(tmp_path):
    row = Multimodal("", "", " a<|im_end|>", ("absent.png",))
    every = codes(inspection().issues(row, tmp_path))
    assert {"empty-prompt", "edge-whitespace", "control-token", "image-count", "media-missing"} == set(every)
    kept = inspection(skip=("edge-whitespace", "media-missing")).issues(row, tmp_path)
    assert set(codes(kept)) == set(every) - {"edge-whitespace", "media-missing"}


def test_lengths_are_counted_by_the_models_tokenizer_where_one_is_given(tmp_path):
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "words.json"))
    row = Sft(instruction="Go on.", output="antidisestablishmentarianism " * 30 + "ends.")
    exact = inspection(tmp_path, tokenizer="words.json", cutoff=50)
    assert (exact.estimated, inspection().estimated) == (False, True)
    assert codes(exact.issues(row, tmp_path)) == []
    assert codes(inspection(cutoff=50).issues(row, tmp_path)) == ["over-cutoff"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"skip": ("edge-whitspace",)}, '[check] skip: there is no check "edge-whitspace". Did you mean "edge-white'),
        ({"skip": ("xyzzy",)}, "`studio check --rules` lists them."),
        ({"tokenizer": "absent.json"}, "[check] tokenizer: there is no file"),
        ({"rules": {"mine": RuleSettings("(")}}, "[rules.mine]: pattern is no regular expression"),
        ({"rules": {"media-missing": RuleSettings("x")}}, "[rules.media-missing]: there is a check of that name"),
    ],
)
def test_settings_that_cannot_be_are_named(tmp_path, settings, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        inspection(tmp_path, **settings)


def test_a_seed_may_wait_for_its_answer():
    seed = stored(1, Sft(instruction="Name a fruit."), seed=True)
    assert inspection().issues_of(seed, Path()) == []
    assert codes(inspection().issues_of(stored(1, seed.row), Path())) == ["empty-output"]


def test_what_a_person_let_pass_carries_the_reason_and_holds_nothing_back():
    row = Preference(instruction="Sum?", chosen="Four.", rejected="four.")
    waived = stored(1, row, waived={"chosen-equals-rejected": "case is the point"})
    [issue] = inspection().issues_of(waived, Path())
    assert (issue.code, issue.waived) == ("chosen-equals-rejected", "case is the point")
    assert inspection().faults_of(waived, Path()) == []
    assert codes(inspection().faults_of(stored(1, row), Path())) == ["chosen-equals-rejected"]
    warned = stored(1, Sft(instruction=" q", output="a"))
    assert inspection().faults_of(warned, Path()) == []


def test_too_little_pretrain_text_is_said_of_the_set():
    texts = [Pretrain(text="潮" * 300)]
    assert codes(inspection().issues_of_set(texts)) == ["too-few-tokens"]
    assert inspection(cutoff=200).issues_of_set(texts) == []
    assert inspection(skip=("too-few-tokens",)).issues_of_set(texts) == []
    assert inspection().issues_of_set([]) == []


def test_the_table_has_every_check_once_with_what_it_means():
    table = inspection(rules={"todo": RuleSettings("TODO")}).table
    assert {"empty-output", "over-cutoff", "media-case", "too-few-tokens", "field-type", "unreadable", "todo"} <= set(
        table
    )
    assert all(entry.code == code and entry.meaning.endswith(".") for code, entry in table.items())
    assert {code for code, entry in table.items() if entry.fixable} == set(FIXES)
