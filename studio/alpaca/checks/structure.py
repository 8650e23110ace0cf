"""Rules of form: what the trainer would choke on, drop, or learn wrongly from without a word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

import msgspec

from studio.alpaca.checks.rule import (
    ANGLE,
    ANSWERED,
    BRACKET,
    EVERY,
    PROMPTED,
    TEXT_ONLY,
    Finding,
    Findings,
    Rule,
    Texts,
    in_texts,
)
from studio.alpaca.marks import (
    MEDIA,
    break_control_tokens,
    break_placeholders,
    control_tokens,
    first_control_token,
)
from studio.alpaca.rows import Kto, Multimodal, Preference, Pretrain, Row
from studio.alpaca.rows import texts as texts_of
from studio.text.tokens import normalise


def _blank(name: str) -> Callable[[Row, Texts], Findings]:
    def find(row: Row, texts: Texts) -> Findings:
        text: str = getattr(row, name)
        if not text or text.isspace():
            yield Finding(name, f"{name} is empty" if not text else f"{name} is nothing but white space")

    return find


def _empty_prompt(row: Row, texts: Texts) -> Findings:
    assert not isinstance(row, Pretrain)
    if not row.instruction.strip() and not row.input.strip():
        yield Finding("instruction", "instruction and input are both empty: the trainer would learn from no prompt")


def _history_pair(row: Row, texts: Texts) -> Findings:
    assert not isinstance(row, Pretrain)
    for index, pair in enumerate(row.history):
        for side, name in enumerate(("question", "answer")):
            if not pair[side].strip():
                yield Finding(f"history[{index}][{side}]", f"turn {index + 1} of history has an empty {name}")


_SPEAKERS = (
    (("assistant:", "assistant：", "gpt:", "助手:", "助手：", "回答：", "答："), "an answer where a question belongs"),
    (("user:", "user：", "human:", "用户:", "用户：", "提问：", "问："), "a question where an answer belongs"),
)


def _history_alternation(row: Row, texts: Texts) -> Findings:
    assert not isinstance(row, Pretrain)
    if not row.history:
        return
    for index, pair in enumerate(row.history):
        for side, (labels, said) in enumerate(_SPEAKERS):
            if (start := pair[side].lstrip()[:12].lower()).startswith(labels):
                label = next(label for label in labels if start.startswith(label))
                first = len(pair[side]) - len(pair[side].lstrip())
                where = f"history[{index}][{side}]"
                yield Finding(where, f'begins with "{label}": {said}', (first, first + len(label)))
    question, answer = row.history[-1]
    said_again = row.chosen if isinstance(row, Preference) else row.output
    if question.strip() == row.instruction.strip() and answer.strip() == said_again.strip() and not row.input:
        yield Finding(f"history[{len(row.history) - 1}]", "history ends with this very exchange: it is taught twice")


def _chosen_equals_rejected(row: Row, texts: Texts) -> Findings:
    assert isinstance(row, Preference)
    chosen, rejected = row.chosen.strip(), row.rejected.strip()
    if not chosen:
        return
    if chosen == rejected:
        yield Finding("rejected", "chosen and rejected are the same answer: there is nothing to prefer")
    elif len(chosen) < 2 * len(rejected) < 4 * len(chosen) and normalise(chosen) == normalise(rejected):
        yield Finding("rejected", "chosen and rejected differ in letter case, width or white space alone")


def _kto_true_empty(row: Row, texts: Texts) -> Findings:
    assert isinstance(row, Kto)
    if row.kto_tag and not row.output:
        yield Finding("kto_tag", "kto_tag is true but output is empty: the trainer reads the row as undesirable")


def _placeholders(texts: Texts, kind: str) -> int:
    """How often the trainer meets <kind>: in history, prompt and answer, but not in the system prompt."""
    return sum(text.count(f"<{kind}>") for field, text in texts if field != "system")


def _media_count(kind: str) -> Callable[[Row, Texts], Findings]:
    def find(row: Row, texts: Texts) -> Findings:
        marks, files = _placeholders(texts, kind), len(getattr(row, f"{kind}s"))
        if marks != files:
            said = f"{kind}s: {files}, <{kind}> in the text: {marks}; the trainer stops the whole run"
            yield Finding(f"{kind}s", said)

    return find


def _insert_placeholders(kind: str) -> Callable[[Row], Row]:
    def repair(row: Row) -> Row:
        assert isinstance(row, Multimodal)
        missing = len(getattr(row, f"{kind}s")) - _placeholders(texts_of(row), kind)
        if missing <= 0:
            return row
        return msgspec.structs.replace(row, instruction=f"<{kind}>\n" * missing + row.instruction)

    return repair


def _path_problem(path: str) -> str:
    """What is wrong with how a media path is written, or ""."""
    if "://" in path:
        return "is a web address; the trainer opens files only"
    if "\\" in path:
        return "has backslashes, which are part of the name on Linux"
    if path.startswith(("/", "~")) or path[1:2] == ":":
        return "is absolute: it holds on this machine alone"
    if ".." in path.split("/"):
        return "leads out of the dataset folder"
    suffix = PurePosixPath(path).suffix
    return f"ends in {suffix}: on another disk letter case counts" if suffix != suffix.lower() else ""


def _media_path(row: Row, texts: Texts) -> Findings:
    for kind in MEDIA:
        for index, path in enumerate(getattr(row, f"{kind}s")):
            if problem := _path_problem(path):
                yield Finding(f"{kind}s[{index}]", f"{path} {problem}")


def _straighten_paths(row: Row) -> Row:
    """Backslashes of relative paths turned, unless another problem of a path would stay."""
    media = {
        f"{kind}s": tuple(path.replace("\\", "/") if "://" not in path else path for path in getattr(row, f"{kind}s"))
        for kind in MEDIA
    }
    if any(_path_problem(path) for paths in media.values() for path in paths):
        return row
    return msgspec.structs.replace(row, **media)


def _literal_placeholder(row: Row, texts: Texts) -> Findings:
    for field, text in texts:
        if "<" in text and field != "system":
            for kind in MEDIA:
                if (start := text.find(mark := f"<{kind}>")) >= 0:
                    said = f"{mark} in a row without {kind}s: a multimodal model's run stops at it"
                    yield Finding(field, said, (start, start + len(mark)))


def _control_token(row: Row, texts: Texts) -> Findings:
    for field, text in texts:
        if found := control_tokens(text):
            said = f"{', '.join(found)} is read as a control token of a chat template, not as text"
            yield Finding(field, said, first_control_token(text))


def _edge_whitespace(row: Row, texts: Texts) -> Findings:
    for field, text in texts:
        if text != (bare := text.strip()) and bare:
            sides = [side for side, edge in (("starts", text[0]), ("ends", text[-1])) if edge.isspace()]
            head = len(text) - len(text.lstrip())
            span = (0, head) if head else (len(bare), len(text))
            yield Finding(field, f"{' and '.join(sides)} with white space", span)


STRUCTURE: tuple[Rule, ...] = (
    Rule("empty-text", "error", "A pretrain row needs a text.", (Pretrain,), _blank("text")),
    Rule("empty-prompt", "error", "Instruction or input must hold a prompt.", PROMPTED, _empty_prompt),
    Rule("empty-output", "error", "The answer to learn is empty.", ANSWERED, _blank("output")),
    Rule("empty-chosen", "error", "The better answer is empty.", (Preference,), _blank("chosen")),
    Rule("empty-rejected", "error", "The worse answer is empty.", (Preference,), _blank("rejected")),
    Rule("history-pair", "error", "A turn of history lacks a side.", PROMPTED, _history_pair),
    Rule(
        "history-alternation",
        "warning",
        "History must run question, answer, question, answer, up to the exchange of the row.",
        PROMPTED,
        _history_alternation,
    ),
    Rule(
        "chosen-equals-rejected",
        "error",
        "Chosen and rejected are the same answer but for case, width or white space.",
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
        "media-path",
        "warning",
        "A media path should be relative, inside the dataset folder, with slashes and a lower-case ending. "
        "The fix turns backslashes.",
        (Multimodal,),
        _media_path,
        _straighten_paths,
    ),
    Rule(
        "literal-placeholder",
        "warning",
        "A media placeholder in a row without media. The fix writes a space into it.",
        TEXT_ONLY,
        _literal_placeholder,
        in_texts(break_placeholders, "system"),
        ANGLE,
    ),
    Rule(
        "control-token",
        "warning",
        "A chat template's control token in the text. The fix writes a space into it.",
        EVERY,
        _control_token,
        in_texts(break_control_tokens),
        ANGLE | BRACKET,
    ),
    Rule(
        "edge-whitespace",
        "warning",
        "A text starts or ends with white space. The fix strips it.",
        PROMPTED,
        _edge_whitespace,
        in_texts(lambda text: text.strip() or text),
    ),
)
