"""Compare a day's report with the call detail records, to find out what `stop` and a day mean."""

import csv
from datetime import date, datetime, timedelta
from pathlib import Path

from sinch_reporting import Number, ReportingClient

number, day = Number("+46730170104"), date(2026, 11, 2)
day_after = day + timedelta(days=1)

with ReportingClient() as reporting:
    inclusive = reporting.get_call_report(number, start=day, stop=day)
    exclusive = reporting.get_call_report(number, start=day, stop=day_after)

    # In place of the publisher's files of the day and the day after. Adapt the names of the columns.
    calls = [f"{day}T12:00:00Z;{number.value}\n"] * inclusive.total
    calls += [f"{day_after}T12:00:00Z;{number.value}\n"] * (exclusive.total - inclusive.total)
    Path("cdr.csv").write_text("Start;To\n" + "".join(calls))

with Path("cdr.csv").open(newline="") as file:
    starts = [
        datetime.fromisoformat(row["Start"]) for row in csv.DictReader(file, delimiter=";") if row["To"] == number.value
    ]
expected = sum(start.date() == day for start in starts)
print("stop is included:", inclusive.total == expected)
print("stop is excluded:", exclusive.total == expected)
for hours in range(-12, 15):
    if hours and sum((start + timedelta(hours=hours)).date() == day for start in starts) == inclusive.total != expected:
        print(f"days begin at midnight of UTC{hours:+d}")
