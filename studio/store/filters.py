"""Which rows a view shows: a filter as a value, as SQL, and as the text a person types after ``/``."""

from __future__ import annotations

import msgspec
import orjson

from studio.alpaca.rows import COLUMNS, ROW_TYPES, RowType
from studio.alpaca.stored import STATUSES as STATUSES
from studio.alpaca.stored import Status as Status
from studio.errors import UsageError

# What JSON writes around the texts of a row.
_FRAME = " ".join(name for columns in COLUMNS.values() for name in columns) + ' true false ,:{}[[],[]] "'


_METHOD = "CASE WHEN s.generated THEN r.operation WHEN r.source IS NOT NULL THEN 'imported' ELSE 'written' END"
# "self-instruct" of "self-instruct/input-first".
_FAMILY = "CASE WHEN s.generated THEN substr(r.operation, 1, instr(r.operation || '/', '/') - 1) END"


class Filter(msgspec.Struct, frozen=True):
    """Every condition that is given must hold; None, "" and () mean "any".

    tags: the row has one of these. methods: it came by one of these: an operation such as "deepening", "self-instruct"
    or one of its steps ("self-instruct/input-first"), "imported", or "written" by hand. min_score: it has a score, of
    at least so much.
    """

    generated: bool | None = None
    seed: bool | None = None
    statuses: tuple[Status, ...] = STATUSES
    type: RowType | None = None
    rule: str = ""
    text: str = ""
    tags: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    min_score: float | None = None

    def where(self) -> tuple[str, list[object]]:
        """The condition on ``state`` (alias s) and ``rows`` (alias r), and its parameters."""
        parts: list[str] = []
        values: list[object] = []
        if self.generated is not None:
            parts.append(f"s.generated = {int(self.generated)}")
        if self.seed is not None:
            parts.append(f"s.seed = {int(self.seed)}")
        if set(self.statuses) != set(STATUSES):
            parts.append(f"s.status IN ({', '.join(str(STATUSES.index(status)) for status in self.statuses)})")
        if self.type is not None:
            parts.append(f"s.type = {ROW_TYPES.index(self.type)}")
        if self.rule:
            parts.append("s.rule = ?")
            values.append(self.rule)
        if self.tags:
            parts.append(f"EXISTS (SELECT 1 FROM json_each(s.tags) WHERE value IN ({_marks(self.tags)}))")
            values += self.tags
        if self.methods:
            parts.append(f"({_METHOD} IN ({_marks(self.methods)}) OR {_FAMILY} IN ({_marks(self.methods)}))")
            values += self.methods * 2
        if self.min_score is not None:
            parts.append("s.score >= ?")
            values.append(self.min_score)
        if self.text:
            # Bodies are JSON, so the text is sought the way JSON writes it.
            written = orjson.dumps(self.text)[1:-1].decode()
            parts.append("CAST(r.body AS TEXT) LIKE ? ESCAPE '\\'")
            values.append(_anywhere(written))
            if written.casefold() in _FRAME:
                # Every body holds the columns' names: here only the slower look at each value tells.
                parts.append(
                    "EXISTS (SELECT 1 FROM json_tree(CAST(r.body AS TEXT)) WHERE type = 'text' "
                    "AND atom LIKE ? ESCAPE '\\')"
                )
                values.append(_anywhere(self.text))
        return " AND ".join(parts) or "1", values

    @property
    def needs_body(self) -> bool:
        return bool(self.text or self.methods)


def parse(typed: str, base: Filter) -> Filter:
    """base narrowed by what a person typed: ``status:pending type:sft seed:yes rule:equal tag:hard words``.

    Words that are no condition are sought together in the row's text. Raises UsageError.
    """
    chosen: dict[str, object] = {}
    words: list[str] = []
    for word in typed.split():
        name, colon, value = word.partition(":")
        if not colon or name not in ("status", "type", "seed", "rule", "tag", "method", "score"):
            words.append(word)
        elif name == "status":
            chosen["statuses"] = tuple(_one_of(part, STATUSES) for part in value.split(","))
        elif name == "type":
            chosen["type"] = _one_of(value, ROW_TYPES)
        elif name == "seed":
            chosen["seed"] = _one_of(value, ("yes", "no")) == "yes"
        elif name == "score":
            chosen["min_score"] = _number(value)
        elif name in ("tag", "method"):
            chosen[f"{name}s"] = tuple(part for part in value.split(",") if part)
        else:
            chosen["rule"] = value
    return msgspec.structs.replace(base, text=" ".join(words), **chosen)


def _marks(values: tuple[str, ...]) -> str:
    return ", ".join("?" * len(values))


def _number(value: str) -> float:
    try:
        return float(value.removeprefix(">="))
    except ValueError:
        raise UsageError(f"{value!r} is not a number.", hint="Example: score:3.5") from None


def _anywhere(text: str) -> str:
    """A LIKE pattern for exactly this text somewhere."""
    for wild in ("\\", "%", "_"):
        text = text.replace(wild, f"\\{wild}")
    return f"%{text}%"


def _one_of(value: str, known: tuple[str, ...]) -> str:
    for name in known:
        if value and name.startswith(value):
            return name
    raise UsageError(f"{value!r} is not one of {', '.join(known)}.", hint="Example: status:pending type:sft apple")
