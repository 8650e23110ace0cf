"""The card of an export, README.md: what is in it, where it comes from, what stayed out, how to train on it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from studio.alpaca.census import TypeFacts
from studio.alpaca.rows import RowType
from studio.text.display import visible

MARK = "Made with dataset-studio"
"""Stands in every card, and tells it from one that a person wrote."""

_SPLIT_NAMES = {"": "train", "train": "train", "valid": "validation", "test": "test"}
_HEADINGS = {"status": "Status", "method": "Method", "language": "Language of the prompt"}
_LANGUAGES = {"zh": "Chinese", "en": "English or another"}
_SPECIAL = re.compile(r"([\\`*_\[\]<>|&~#$])")


class PartFile(msgspec.Struct, frozen=True):
    """A dataset file of an export. part: train, valid or test, "" when the rows are not split."""

    type: RowType
    part: str
    file: str
    dataset: str
    rows: int

    @property
    def split(self) -> str:
        """The part as the Hugging Face Hub calls it."""
        return _SPLIT_NAMES[self.part]


class Account(msgspec.Struct, frozen=True):
    """All that a card tells.

    held: the rows that stay out by reason. waiting: seed tasks without an answer. settings: what was asked for, in
    words. figures: alternative text -> file. estimated: the lengths are not by the model's own tokenizer.
    """

    name: str
    version: str
    files: Sequence[PartFile]
    facts: Sequence[TypeFacts]
    held: Mapping[str, int]
    waiting: int
    settings: Mapping[str, str]
    figures: Mapping[str, str]
    configs: Sequence[str]
    cutoff: int
    estimated: bool
    note: str = ""


def card(account: Account) -> str:
    """The card as Markdown, with the metadata the Hugging Face Hub reads in front. No clock time is in it."""
    parts = [
        _front_matter(account),
        f"# {_plain(account.name)}\n",
        f"{MARK} {account.version}. LLaMA-Factory reads it as it is: every row was read back by the rules of its "
        "loader and is kept.\n",
        "**License:** not chosen yet. Say here, and in the first lines of this file, under which terms others may use "
        "these rows; mind the terms of the sources and of the models named below.\n",
        "## Files\n",
        _table(
            ("file", "dataset", "split", "rows"),
            [(_plain(one.file), _plain(one.dataset), one.part or "all", f"{one.rows:,}") for one in account.files],
        ),
        "## Rows\n",
        _lengths(account),
        _counts(account.facts),
        *(f"![{alt}]({file})\n" for alt, file in account.figures.items()),
        "## Where the rows come from\n",
        _origins(account.facts),
        "## What stayed out\n",
        _stayed_out(account),
        "## How it was made\n",
        _table(("setting", "value"), [(name, _plain(value)) for name, value in account.settings.items()]),
        f"{account.note}\n" if account.note else "",
        _training(account.configs),
    ]
    return "\n".join(part for part in parts if part)


def _front_matter(account: Account) -> str:
    """YAML: languages, and which file is which split, for the Hub's viewer. JSON strings are YAML strings."""
    languages = sorted({name for facts in account.facts for name in facts.by.get("language", ())})
    lines = ["---", "# license: choose one, such as apache-2.0 or cc-by-4.0"]
    lines += ["language:", *(f"- {name}" for name in languages)] if languages else []
    lines += ["configs:"] if account.files else []
    for type in dict.fromkeys(one.type for one in account.files):
        lines += [f"- config_name: {type}", "  data_files:"]
        for one in account.files:
            if one.type == type:
                lines += [f"  - split: {one.split}", f"    path: {json.dumps(one.file)}"]
    return "\n".join([*lines, "---", ""])


def _lengths(account: Account) -> str:
    rows = [(facts.type, f"{facts.rows:,}", f"{facts.tokens:,}", _cut(facts), _span(facts)) for facts in account.facts]
    about = " Tokens are estimates: 2/3 for a sign outside ASCII, 1/4 for any other." if account.estimated else ""
    return (
        _table(("type", "rows", "tokens trained on", "longer than the cutoff", "lengths"), rows)
        + f"\nThe cutoff is {account.cutoff:,} tokens (`cutoff_len`): the trainer cuts a longer row.{about}\n"
    )


def _cut(facts: TypeFacts) -> str:
    return "packed" if facts.type == "pretrain" else f"{facts.over_cutoff:,}"


def _span(facts: TypeFacts) -> str:
    filled = [bar for bar in facts.lengths if bar[2]]
    return f"{filled[0][0]:,} to {filled[-1][1]:,}" if filled else ""


def _counts(facts: Sequence[TypeFacts]) -> str:
    tables = []
    for heading, title in _HEADINGS.items():
        found = sum((Counter(one.by.get(heading, {})) for one in facts), Counter[str]())
        rows = [
            (_plain(_LANGUAGES.get(label, label)), *(f"{one.by.get(heading, {}).get(label, 0):,}" for one in facts))
            for label, _ in sorted(found.items(), key=lambda one: (-one[1], one[0]))
        ]
        tables.append(_table((title, *(one.type for one in facts)), rows))
    return "\n".join(tables)


def _origins(facts: Sequence[TypeFacts]) -> str:
    found = sum((Counter(one.by.get("origin", {})) for one in facts), Counter[str]())
    rows = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return _table(("origin", "rows"), [(_plain(origin), f"{n:,}") for origin, n in rows])


def _stayed_out(account: Account) -> str:
    if not account.held and not account.waiting:
        return "Nothing that was asked for.\n"
    rows = [(_plain(reason), f"{n:,}") for reason, n in account.held.items()]
    if account.waiting:
        rows.append(("seed tasks that have no answer yet", f"{account.waiting:,}"))
    return _table(("reason", "rows"), rows)


def _training(configs: Sequence[str]) -> str:
    if not configs:
        return ""
    listed = "\n".join(f"llamafactory-cli train {name}" for name in configs)
    return f"## Train\n\nWith LLaMA-Factory 0.9.5, in this folder:\n\n```sh\n{listed}\n```\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text that somebody else chose, as nothing but text: no markup, one line, nothing invisible."""
    return _SPECIAL.sub(r"\\\1", " ".join(visible(text).replace("⏎", " ").split()))
