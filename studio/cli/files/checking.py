"""`studio check`: a project, or a file that is in no project."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from studio.alpaca.checks import Entry, Issue
from studio.alpaca.llamafactory import Stage
from studio.alpaca.preflight import Outlook
from studio.alpaca.rows import RowType
from studio.alpaca.traps import Trap
from studio.cli.output import progress, say, show_json, tell
from studio.jobs.events import Checked, FileChecked, FileKnown, FileOutlook, FileRowsChecked, Progressed
from studio.jobs.files.file_checks import check_file
from studio.jobs.files.inspection import Inspection
from studio.session import Session
from studio.settings.sources import load, user_file
from studio.store.files.opening import sizes

_SHOWN = 50


class Finding(msgspec.Struct, frozen=True):
    """An issue and where it is: the row's number in a file (with its file), or its id in a project; 0 for all of it.

    fix: `--fix` mends it. span: start and end in the field's text, in characters. waived: why it may pass.
    """

    row: int
    code: str
    severity: str
    field: str
    message: str
    where: str
    fix: bool
    span: tuple[int, int] | None
    waived: str


def show_rules(inspection: Inspection, as_json: bool) -> int:
    """List every check: code, severity, whether there is an automatic fix, what it means."""
    entries = inspection.table.values()
    if as_json:
        show_json([entry._asdict() | {"skipped": entry.code in inspection.skipped} for entry in entries])
        return 0
    for entry in entries:
        state = "skipped" if entry.code in inspection.skipped else "fix" if entry.fixable else ""
        say(f"{entry.code:24}{entry.severity:9}{state:9}{entry.meaning}")
    return 0


def inspection_of(path: Path | None) -> Inspection:
    """The checks by the settings of a project folder; by the user's own for a file, or for nothing."""
    if path is not None and path.is_dir():
        from studio.store.project import SETTINGS_FILE

        return Inspection(load((user_file(), path / SETTINGS_FILE)), path)
    return Inspection(load((user_file(),)), Path())


async def run_project(session: Session, type: RowType | None, as_json: bool, told: dict[str, Any] | None = None) -> int:
    """Check every row of a project that is not rejected. told: what else the JSON document holds."""
    checked = await survey(session)
    ids = checked.issues
    if type is not None:
        ids = {stored.id: ids[stored.id] for stored in session.rows.page(list(ids)) if stored.type == type}
    origins = {stored.id: session.rows.origin(stored) for stored in session.rows.page(list(ids))}
    findings = [_finding(row, issue, origins[row]) for row, issues in ids.items() for issue in issues]
    if type in (None, "pretrain"):
        findings = [*(_finding(0, issue, "the project as a whole") for issue in checked.of_set), *findings]
    if as_json:
        show_json((told or {}) | _record(checked.rows, findings, session.files.inspection.table))
    else:
        _show(checked.rows, findings, "row")
    return 1 if _errors(findings) else 0


async def survey(session: Session) -> Checked:
    """Check the project, with a bar where somebody watches."""
    checked = Checked(0, {}, [])
    with progress("checking") as meter:
        async for event in session.files.check():
            if isinstance(event, Progressed):
                meter(event.done, event.total)
            elif isinstance(event, Checked):
                checked = event
    return checked


def run_file(path: Path, type: RowType | None, stage: Stage | None, as_json: bool) -> int:
    """Check a dataset file: every row's issues, and what the trainer would make of the file as a whole."""
    inspection = inspection_of(path)
    findings: list[Finding] = []
    outlooks: list[FileOutlook] = []
    opened = None
    rows = 0
    with progress("checking") as meter:
        size = sizes([path])
        for event in check_file(path, type, stage, inspection):
            if isinstance(event, FileKnown):
                opened = event
                tell(f"{event.path}: {event.type} ({event.why})")
            elif isinstance(event, FileRowsChecked):
                rows += event.rows
                findings += [_finding(number, issue, f"{path.name}, row {number}") for number, issue in event.issues]
                meter(event.done / 1e6, size / 1e6, "MB")
            elif isinstance(event, FileChecked):
                outlooks = event.outlooks
    if as_json:
        assert opened is not None  # FileKnown comes first
        record = {"file": str(path), "type": opened.type, "why": opened.why}
        trainer = [_outlook_record(one) for one in outlooks]
        show_json({**record, **_record(rows, findings, inspection.table), "trainer": trainer})
    else:
        _show(rows, findings, f"{path.name}, row")
        for one in outlooks:
            _show_outlook(one)
    return 1 if _errors(findings) or any(_troubled(one.outlook) for one in outlooks) else 0


