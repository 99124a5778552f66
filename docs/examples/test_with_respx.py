"""A test with respx."""

from respx import MockRouter

from sinch_reporting import ReportingClient


def test_ongoing_calls(respx_mock: MockRouter) -> None:
    route = respx_mock.get(path="/v1/counters/currentCalls")
    route.respond(json={"value": 842, "modified": "2026-11-20T12:00:00Z"})
    with ReportingClient("key", "c2VjcmV0") as reporting:
        assert reporting.get_counter("currentCalls").value == 842
    assert route.calls.last.request.headers["Authorization"].startswith("Application key:")
