import csv
import io
import json
from datetime import timedelta

import pytest

from sinch_reporting.cli import output

HOSTILE = "\x1b]0;x\x07\u202e\u200b\x00\n\ud800\x7f\U000e0101é"


def test_json_escapes_what_a_terminal_would_interpret_and_keeps_the_value(capsys):
    output.write([{"status": HOSTILE, "is_up": False, "duration": timedelta(seconds=90), "asr": None}], "json")
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {"status": HOSTILE, "is_up": False, "duration": 90, "asr": None}
    assert line.isprintable()
    assert r"\ud800" in line


def test_csv_has_lower_case_booleans_and_escaped_text(capsys):
    output.write([{"status": HOSTILE, "is_up": True}, {"status": "down", "is_up": False}], "csv")
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [
        ["status", "is_up"],
        [r"\x1b]0;x\x07\u202e\u200b\x00\n\ud800\x7f\U000e0101é", "true"],
        ["down", "false"],
    ]


def test_rows_written_one_by_one_are_aligned(capsys):
    write = output.writer("table")
    write({"id": "rtpproxy", "status": "degraded"})
    write({"id": "rtp", "status": "up"})
    assert capsys.readouterr().out == "id        status\nrtpproxy  degraded\nrtp       up\n"


def test_no_rows_are_no_output(capsys):
    output.write([], "table")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("names", "row"), [((), {"a": 1, "b": 2}), (("b",), {"b": 2}), (("b", "a"), {"b": 2, "a": 1})])
def test_columns_are_selected_in_the_given_order(names, row):
    assert list(output.select({"a": 1, "b": 2}, names).items()) == list(row.items())
