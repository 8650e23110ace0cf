"""What the Structs declare, as plain values; and settings as lines of a form."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from msgspec import Meta, Struct

from studio.errors import UsageError
from studio.settings import (
    EvolveSettings,
    ExportSettings,
    ProbeSettings,
    SelfInstructSettings,
    Settings,
    with_sections,
)
from studio.settings.declared import declared, sections, sentence
from studio.settings.kinds import Folder, Positive, Seconds
from studio.settings.lines import lines, text, values
from studio.settings.sources import load


class Sample(Struct, frozen=True):
    """One setting of each kind."""

    size: Annotated[
        Positive, Meta(le=9, description="how many", extra={"label": "size", "help": "how many of them", "far": True})
    ] = 3
    share: Annotated[float | None, Meta(description="of all", extra={"label": "share"})] = None
    patience: Annotated[Seconds, Meta(extra={"label": "patience"})] = 1.5
    order: Annotated[Literal["up", "down", "across"], Meta(description="up, or another")] = "up"
    loud: Annotated[bool, Meta(extra={"label": "loud"})] = False
    folder: Folder = ""
    words: Annotated[tuple[str, ...], Meta(extra={"label": "words"})] = ()
    weights: Annotated[dict[Literal["b", "a"], Positive], Meta(extra={"label": "weight"})] = {}


def test_a_declaration_is_read_into_plain_values():
    known = declared(Sample)
    size, patience, order, weights = (known[name] for name in ("size", "patience", "order", "weights"))
    assert (size.kind, size.default, size.least, size.most, size.far) == ("whole", 3, 1, 9, True)
    assert (size.description, size.help, size.label) == ("how many", "how many of them", "size")
    assert (patience.kind, patience.least, patience.above) == ("number", 0, True)
    assert (order.kind, order.choices, order.label, order.far) == ("text", ("up", "down", "across"), "", False)
    assert (known["share"].kind, known["share"].default, known["share"].help) == ("number", None, "of all")
    assert (known["folder"].kind, known["words"].many) == ("folder", True)
    assert (weights.kind, weights.keys, weights.default, weights.least) == ("whole", ("b", "a"), {}, 1)


def test_choices_are_in_the_order_of_the_annotation():
    assert declared(SelfInstructSettings)["variant"].choices == ("paper", "alpaca")
    assert declared(ExportSettings)["types"].choices == ("pretrain", "sft", "preference", "multimodal", "kto")


def test_the_command_line_says_sentences_and_leaves_names_as_they_are():
    known = declared(Sample)
    assert sentence(known["size"]) == "How many of them."
    assert sentence(known["order"]) == "up, or another."
    assert sentence(known["folder"]) == ""


@pytest.mark.parametrize(
    ("kind", "far"),
    [
        (EvolveSettings, {"rounds", "concurrency", "limit", "target", "language", "prompts"}),
        (SelfInstructSettings, {"target", "limit", "concurrency", "prompts"}),
        (ProbeSettings, {"concurrency", "prompts", "context"}),
    ],
)
def test_some_settings_are_no_part_of_a_run_s_identity(kind, far):
    assert {name for name, one in declared(kind).items() if one.far} == far


def test_the_table_has_a_line_for_each_section():
    table = sections(Settings)
    assert table["evolve"].kind is EvolveSettings
    assert (table["exports"].kind, table["exports"].named) == (ExportSettings, True)
    assert (table["keys"].kind, table["keys"].named) == (None, False)


def test_a_further_section_is_one_more_line_of_the_table(tmp_path):
    whole = with_sections({"sample": Sample})
    file = tmp_path / "studio.toml"
    file.write_text("[sample]\nsize = 4\n[evolve]\nrounds = 2\n")
    found = load((file,), {"STUDIO_SAMPLE_ORDER": "down"}, {"sample": {"share": 0.5}}, whole)
    assert (found.sample.size, found.sample.order, found.sample.share) == (4, "down", 0.5)
    assert isinstance(found, Settings)
    assert found.evolve.rounds == 2
    file.write_text("[sample]\nsiz = 4\n")
    with pytest.raises(UsageError, match=r"\[sample\] has no setting 'siz'. Did you mean 'size'"):
        load((file,), {}, whole=whole)
    with pytest.raises(UsageError, match=r"\[sample\]: no installed method has this section") as caught:
        load((file,), {})
    assert "Install the package" in caught.value.hint


def test_a_form_has_the_settings_with_a_label_and_those_that_are_named():
    assert [(line.name, line.label) for line in lines(Sample)] == [
        ("size", "size"), ("share", "share"), ("patience", "patience"), ("loud", "loud"), ("words", "words"),
        ("weights.b", "weight b"), ("weights.a", "weight a"),
    ]  # fmt: skip
    named = lines(Sample, "order", "size", section="sample", before="my ")
    assert [(line.name, line.label) for line in named] == [("sample.order", "my order"), ("sample.size", "my size")]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("size", 3, "3"), ("share", None, ""), ("share", 0.25, "0.25"), ("order", "down", "down"),
        ("loud", True, "yes"), ("words", ("a", "b"), "a,b"), ("folder", "here", "here"), ("patience", 2.0, "2"),
    ],
)  # fmt: skip
def test_values_are_texts_and_come_back(name, value, shown):
    assert text(value) == shown
    assert values(lines(Sample, name), {name: f" {shown} "}) == {name: value}


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("size", "0", "size: '0' does not do. Write a whole number, at least 1 and at most 9."),
        ("size", "1.5", "Write a whole number"),
        ("share", "nan", "share: 'nan' does not do. Write a number."),
        ("share", "inf", "does not do"),
        ("patience", "0", "patience: '0' does not do. Write a number, above 0."),
        ("order", "left", "order: 'left' does not do. Write up, down or across."),
        ("order", "", "does not do"),
        ("loud", "perhaps", "loud: 'perhaps' does not do. Write yes or no."),
    ],
)
def test_what_will_not_do_is_told_with_what_will(name, typed, said):
    with pytest.raises(UsageError) as caught:
        values(lines(Sample, name), {name: typed})
    assert said in str(caught.value)
