"""A probe's curve as lines, for the Position screen. Pure: values in, Lines out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from studio.methods.probe import drawing
from studio.methods.probe.verdict import judge, percent
from studio.text.display import columns, one_line
from studio.tui.details.funnel import estimate_words
from studio.tui.flow import flow
from studio.tui.ink import Line, Span

if TYPE_CHECKING:
    from studio.session.runs.probing import Foretold, Probe

NARROWEST = 30
"""Columns below which the lines are as for so many."""
# With so many, there is room for right answers of questions beside the share.
_COUNTS_FROM = 60
_PARTS = re.compile(f"{drawing.BLOCK}+|{drawing.DOT}|[^{drawing.BLOCK}{drawing.DOT}]+")
_INKS = {drawing.BLOCK: "gold", drawing.DOT: " bold"}
_WEAK = "◂"
# Columns of a histogram of gold with its label.
_HISTOGRAM = 26
_SHORTEST = 8


def curve_line(probe: Probe, width: int) -> Line:
    """The curve of a probe that ended in one line, to stand below the histograms of gold; from 80 columns on."""
    points = [point for point in probe.curve.points if point.asked]
    least = min(points, key=lambda point: point.share)
    told = (
        f"  head {percent(points[0].share)}, tail {percent(points[-1].share)}, "
        f"least {percent(least.share)} at {least.index + 1} of {probe.curve.size}  "
    )
    room = width - _HISTOGRAM - columns(told)
    return [
        Span("reads ", "muted"),
        Span(drawing.silhouette(probe.curve, _HISTOGRAM - columns("reads ")), "accept"),
        Span(told),
        Span(one_line(probe.model, room) if room >= _SHORTEST else "", "muted"),
    ]


def curve_lines(probe: Probe | None, width: int) -> list[Line]:
    """What was asked, a bar with its interval for each position, and the verdict; None: how to get a probe."""
    width = max(width, NARROWEST)
    if probe is None:
        return flow([Span("No probe yet. ", "muted"), Span("b measures how well a model reads each position.")], width)
    setup, verdict = probe.setup, judge(probe.curve)
    asked = f"{setup.size} {'documents' if setup.task == 'documents' else 'pairs'}, {probe.curve.asked:,} answers"
    lines: list[Line] = [
        [Span(one_line(probe.model, width), " bold")],
        [Span(one_line(asked if probe.ended else f"{asked}, stopped", width), "muted")],
    ]
    counts = width >= _COUNTS_FROM
    first = drawing.rows(probe.curve, verdict, 1)[0]
    before = f"{'':{len(first.label)}} "
    behind = len(first.share) + 2 + (len(first.counts) + 1 if counts else 0)
    room = width - len(before) - behind - 1
    lines.append([Span(before), Span(drawing.axis(room), "muted")])
    for row in drawing.rows(probe.curve, verdict, room):
        ink = "reject" if row.weak else ""
        lines.append(
            [
                Span(f"{row.label} ", "muted"),
                *(Span(part, _INKS.get(part[0], "muted")) for part in _PARTS.findall(row.track)),
                Span(f" {row.share}", ink),
                *([Span(f" {row.counts}", "muted")] if counts else []),
                Span(f" {_WEAK}" if row.weak else "", ink),
            ]
        )
    return [*lines, *flow([Span(verdict.words)], width)]


def question_of(foretold: Foretold) -> str:
    """What a probe would ask of whom, and what it takes."""
    setup = foretold.setup
    size = f"{setup.size} documents" if setup.task == "documents" else f"{setup.size} key-value pairs"
    return (
        f"How well does {foretold.model} read each position?\n"
        f"{size}, the right one at {setup.positions} positions, {setup.samples} times each.\n"
        f"{estimate_words(foretold.estimate, 'questions')}"
    )
