"""A test with pytest-httpx."""

import re

from pytest_httpx import HTTPXMock

from sinch_reporting import Number, ReportingClient


def test_call_report(httpx_mock: HTTPXMock) -> None:
    url = re.compile(r".*/users/number/\+46730170101/calls/pstn$")
    httpx_mock.add_response(url=url, json={"success": 3, "failed": 0, "duration": 600})
    with ReportingClient("key", "c2VjcmV0") as reporting:
        assert reporting.get_call_report(Number("+46730170101")).success == 3
