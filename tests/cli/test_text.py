from datetime import timedelta

import pytest

from sinch_reporting.cli.text import format_duration, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with é and 漢", "plain, with é and 漢"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]8;;https://x.example\x1b\\link", r"\x1b]8;;https://x.example\x1b\link"),
        ("\x1b]52;c;cm0=\x07", r"\x1b]52;c;cm0=\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202eup\u2066", r"\u202eup\u2066"),
        ("u\u200bp\ufeff\u00ad", r"u\u200bp\ufeff\xad"),
        ("a\u3164\u115f\ufe0f\U000e0101", r"a\u3164\u115f\ufe0f\U000e0101"),
        ("\x00\r\n\t\u2028", r"\x00\r\n\t\u2028"),
        ("\ud800", r"\ud800"),
        ("\x7f\xa0", r"\x7f\xa0"),
    ],
)
def test_what_a_terminal_would_interpret_or_hide_is_escaped(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00:00"), (59.6, "0:01:00"), (3599, "0:59:59"), (250_000, "69:26:40")]
)
def test_durations_count_hours(seconds, shown):
    assert format_duration(timedelta(seconds=seconds)) == shown
