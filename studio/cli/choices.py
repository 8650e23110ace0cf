"""What `studio redundancy`, `select` and `decontaminate` do and print."""

from __future__ import annotations

import shlex
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.alpaca.rows import prompt_text
from studio.cli.output import progress, say, show_json, tell
from studio.curate.selecting.contamination import Hit, NearHit
from studio.curate.selecting.redundancy import Figures, Redundancy
from studio.jobs.duplicates.contamination import evidence, near_evidence
from studio.jobs.duplicates.redundancy_events import (
    BenchmarkRead,
    ContaminationFound,
    DiverseSelected,
    RedundancyMeasured,
    RowsMarked,
)
from studio.jobs.events import Event, Progressed
from studio.session import Session
from studio.session.selection import LESS_DIVERSE
from studio.text.display import columns, one_line

_SHOWN = 20
_NAME = 34


async def show_redundancy(session: Session, as_json: bool) -> int:
    """Measure and report."""
    measured: RedundancyMeasured | None = None
    async for event in _watched(session.selection.redundancy(), "measuring"):
        if isinstance(event, RedundancyMeasured):
            measured = event
    assert measured is not None  # a job that ends has measured
    found = measured.redundancy
    if as_json:
        show_json(_redundancy(found))
        return 0
    whole = found.whole
    say(f"{whole.rows:,} rows, {whole.size / 1e6:,.1f} MB of text, compression ratio {whole.ratio:.3f}")
    if not measured.clusters:
        say(f"no near-duplicates are known; `studio dedup {session.folder}` finds them")
    else:
        say(f"clusters of near-duplicates: {whole.clusters:,}, with {whole.clustered:,} rows ({whole.share:.1%})")
    if found.kept is not None:
        kept = found.kept
        say(f"with only the first row of each: {kept.rows:,} rows, compression ratio {kept.ratio:.3f}")
    for title, groups in (("source", found.by_source), ("method", found.by_method)):
        say(f"{title:{_NAME}}{'rows':>10}{'in clusters':>13}{'ratio':>9}")
        for name, group in groups.items():
            label = one_line(name, _NAME - 3)
            padded = label + " " * (_NAME - 2 - columns(label))
            say(f"  {padded}{group.rows:>10,}{group.share:>13.1%}{group.ratio:>9.3f}")
    return 0


async def run_select(session: Session, given: Mapping[str, Any], as_json: bool) -> int:
    """Select, apply, report."""
    chosen: DiverseSelected | None = None
    marked = 0
    async for event in _watched(session.selection.select_diverse(**given), "selecting"):
        if isinstance(event, DiverseSelected):
            chosen = event
        elif isinstance(event, RowsMarked):
            marked = event.rows
    assert chosen is not None
    found = chosen.redundancy
    after = found.kept or found.whole
    if as_json:
        show_json(
            {
                "selected": list(chosen.selected),
                "rows": len(chosen.selected) + len(chosen.others),
                "measure": chosen.measure,
                "seed": chosen.seed,
                "before": _figures(found.whole),
                "after": _figures(after),
                "apply": given["apply"],
                "changed": marked,
            }
        )
        return 0
    say(f"selected {after.rows:,} of {found.whole.rows:,} rows by {chosen.measure}, seed {chosen.seed}")
    say(f"compression ratio {found.whole.ratio:.3f} before, {after.ratio:.3f} after")
    if given["apply"] == "tag":
        say(f"tagged: studio export {shlex.quote(str(session.folder))} --tag {shlex.quote(given['tag'].strip())}")
    elif given["apply"] == "reject":
        back = f"`studio restore {session.folder} --rule {LESS_DIVERSE}`"
        say(f"{marked:,} rows rejected; undo, or {back}, brings them back")
    return 0


