"""The balance of a task pool as headings with bars, for the screens and the subcommand alike. Pure."""

from __future__ import annotations

from typing import NamedTuple

from studio.curate.selecting.pool import (
    LANGUAGES,
    PAPER_CLASSIFICATION,
    PAPER_NO_INPUT,
    PAPER_TASKS,
    Balance,
    class_names,
    share,
)
from studio.text.tokens import Language

_OPENINGS, _GOING_ON = 8, 4
_TAGS = 12


class Bar(NamedTuple):
    """A number among others of its section. share: of the section's whole. note: what it is compared with."""

    label: str
    n: int
    share: str
    note: str = ""


class Section(NamedTuple):
    """Bars under a title."""

    title: str
    bars: list[Bar]


def heading(balance: Balance) -> list[str]:
    """How large the pool is, and what it lacks."""
    size = f"{balance.tasks:,} seed tasks; Self-Instruct began with {PAPER_TASKS}"
    return [size, *(f"! {told}" for told in balance.missing)]


def sections(balance: Balance) -> list[Section]:
    """The pool section by section; sections without a task are left out."""
    tasks = balance.tasks
    if not tasks:
        return []
    labelled = balance.of_kind("classification")
    guessed = f", {balance.guessed:,} of {tasks:,} tasks told apart by a guess" if balance.guessed else ""
    found = [
        Section(
            f"kinds{guessed}",
            [
                _bar("classification", labelled, tasks, paper=PAPER_CLASSIFICATION),
                _bar("not classification", tasks - labelled, tasks, paper=PAPER_TASKS - PAPER_CLASSIFICATION),
                _bar("with input", tasks - balance.no_input, tasks, paper=PAPER_TASKS - PAPER_NO_INPUT),
                _bar("without input", balance.no_input, tasks, paper=PAPER_NO_INPUT),
            ],
        ),
        Section("languages, and kinds in each", [bar for language in LANGUAGES for bar in _spoken(balance, language)]),
        Section("tokens of the instruction", _classes(balance.instructions, tasks)),
        Section("tokens of the output", _classes(balance.outputs, tasks)),
    ]
    if balance.tags:
        found.append(Section("tags", [_bar(f"#{tag}", n, tasks) for tag, n in [*balance.tags.items()][:_TAGS]]))
    for language, name in LANGUAGES.items():
        openings = balance.beginnings[language]
        if openings:
            of = balance.of_language(language)
            bars = [_opening(first, following, of) for first, following in [*openings.items()][:_OPENINGS]]
            title = f"{name} instructions begin with" + (
                f" (the most frequent of {len(openings):,})" if len(openings) > _OPENINGS else ""
            )
            found.append(Section(title, bars))
    return found


def _spoken(balance: Balance, language: Language) -> list[Bar]:
    kinds = balance.kinds[language]
    whole = _bar(LANGUAGES[language], sum(kinds.values()), balance.tasks)
    return [whole, *(_bar(f"  {kind}", n, balance.tasks) for kind, n in kinds.items() if n)]


def _bar(label: str, n: int, of: int, *, paper: int | None = None) -> Bar:
    return Bar(label, n, share(n, of), "" if paper is None else f"paper {share(paper, PAPER_TASKS)}")


def _classes(counted: list[int], tasks: int) -> list[Bar]:
    return [_bar(name, n, tasks) for name, n in zip(class_names(), counted, strict=True) if n]


def _opening(first: str, following: dict[str, int], of: int) -> Bar:
    on = [f"{word} {n:,}" if n > 1 else word for word, n in following.items() if word][:_GOING_ON]
    return _bar(first, sum(following.values()), of)._replace(note=", ".join(on))
