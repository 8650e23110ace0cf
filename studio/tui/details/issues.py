"""An issue as lines: what the rule means, what its fix changes, the row with the place marked."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz.distance import Prefix

from studio.alpaca.checks import Entry, FieldChange, Issue, changes, fix
from studio.store.rows import StoredRow
from studio.text.diff import word_diff
from studio.text.display import one_line
from studio.tui.details.rows import Mark, row_lines
from studio.tui.flow import flow
from studio.tui.ink import Line, Span

# As much of a text as a change is shown in, and of what stays around it, in characters.
_STRETCH = 4000
_AROUND = 40


def issue_lines(issue: Issue, entry: Entry, row: StoredRow, origin: str, width: int) -> list[Line]:
    """The issue, the rule behind it, the automatic fix before and after, the row with the place marked."""
    lines = flow(title(entry, issue.waived), width)
    lines += flow([Span(f"{issue.field}: ", "muted"), Span(issue.message)], width)
    if issue.fix and (mended := fix(row.row, issue.code)) is not None:
        lines += change_lines(changes(row.row, mended), width, "f: ")
    return [*lines, [], *row_lines(row, origin, width, Mark(issue.field, issue.span))]


def title(entry: Entry, waived: str = "") -> Line:
    """A code with what it means."""
    glyph, ink = ("✗", "reject") if entry.severity == "error" else ("!", "pending")
    told = [Span(f"{glyph} {entry.code} ", f"{ink} bold"), Span(entry.meaning)]
    return [*told, Span(f"  ○ waived: {waived}", "muted")] if waived else told


def group_lines(entry: Entry, said: str, fixable: int, samples: Iterable[StoredRow], width: int) -> list[Line]:
    """A code with what it means, and what its fix changes in these of its rows.

    said: what is wrong with the rows as a whole. fixable: how many rows the fix mends.
    """
    lines = flow(title(entry), width)
    if said:
        return [*lines, *flow([Span(said)], width)]
    if not fixable:
        return [*lines, *flow([Span("No automatic fix; space opens it, e edits a row.", "muted")], width)]
    told = f"F mends {fixable:,}, after a look at what it changes. For example:"
    return [*lines, *flow([Span(told, "muted")], width), *samples_lines(samples, entry.code, width)]


def samples_lines(rows: Iterable[StoredRow], code: str, width: int) -> list[Line]:
    """What the fix of a code changes in these rows."""
    lines: list[Line] = []
    for row in rows:
        if (mended := fix(row.row, code)) is not None:
            lines += change_lines(changes(row.row, mended), width, f"#{row.id} ")
    return lines


def change_lines(changed: Iterable[FieldChange], width: int, head: str = "") -> list[Line]:
    """Changes with what goes as [-so-] and what comes as {+so+}."""
    lines: list[Line] = []
    for change in changed:
        lines += flow([Span(f"{head}{change.field}  ", "muted"), *change_spans(change)], width)
    return lines


def change_spans(change: FieldChange) -> list[Span]:
    """One change: the words that go and come, and a little of what stays around them."""
    start = max(0, Prefix.similarity(change.before, change.after) - _AROUND)
    before, after = change.before[start : start + _STRETCH], change.after[start : start + _STRETCH]
    found = word_diff(before, after)
    if len(change.before) > start + _STRETCH and found[-1].kind != "same":
        # Where the stretch was cut, both sides end at different words.
        found = found[:-1]
    spans = [Span("…", "muted")] if start else []
    for number, (kind, left, right) in enumerate(found):
        if kind == "same":
            spans += _kept(left, first=number == 0, last=number == len(found) - 1)
            continue
        if left:
            spans.append(Span(f"[-{one_line(left)}-]", "deleted underline"))
        if right:
            spans.append(Span(f"{{+{one_line(right)}+}}", "inserted underline"))
    return spans


def _kept(text: str, *, first: bool, last: bool) -> list[Span]:
    head, tail = ("" if first else text[:_AROUND]), ("" if last else text[-_AROUND:])
    if len(text) <= len(head) + len(tail):
        return [Span(one_line(text))]
    return [Span(one_line(head)), Span("…", "muted"), Span(one_line(tail))]
