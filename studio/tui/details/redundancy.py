"""How redundant the rows are, as a page: the whole, what one row of each cluster would leave, by source, by method."""

from __future__ import annotations

from studio.curate.selecting.redundancy import Figures, Redundancy
from studio.text.display import columns, one_line
from studio.tui.flow import flow
from studio.tui.ink import Line, Span

_NAME = 28
_BAR = 12


def redundancy_lines(found: Redundancy, clusters: int, width: int) -> list[Line]:
    """The figures with what they mean."""
    whole = found.whole
    said = f"{whole.rows:,} rows, {whole.clustered:,} of them in {clusters:,} clusters of near-duplicates."
    lines: list[Line] = [[Span("How redundant the set is   ", " bold"), Span("j k scroll, Esc closes", "muted")], []]
    lines += flow([Span(said)], width)
    lines += flow(
        [
            Span(f"Compression ratio {whole.ratio:.3f}", " bold"),
            Span(
                ": bytes of the text by its bytes compressed (Entropy Law, arXiv 2407.06645). Of two sets alike in "
                "size, language and quality the one with the lower ratio teaches more.",
                "muted",
            ),
        ],
        width,
    )
    if found.kept is not None:
        kept = found.kept
        lines += flow(
            [Span(f"With one row of each cluster: {kept.rows:,} rows, ratio {kept.ratio:.3f}", "accept")], width
        )
    else:
        lines += flow([Span("No clusters are known: f in Dedup finds them", "muted")], width)
    for title, groups in (("by source", found.by_source), ("by method", found.by_method)):
        lines += [
            [],
            [Span(f"{title:<{_NAME}}", "muted underline"), Span("    rows  in clusters        ratio", "muted")],
        ]
        lines += [_group(name, figures) for name, figures in groups.items()]
    return lines


def _group(name: str, figures: Figures) -> Line:
    shown = one_line(name, _NAME)
    bar = "█" * round(figures.share * _BAR)
    return [
        Span(shown + " " * (_NAME - columns(shown))),
        Span(f"{figures.rows:>8,}  "),
        Span(f"{figures.share:>4.0%} "),
        Span(f"{bar:<{_BAR}}", "duplicate"),
        Span(f"{figures.ratio:>7.3f}"),
    ]
