"""`studio check`: a project, or a file that is in no project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from studio.alpaca.checks import Issue
from studio.alpaca.rows import RowType
from studio.cli.output import progress, say, show_json, tell
from studio.jobs.events import Checked, FileOpened, Progressed, RowsRead
from studio.jobs.imports import import_files
from studio.jobs.surveys import issues_of_row
from studio.session import Session
from studio.store.opening import sizes

_SHOWN = 50


class Finding(msgspec.Struct, frozen=True):
    """An issue and where it is: the row's number in a file (with its file), or its id in a project."""

    row: int
    code: str
    severity: str
    field: str
    message: str
    where: str


async def run_project(session: Session, type: RowType | None, as_json: bool) -> int:
    """Check every row of a project that is not rejected."""
    checked = Checked(0, {})
    with progress("checking") as meter:
        async for event in session.check():
            if isinstance(event, Progressed):
                meter(event.done, event.total)
            elif isinstance(event, Checked):
                checked = event
    ids = checked.issues
    if type is not None:
        ids = {stored.id: ids[stored.id] for stored in session.rows.page(list(ids)) if stored.type == type}
    origins = {stored.id: session.origin(stored) for stored in session.rows.page(list(ids))}
    findings = [_finding(row, issue, origins[row]) for row, issues in ids.items() for issue in issues]
    return _report(checked.rows, findings, as_json)


def run_file(path: Path, type: RowType | None, as_json: bool) -> int:
    """Check a dataset file: what cannot be read, what is no row of its type, and every row's issues."""
    findings: list[Finding] = []
    rows = 0
    with progress("checking") as meter:
        size = sizes([path])
        for event in import_files([path], type):
            if isinstance(event, FileOpened):
                tell(f"{event.path}: {event.type} ({event.why})")
            elif isinstance(event, RowsRead):
                rows += len(event.rows) + len(event.broken)
                findings += sorted(_of_block(event, path), key=lambda finding: finding.row)
                meter(event.done / 1e6, size / 1e6, "MB")
    return _report(rows, findings, as_json)


def _of_block(event: RowsRead, path: Path) -> Iterator[Finding]:
    from studio.alpaca.rows import decode

    for one in event.broken:
        yield Finding(one.line, "unreadable", "error", f"column {one.column}", one.cause, f"{one.file}:{one.line}")
    for body, number, _, _ in event.rows:
        for issue in issues_of_row(decode(event.type, body), path.parent):
            yield _finding(number, issue, f"{path.name}, row {number}")


def _finding(row: int, issue: Issue, where: str) -> Finding:
    return Finding(row, issue.code, issue.severity, issue.field, issue.message, where)


def _report(rows: int, findings: list[Finding], as_json: bool) -> int:
    codes = Counter(finding.code for finding in findings)
    errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        issues = [msgspec.structs.asdict(finding) for finding in findings]
        show_json({"rows": rows, "errors": errors, "codes": dict(codes.most_common()), "issues": issues})
    else:
        for finding in findings[:_SHOWN]:
            place = f"row {finding.row} ({finding.where})"
            say(f"{place}  {finding.severity}  {finding.code}  {finding.field}: {finding.message}")
        if len(findings) > _SHOWN:
            say(f"... and {len(findings) - _SHOWN} more; --json lists all")
        listed = ", ".join(f"{n} {code}" for code, n in codes.most_common())
        say(f"{rows:,} rows, {errors} errors, {len(findings) - errors} warnings" + (f": {listed}" if listed else ""))
    return 1 if errors else 0