def _finding(row: int, issue: Issue, where: str) -> Finding:
    return Finding(
        row, issue.code, issue.severity, issue.field, issue.message, where, issue.fix, issue.span, issue.waived
    )


def _errors(findings: Iterable[Finding]) -> int:
    return sum(finding.severity == "error" and not finding.waived for finding in findings)


def _record(rows: int, findings: list[Finding], table: Mapping[str, Entry]) -> dict[str, Any]:
    codes = Counter(finding.code for finding in findings if not finding.waived)
    return {
        "rows": rows,
        "errors": _errors(findings),
        "waived": sum(bool(finding.waived) for finding in findings),
        "codes": dict(codes.most_common()),
        "rules": {code: table[code]._asdict() for code in codes},
        "issues": [msgspec.structs.asdict(finding) for finding in findings],
    }


def _show(rows: int, findings: list[Finding], label: str) -> None:
    standing = [finding for finding in findings if not finding.waived]
    for one in standing[:_SHOWN]:
        place = f"row {one.row} ({one.where})" if label == "row" and one.row else one.where
        fix = "  (--fix mends it)" if one.fix and label == "row" else ""
        say(f"{place}  {one.severity}  {one.code}  {one.field}: {one.message}{fix}")
    if len(standing) > _SHOWN:
        say(f"... and {len(standing) - _SHOWN:,} more; --json lists all")
    errors = _errors(findings)
    listed = ", ".join(f"{n:,} {code}" for code, n in Counter(one.code for one in standing).most_common())
    waived = f", {len(findings) - len(standing):,} waived" if len(standing) < len(findings) else ""
    said = f"{rows:,} rows, {errors:,} errors, {len(standing) - errors:,} warnings{waived}"
    say(f"{said}: {listed}" if listed else said)


# -- what the trainer would make of a file ---------------------------------------------------------


def _troubled(outlook: Outlook) -> bool:
    return not outlook.trains or bool(outlook.reasons) or any(trap.effect == "loses" for trap in outlook.traps)


def _stops(outlook: Outlook) -> list[str]:
    """Why the run would stop, each cause with its cure; empty when it would not."""
    causes = [_with_cure(trap) for trap in outlook.traps if trap.effect == "aborts"]
    causes += [f"{reason.reason} ({n:,} rows)" for reason, n in outlook.reasons.items() if reason.kind == "aborts"]
    return causes if causes or outlook.kept else ["it finds no row to train on"]


def _with_cure(trap: Trap) -> str:
    where = f"{trap.column}: " if trap.column and trap.column not in trap.message else ""
    placed = trap.message.startswith(("line ", "byte "))
    place = f" (byte {trap.offset:,})" if trap.offset and not placed else ""
    return f"{where}{trap.message}{place}. {trap.cure}"


def _show_outlook(one: FileOutlook) -> None:
    outlook = one.outlook
    by = f', the entry "{one.name}" of dataset_info.json' if one.name else ""
    say(f"LLaMA-Factory, stage {one.stage}{by}:")
    stops = _stops(outlook)
    for cause in stops:
        say(f"  would stop: {cause}")
    dropped = {reason.reason: n for reason, n in outlook.reasons.items() if reason.kind == "dropped"}
    if not stops or dropped:
        say(f"  would keep {outlook.kept:,} of {outlook.rows:,} rows")
    for why, n in dropped.items():
        say(f"  would drop {n:,}: {why}")
    for trap in outlook.traps:
        if trap.effect != "aborts":
            say(f"  {'loses something' if trap.effect == 'loses' else 'note'}: {_with_cure(trap)}")
    if one.entry is not None:
        say(f"  in dataset_info.json: {json.dumps(one.entry)}")


def _outlook_record(one: FileOutlook) -> dict[str, Any]:
    outlook = one.outlook
    return {
        "name": one.name,
        "entry": one.entry,
        "stage": one.stage,
        "trains": outlook.trains,
        "rows": outlook.rows,
        "kept": outlook.kept,
        "stops": _stops(outlook),
        "reasons": [{**reason._asdict(), "rows": n} for reason, n in outlook.reasons.items()],
        "traps": [trap._asdict() for trap in outlook.traps],
    }