async def run_decontaminate(session: Session, files: Sequence[Path], reject: bool, as_json: bool) -> int:
    """Search, reject when asked, report; 1 when contaminated rows stay in."""
    found = ContaminationFound([], 0)
    read: list[BenchmarkRead] = []
    rejected = 0
    async for event in _watched(session.selection.find_contamination(files, reject=reject), "searching"):
        if isinstance(event, BenchmarkRead):
            read.append(event)
            _tell(event)
        elif isinstance(event, ContaminationFound):
            found = event
        elif isinstance(event, RowsMarked):
            rejected = event.rows
    contaminated = found.contaminated
    common = ({hit.row for hit in found.hits} | found.near_many.keys()) - contaminated.keys() - found.near.keys()
    stay = len(contaminated) + len(found.near) - rejected
    if as_json:
        benchmarks = [
            {"file": one.path, "entries": one.entries, "mute": one.mute, "broken": list(map(str, one.broken))}
            for one in read
        ]
        show_json(
            {
                "benchmarks": benchmarks,
                "rows": found.rows,
                "contaminated": list(contaminated),
                "near": list(map(_near, found.near.values())),
                "common": sorted(common),
                "rejected": rejected,
                "hits": list(map(_hit, found.hits)),
            }
        )
        return int(stay > 0)
    for row, hits in contaminated.items():
        say(f"#{row}  {_title(session, row)}\n    {one_line(evidence(hits))}")
    for row, near in found.near.items():
        say(f"#{row}  {_title(session, row)}\n    {one_line(near_evidence(near))}")
    if common:
        say(f"not counted, for they share only what many entries have in common: {len(common):,}, such as")
        quoted = next((hit.text for hit in found.hits if hit.row == min(common)), None)
        say(f"#{min(common)}  {_title(session, min(common)) if quoted is None else one_line(quoted, 64)}")
    say(
        f"contaminated: {len(contaminated) + len(found.near):,} of {found.rows:,} rows"
        + (f", {rejected:,} rejected" if reject else "")
    )
    return int(stay > 0)


async def _watched(events: AsyncGenerator[Event, None], title: str) -> AsyncGenerator[Event, None]:
    """The events of a job other than its progress, which is shown on the meter."""
    with progress(title) as meter:
        async for event in events:
            if isinstance(event, Progressed):
                meter(event.done, event.total, event.unit)
            else:
                yield event


def _tell(read: BenchmarkRead) -> None:
    tell(f"{read.path}: {read.entries:,} entries" + (f", {read.mute:,} without text" if read.mute else ""))
    for broken in read.broken[:_SHOWN]:
        tell(f"  left out: {broken}")
    if len(read.broken) > _SHOWN:
        tell(f"  and {len(read.broken) - _SHOWN:,} more")


def _redundancy(found: Redundancy) -> dict[str, Any]:
    return {
        "whole": _figures(found.whole),
        "first_of_each_cluster": None if found.kept is None else _figures(found.kept),
        "by_source": {name: _figures(group) for name, group in found.by_source.items()},
        "by_method": {name: _figures(group) for name, group in found.by_method.items()},
    }


def _figures(figures: Figures) -> dict[str, Any]:
    counted = {"rows": figures.rows, "clustered": figures.clustered, "clusters": figures.clusters}
    text = {"bytes": figures.size, "compressed": figures.packed, "ratio": round(figures.ratio, 4)}
    return counted | {"share": round(figures.share, 4)} | text


def _hit(hit: Hit) -> dict[str, Any]:
    where = {"row": hit.row, "places": [place._asdict() for place in hit.places], "text": hit.text}
    what = {"tokens": hit.tokens, "file": hit.entry.file, "entry": hit.entry.number, "path": hit.path}
    return where | what | {"texts": hit.texts, "common": hit.common}


def _near(hit: NearHit) -> dict[str, Any]:
    what = {"file": hit.entry.file, "entry": hit.entry.number, "path": hit.path}
    return {"row": hit.row, "score": round(hit.score, 4), **what}


def _title(session: Session, row_id: int) -> str:
    stored = session.rows.get(row_id)
    return one_line(prompt_text(stored.row), 64) if stored else ""
