"""The methods there are as lines: a list, and of one of them what it needs, makes, takes and goes by. Pure."""

from __future__ import annotations

from typing import NamedTuple

from studio.jobs.runs.estimate import Estimate
from studio.methods.asking import Method
from studio.settings import Settings
from studio.settings.lines import lines, text
from studio.text.display import one_line
from studio.tui.details.funnel import estimate_words
from studio.tui.flow import flow
from studio.tui.ink import Line, Span


class Listed(NamedTuple):
    """A method as the list shows it. note: how its run stands. foretold: None while nobody knows; trouble: why not."""

    method: Method
    note: str = ""
    foretold: Estimate | None = None
    trouble: str = ""


def method_line(one: Listed, width: int) -> Line:
    """One line of the list."""
    head = f" {one.method.title:<22.22} "
    told = f"{one.method.needs} → {one.method.makes}"
    note = f"  {one.note}" if one.note else ""
    return [Span(head, " bold"), Span(one_line(told, width - len(head) - len(note)), "muted"), Span(note, "pending")]


def method_lines(one: Listed, settings: Settings, width: int) -> list[Line]:
    """What the method under the cursor needs and makes, what it would take, the settings it would go by."""
    method = one.method
    if one.trouble:
        takes = [Span("takes    ", "muted"), Span(one.trouble, "reject")]
    elif one.foretold is None:
        takes = [Span("takes    ", "muted"), Span("…", "muted")]
    else:
        takes = [Span("takes    ", "muted"), Span(estimate_words(one.foretold, method.unit))]
    section = getattr(settings, method.section)
    told = "   ".join(
        f"{line.label} {text(getattr(section, line.setting.name))}"
        for line in lines(method.settings)
        if not line.setting.keys
    )
    found = [
        *flow([Span("needs    ", "muted"), Span(method.needs)], width),
        *flow([Span("makes    ", "muted"), Span(method.makes)], width),
        *flow(takes, width),
        *flow([Span("goes by  ", "muted"), Span(told)], width),
    ]
    if one.foretold is not None:
        found += flow([Span(f"         as {'; '.join(one.foretold.assumptions)}", "muted")], width)
    return found
