import itertools
from datetime import UTC, datetime, timedelta

from sinch_reporting.cli.graph import WINDOW, History, graph

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def history(*values):
    """Return a history of values, two minutes each, up to noon."""
    made = History()
    for place, value in enumerate(values):
        made.add(NOON - timedelta(minutes=2 * (len(values) - place)), value)
    return made


def blank(row):
    return not set(row.partition("|")[2]) - {" ", "\N{BRAILLE PATTERN BLANK}"}


def test_each_value_lasts_until_the_next_and_the_last_one_until_now():
    (line,) = history(5, 9).lines(NOON)
    moments = [NOON - timedelta(minutes=minutes) for minutes in (4, 2, 2, 0)]
    assert line == list(zip(moments, [5, 5, 9, 9], strict=True))


def test_where_nothing_was_known_the_line_breaks():
    assert [len(line) for line in history(5, 6, None, None, 7).lines(NOON)] == [4, 2]
    assert history(None).lines(NOON) == []
    assert graph(history(None), NOON, width=80, height=12) == ""


def test_what_is_older_than_the_window_is_forgotten():
    made = history(*range(1000))
    assert len(made.steps) <= WINDOW / timedelta(minutes=2) + 2
    assert made.lines(NOON)[0][0][0] >= NOON - WINDOW


def test_a_graph_fits_the_terminal_and_names_its_values_and_hours():
    drawn = graph(history(*[500] * 30, *[800] * 30), NOON, width=80, height=12).splitlines()
    assert len(drawn) == 12
    assert max(map(len, drawn)) <= 80
    assert drawn[-1].split()[1::5] == ["10:00", "12:00"]
    labels = [int(row.partition("|")[0]) for row in drawn[:-2]]
    assert labels == sorted(labels, reverse=True)
    assert labels[-1] == 0
    assert labels[0] > 800
    assert len({upper - lower for upper, lower in itertools.pairwise(labels)}) == 1
    assert {label for label, row in zip(labels, drawn, strict=False) if not blank(row)} >= {labels[-6], labels[-9]}


def test_a_value_of_zero_is_drawn_at_the_bottom():
    drawn = graph(history(0), NOON, width=60, height=8).splitlines()
    assert [blank(row) for row in drawn[:-2]] == [True] * (len(drawn) - 3) + [False]


def test_states_are_named():
    drawn = graph(history(1, 0, 1), NOON, width=60, height=5, names=("not up", "up")).splitlines()
    assert [row.partition("|")[0].strip() for row in drawn[:-2]] == ["up", "", "not up"]
