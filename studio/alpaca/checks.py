"""The basic checks: one function a rule, one table of rules.

An error is something the trainer would choke on, drop, or learn wrongly from without a word; a warning is
worth a look. Where a rule has a repair it is safe to apply to every row of its code: it never removes a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from studio.alpaca.marks import MEDIA, break_control_tokens, break_placeholders, control_tokens
from studio.alpaca.rows import TYPES, Kto, Multimodal, Preference, Pretrain, Row, Sft, map_texts
from studio.alpaca.rows import texts as texts_of

Severity = Literal["error", "warning"]
Texts: TypeAlias = Sequence[tuple[str, str]]
"""The row's non-empty texts with their field paths, as `rows.texts` gives them."""
Found: TypeAlias = Iterator[tuple[str, str]]
"""What a rule yields: field path, message."""


class Issue(NamedTuple):
    """One finding. field: a path like "history[0][1]". fix: `fix(row, code)` would mend it."""

    code: str
    severity: Severity
    field: str
    message: str
    fix: bool


class Rule(NamedTuple):
    """One line of the table.

    types: the row types it looks at. find: the findings in a row.
    repair: the row mended, or the row as it was where nothing can be done.
    """

    code: str
    severity: Severity
    meaning: str
    types: tuple[type[Row], ...]
    find: Callable[[Row, Texts], Found]
    repair: Callable[[Row], Row] | None = None

    @property
    def fixable(self) -> bool:
        """Whether there is an automatic fix for some rows of this code."""
        return self.repair is not None


def check(row: Row) -> list[Issue]:
    """All issues of the row, in the order of `RULES`."""
    found = texts_of(row)
    return [
        Issue(rule.code, rule.severity, field, message, rule.repair is not None and rule.repair(row) != row)
        for rule in _RULES_OF[type(row)]
        for field, message in rule.find(row, found)
    ]


def fix(row: Row, code: str) -> Row | None:
    """The row with every issue of this code mended that can be; None when there is nothing this can mend."""
    repair = _BY_CODE[code].repair
    if repair is None or type(row) not in _BY_CODE[code].types:
        return None
    mended = repair(row)
    return None if mended == row else mended


def _blank(name: str) -> Callable[[Row, Texts], Found]:
    def find(row: Row, texts: Texts) -> Found:
        text: str = getattr(row, name)
        if not text or text.isspace():
            yield name, f"{name} is empty" if not text else f"{name} is nothing but white space"

    return find


def _empty_prompt(row: Row, texts: Texts) -> Found:
    assert not isinstance(row, Pretrain)
    if not row.instruction.strip() and not row.input.strip():
        yield "instruction", "instruction and input are both empty: the trainer would learn from no prompt"


def _history_pair(row: Row, texts: Texts) -> Found:
    assert not isinstance(row, Pretrain)
    for index, pair in enumerate(row.history):
        for side, name in enumerate(("question", "answer")):
            if not pair[side].strip():
                yield f"history[{index}][{side}]", f"turn {index + 1} of history has an empty {name}"


def _chosen_equals_rejected(row: Row, texts: Texts) -> Found:
    assert isinstance(row, Preference)
    if row.chosen.strip() and row.chosen.strip() == row.rejected.strip():
        yield "rejected", "chosen and rejected are the same answer: there is nothing to prefer"


def _kto_true_empty(row: Row, texts: Texts) -> Found:
    assert isinstance(row, Kto)
    if row.kto_tag and not row.output:
        yield "kto_tag", "kto_tag is true but output is empty: the trainer reads the row as undesirable"


def _placeholders(texts: Texts, kind: str) -> int:
    """How often the trainer meets <kind>: in history, prompt and answer, but not in the system prompt."""
    return sum(text.count(f"<{kind}>") for field, text in texts if field != "system")


def _media_count(kind: str) -> Callable[[Row, Texts], Found]:
    def find(row: Row, texts: Texts) -> Found:
        marks, files = _placeholders(texts, kind), len(getattr(row, f"{kind}s"))
        if marks != files:
            yield (
                f"{kind}s",
                f"{kind}s: {files}, <{kind}> in the text: {marks}; the trainer stops the whole run",
            )

    return find


