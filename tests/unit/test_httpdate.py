from datetime import UTC, datetime

import pytest

from sinch_reporting.httpdate import parse_http_date


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Thu, 28 Apr 2022 12:00:30 GMT", datetime(2022, 4, 28, 12, 0, 30, tzinfo=UTC)),
        ("Thu, 28 Apr 2022 12:00:30 -0000", datetime(2022, 4, 28, 12, 0, 30, tzinfo=UTC)),
        ("Thu, 28 Apr 2022 14:00:30 +0200", datetime(2022, 4, 28, 12, 0, 30, tzinfo=UTC)),
        *((text, None) for text in (None, "", "yesterday", "2022-04-28", "Thu,", "Thu, 28 Apr 2022 99:99:99 GMT")),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
    ],
)
def test_an_http_date_is_a_time_in_utc(text, time):
    assert parse_http_date(text) == time
