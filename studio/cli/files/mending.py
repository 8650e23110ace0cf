"""`studio check --fix`: the automatic fixes of a project's rows, one undoable step a code."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from studio.alpaca.checks import FIXES, FieldChange, changes, fix
from studio.cli.files.checking import run_project, survey
from studio.cli.output import say
from studio.errors import UsageError
from studio.session import Session
from studio.session.journal import count_of
from studio.text.display import one_line

_SAMPLES = 3
_WIDTH = 100


def fixes_of(codes: Sequence[str]) -> list[str]:
    """The asked codes in the order to apply them; "all" stands for every one. Raises UsageError for any other."""
    for code in codes:
        if code not in (*FIXES, "all"):
            near = difflib.get_close_matches(code, FIXES, n=1)
            known = f"There are fixes for: {', '.join(FIXES)}."
            raise UsageError(
                f'There is no automatic fix for "{code}".', hint=f'Did you mean "{near[0]}"?' if near else known
            )
    return [code for code in FIXES if code in codes or "all" in codes]


async def run(session: Session, codes: Sequence[str], dry: bool, as_json: bool) -> int:
    """Mend rows, then check the project. dry: tell what would change, change nothing."""
    issues = (await survey(session)).issues
    steps: list[dict[str, Any]] = []
    for code in fixes_of(codes):
        rows = [row for row, found in issues.items() if any(one.code == code and not one.waived for one in found)]
        samples: list[tuple[int, tuple[FieldChange, ...]]] = []
        n = 0
        for stored in session.rows.page(rows):
            if (mended := fix(stored.row, code)) is not None:
                n += 1
                if len(samples) < _SAMPLES:
                    samples.append((stored.id, changes(stored.row, mended)))
        if not n:
            continue
        if not dry:
            session.rows.fix(code, rows)
            # What one fix brings to light, the next one mends.
            for stored in session.rows.page(rows):
                issues[stored.id] = session.files.issues_of(stored)
        steps.append({"code": code, "rows": n, "samples": [_record(*one) for one in samples]})
        if not as_json:
            _show(code, n, samples, dry)
    if not steps and not as_json:
        say("Nothing to fix.")
    return await run_project(session, None, as_json, {"dry_run": dry, "fixes": steps})


def _record(row: int, changed: tuple[FieldChange, ...]) -> dict[str, Any]:
    return {"row": row, "changes": [change._asdict() for change in changed]}


def _show(code: str, n: int, samples: list[tuple[int, tuple[FieldChange, ...]]], dry: bool) -> None:
    say(f"{code}: {'would fix' if dry else 'fixed'} {count_of(n)}" + ("" if dry else ", one undoable step"))
    for row, changed in samples:
        for field, before, after in changed:
            start = _differs(before, after)
            say(f"  #{row} {field}")
            say(f"    - {_around(before, start)}")
            say(f"    + {_around(after, start)}")


def _differs(before: str, after: str) -> int:
    """Where two texts begin to differ."""
    from rapidfuzz.distance import Prefix

    return Prefix.similarity(before, after)


def _around(text: str, start: int) -> str:
    begin = max(0, start - _WIDTH // 3)
    return ("…" if begin else "") + one_line(text[begin : begin + _WIDTH], _WIDTH)
