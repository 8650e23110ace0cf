"""A probe's curve as lines for the Position screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.methods.probe.curve import Curve, Point, positions
from studio.methods.probe.tasks import Setup
from studio.session.runs.probing import Probe
from studio.text.display import columns, visible
from studio.tui.details.curve import curve_line, curve_lines
from studio.tui.ink import INKS


def probe(size, points, task="kv", model="a-model", ended=True):
    curve = Curve(size, tuple(Point(*point) for point in points))
    setup = Setup(task, size, len(points), max(asked for _, asked, _ in points), "en", 42)
    return Probe(1, model, setup, "2027-01-01T00:00:00", ended, curve)


def texts(lines):
    return ["".join(span.text for span in line) for line in lines]


U = ((0, 20, 19), (6, 20, 14), (12, 20, 5), (18, 20, 13), (24, 20, 20))


@st.composite
def probes(draw):
    size = draw(st.integers(3, 9999))
    indices = positions(size, draw(st.integers(3, min(size, 9))))
    asked = draw(st.integers(0, 10_000))
    points = [(index, asked, draw(st.integers(0, asked))) for index in indices]
    return probe(
        size, points, draw(st.sampled_from(["kv", "documents"])), draw(st.text(max_size=80)), draw(st.booleans())
    )


def test_a_u_curve_in_a_narrow_column():
    assert texts(curve_lines(probe(25, U), 40)) == [
        "a-model",
        "25 pairs, 100 answers",
        "   0%           50%          100%",
        " 1 ██████████████████████├─────●┤  95%",
        " 7 ██████████████├─────●────┤      70%",
        "13 ███├───●──────┤                 25% ◂",
        "19 █████████████├─────●────┤       65%",
        "25 ████████████████████████├────● 100%",
        "A U-shape: head 82%, middle 25%, tail ",
        "82%. The middle is weakest, and not by ",
        "chance (p < 0.001): 5 of 20 right there,",
        "66 of 80 elsewhere.",
    ]


@given(probes(), st.integers(30, 160))
def test_every_line_fits_and_each_position_has_one(found, width):
    lines = curve_lines(found, width)
    for line in lines:
        assert sum(columns(visible(span.text)) for span in line) <= width
        assert all(span.ink.split(" ")[0] in ("", *INKS) for span in line)
        assert not any("\n" in span.text for span in line)
    shown = texts(lines)
    for point in found.curve.points:
        (row,) = [text for text in shown[3 : 3 + len(found.curve.points)] if text.split()[0] == str(point.index + 1)]
        assert ("●" in row) == (point.asked > 0)


@pytest.mark.parametrize(("width", "shown"), [(59, False), (60, True), (100, True)])
def test_wide_lines_have_the_counts_too(width, shown):
    assert ("19/20" in "\n".join(texts(curve_lines(probe(25, U), width)))) == shown


def test_what_is_surely_weak_is_marked_without_colour_too():
    lines = curve_lines(probe(25, U), 50)
    marked = [line for line in lines if any("◂" in span.text for span in line)]
    assert [line[0].text for line in marked] == ["13 "]
    assert all(span.ink == "reject" for span in marked[0] if "◂" in span.text or "25%" in span.text)


def test_a_narrower_column_than_thirty_is_drawn_as_thirty():
    assert curve_lines(probe(25, U), 5) == curve_lines(probe(25, U), 30)


@given(probes().filter(lambda found: found.curve.asked), st.integers(80, 160))
def test_the_curve_in_one_line_fits(found, width):
    (shown,) = texts([curve_line(found, width)])
    assert columns(visible(shown)) <= width


def test_the_curve_in_one_line_says_head_tail_and_least():
    (shown,) = texts([curve_line(probe(25, U), 80)])
    assert shown == "reads ███▆▆▆▆▆▂▂▂▂▂▅▅▅▅▅██  head 95%, tail 100%, least 25% at 13 of 25  a-model"


def test_a_stopped_probe_says_so_and_none_says_how_to_get_one():
    assert "10 documents, 60 answers, stopped" in texts(
        curve_lines(probe(10, ((0, 20, 1), (4, 20, 1), (9, 20, 1)), "documents", ended=False), 60)
    )
    assert "".join(texts(curve_lines(None, 80))) == "No probe yet. b measures how well a model reads each position."
