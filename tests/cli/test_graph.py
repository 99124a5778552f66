import itertools
from datetime import UTC, datetime, timedelta

import pytest

from sinch_reporting.cli.graph import WINDOW, History, axis_limits, graph

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def history(*values):
    """Return a history of values, two minutes each, up to noon."""
    made = History()
    for index, value in enumerate(values):
        made.add(NOON - timedelta(minutes=2 * (len(values) - index)), value)
    return made


def canvas(drawn):
    """Return label and cells of each row of the canvas."""
    return [row.split(" |", 1) for row in drawn.splitlines()[:-2]]


def test_a_value_lasts_until_the_next_one_and_the_last_one_until_now():
    [line] = history(5, 5, 9).lines(NOON)
    times = [NOON - timedelta(minutes=minutes) for minutes in (6, 2, 2, 0)]
    assert line == list(zip(times, [5, 5, 9, 9], strict=True))


def test_the_line_is_interrupted_while_the_value_is_unknown():
    assert [len(line) for line in history(5, 6, None, None, 7).lines(NOON)] == [4, 2]
    assert history(None).lines(NOON) == []
    assert graph(history(None), NOON, width=80, height=12) == ""


def test_values_older_than_the_window_are_deleted():
    made = history(*range(1000))
    assert len(made.steps) <= WINDOW / timedelta(minutes=2) + 2
    assert made.lines(NOON)[0][0][0] >= NOON - WINDOW


@pytest.mark.parametrize("width", [60, 61, 79, 80, 100, 137, 200])
def test_the_graph_fits_and_reaches_the_last_column(width):
    drawn = graph(history(*range(500, 620)), NOON, width=width, height=12)
    assert len(drawn.splitlines()) == 12
    assert max(map(len, drawn.splitlines())) <= width
    cells = (width - 22) // 10 * 10
    # The newest value is at the right end of the canvas, the oldest one at its left end.
    assert max(len(row[1]) for row in canvas(drawn)) >= cells
    assert drawn.splitlines()[-1].split()[-1] == "12:00"
    assert "\x1b" not in drawn


def test_labels_are_whole_numbers_near_the_data():
    drawn = graph(history(*[805] * 30, *[812] * 30), NOON, width=80, height=12)
    labels = [int(label) for label, _ in canvas(drawn)]
    assert len({upper - lower for upper, lower in itertools.pairwise(labels)}) == 1
    drawn_labels = [int(label) for label, cells in canvas(drawn) if cells.strip()]
    assert min(drawn_labels) <= 805
    assert max(drawn_labels) >= 812
    assert labels[0] - labels[-1] < 12


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (0, 5), (3, 3), (842, 842), (700, 900), (0, 10**6), (10**15, 10**15 + 1), (0, 2**63)]
)
def test_the_axis_contains_all_values(low, high):
    bottom, top = axis_limits(low, high, 9)
    assert 0 <= bottom <= low
    assert high < top
    assert top - bottom <= max(2 * (high - low), 30)


def test_the_line_has_no_gap_where_the_value_is_highest():
    for high in range(780, 820):
        rows = [cells for _, cells in canvas(graph(history(600, high, 605), NOON, width=200, height=12))]
        columns = {column for row in rows for column, cell in enumerate(row) if cell != " "}
        assert columns == set(range(1, max(columns) + 1)), high


def test_long_numbers_do_not_move_the_axis():
    drawn = graph(history(2**62), NOON, width=80, height=12)
    assert {len(label) for label, _ in canvas(drawn)} == {10}


@pytest.mark.parametrize("low", [10**10 - 2, 10**15, 10**18, 2**62, 2**63 - 3])
@pytest.mark.parametrize("span", [0, 2, 10**7, 10**16])
def test_labels_of_long_numbers_differ_and_the_line_is_exact(low, span):
    rows = canvas(graph(history(low, low + span), NOON, width=80, height=12))
    labels = [label.strip() for label, _ in rows]
    assert len(set(labels)) == 10
    *above, bottom = map(float, labels)
    step = above[-1] if labels[0].startswith("+") else above[-1] - bottom
    assert step >= 1
    # The line begins at `low` and ends at `low + span`, to a row.
    drawn = [len(rows) - 1 - index for index, (_, cells) in enumerate(rows) if cells.strip()]
    assert (max(drawn) - min(drawn)) * step == pytest.approx(span, abs=1.1 * step)


@pytest.mark.parametrize(("values", "drawn"), [((1,), ["up"]), ((0,), ["not up"]), ((1, 0), ["up", "not up"])])
def test_each_state_is_drawn_beside_its_name(values, drawn):
    rows = canvas(graph(history(*values), NOON, width=60, height=12, names=("not up", "up")))
    assert [label.strip() for label, _ in rows] == ["", "up", "not up"]
    assert [label.strip() for label, cells in rows if cells.strip()] == drawn


def test_a_graph_that_does_not_fit_is_omitted():
    assert graph(history(1), NOON, width=60, height=4) == ""
    assert graph(history(1), NOON, width=31, height=12) == ""
    assert graph(history(1), NOON, width=60, height=4, names=("not up", "up")) == ""


def test_short_spans_show_seconds():
    assert "11:58:00" in graph(history(1), NOON, width=80, height=12)