def _insert_placeholders(kind: str) -> Callable[[Row], Row]:
    def repair(row: Row) -> Row:
        assert isinstance(row, Multimodal)
        missing = len(getattr(row, f"{kind}s")) - _placeholders(texts_of(row), kind)
        if missing <= 0:
            return row
        return msgspec.structs.replace(row, instruction=f"<{kind}>\n" * missing + row.instruction)

    return repair


def _literal_placeholder(row: Row, texts: Texts) -> Found:
    for field, text in texts:
        if "<" in text and field != "system":
            for kind in MEDIA:
                if f"<{kind}>" in text:
                    yield field, f"<{kind}> in a row without {kind}s: a multimodal model's run stops at it"


def _control_token(row: Row, texts: Texts) -> Found:
    for field, text in texts:
        if found := control_tokens(text):
            yield field, f"{', '.join(found)} is read as a control token of a chat template, not as text"


def _edge_whitespace(row: Row, texts: Texts) -> Found:
    for field, text in texts:
        if text != (bare := text.strip()) and bare:
            sides = [side for side, edge in (("starts", text[0]), ("ends", text[-1])) if edge.isspace()]
            yield field, f"{' and '.join(sides)} with white space"


def _in_texts(change: Callable[[str], str], *skipped: str) -> Callable[[Row], Row]:
    """A repair that changes every text of the row on its own, those of skipped columns excepted."""
    return lambda row: map_texts(row, change, skipped)


_ANSWERED = (Sft, Multimodal, Kto)
_PROMPTED = (Sft, Preference, Multimodal, Kto)
_TEXT_ONLY = (Sft, Preference, Kto)

RULES: tuple[Rule, ...] = (
    Rule("empty-text", "error", "A pretrain row needs a text.", (Pretrain,), _blank("text")),
    Rule("empty-prompt", "error", "Instruction or input must hold a prompt.", _PROMPTED, _empty_prompt),
    Rule("empty-output", "error", "The answer to learn is empty.", _ANSWERED, _blank("output")),
    Rule("empty-chosen", "error", "The better answer is empty.", (Preference,), _blank("chosen")),
    Rule("empty-rejected", "error", "The worse answer is empty.", (Preference,), _blank("rejected")),
    Rule("history-pair", "error", "A turn of history lacks a side.", _PROMPTED, _history_pair),
    Rule(
        "chosen-equals-rejected",
        "error",
        "Chosen and rejected are the same answer.",
        (Preference,),
        _chosen_equals_rejected,
    ),
    Rule(
        "kto-true-empty",
        "error",
        "A desirable row without an output is read as undesirable.",
        (Kto,),
        _kto_true_empty,
    ),
    *(
        Rule(
            f"{kind}-count",
            "error",
            f"Each file in {kind}s needs one <{kind}> in history, prompt or answer. "
            "The fix puts missing ones at the head of the instruction.",
            (Multimodal,),
            _media_count(kind),
            _insert_placeholders(kind),
        )
        for kind in MEDIA
    ),
    Rule(
        "literal-placeholder",
        "warning",
        "A media placeholder in a row without media. The fix writes a space into it.",
        _TEXT_ONLY,
        _literal_placeholder,
        _in_texts(break_placeholders, "system"),
    ),
    Rule(
        "control-token",
        "warning",
        "A chat template's control token in the text. The fix writes a space into it.",
        (Pretrain, *_PROMPTED),
        _control_token,
        _in_texts(break_control_tokens),
    ),
    Rule(
        "edge-whitespace",
        "warning",
        "A text starts or ends with white space. The fix strips it.",
        _PROMPTED,
        _edge_whitespace,
        _in_texts(lambda text: text.strip() or text),
    ),
)
_BY_CODE = {rule.code: rule for rule in RULES}
_RULES_OF = {shape: tuple(rule for rule in RULES if shape in rule.types) for shape in TYPES.values()}
